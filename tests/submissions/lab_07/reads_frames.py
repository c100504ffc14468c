"""A message is a list: READY is all that has one frame behind the delimiter."""

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
                worker, _, *rest = workers.recv_multipart()
                idle.append(worker)
                if rest[1:]:
                    clients.send_multipart(rest)
            if clients in ready:
                frames = clients.recv_multipart()
                if frames[1:2] == [b""]:
                    workers.send_multipart([idle.popleft(), b"", *frames])
