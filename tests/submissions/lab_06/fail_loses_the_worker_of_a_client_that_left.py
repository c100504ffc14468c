"""Catches the error, and forgets who is idle now."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    idle = deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.router_mandatory = True
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", client, b"", *reply]:
                        try:
                            clients.send_multipart([client, b"", *reply])
                        except zmq.ZMQError:
                            continue
                        idle.append(worker)
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        workers.send_multipart([idle.popleft(), b"", client, b"", *body])
