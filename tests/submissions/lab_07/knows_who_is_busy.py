"""Keeps a set of who is busy; an answer of anybody else would be an error."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    idle, busy = deque(), set()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", client, b"", *reply]:
                        busy.remove(worker)
                        clients.send_multipart([client, b"", *reply])
                        idle.append(worker)
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        worker = idle.popleft()
                        busy.add(worker)
                        workers.send_multipart([worker, b"", client, b"", *body])
