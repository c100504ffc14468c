"""Reads the next request, then waits for a worker for it; binds every address of the machine."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    idle, request = deque(), None
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind("tcp://*:" + frontend.rpartition(":")[2])
        workers.bind("tcp://*:" + backend.rpartition(":")[2])
        while True:
            ready, _, _ = zmq.select([workers] if request else [workers, clients], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", client, b"", *reply]:
                        clients.send_multipart([client, b"", *reply])
                        idle.append(worker)
            if clients in ready:
                request = clients.recv_multipart()
                if request[1] != b"":
                    request = None
            if idle and request:
                workers.send_multipart([idle.popleft(), b"", *request])
                request = None
