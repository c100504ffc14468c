"""Trusts its workers: what one says is READY or an answer."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    idle = deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                worker, _, client, *reply = workers.recv_multipart()
                if client != b"READY":
                    clients.send_multipart([client, *reply])
                idle.append(worker)
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        workers.send_multipart([idle.popleft(), b"", client, b"", *body])
