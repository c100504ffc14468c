"""Reads as many requests as workers are idle, and gives the last one out first."""

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
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", client, b"", *reply]:
                        clients.send_multipart([client, b"", *reply])
                        idle.append(worker)
            requests = []
            while len(requests) < len(idle) and clients.poll(0):
                requests.append(clients.recv_multipart())
            while requests:
                workers.send_multipart([idle.popleft(), b"", *requests.pop()])
