"""A request of any form goes to a worker; it answers as well as it can."""

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
                frames = workers.recv_multipart()
                if frames[1:] == [b"", b"READY"]:
                    idle.append(frames[0])
                elif len(frames) > 4 and frames[1] == frames[3] == b"":
                    clients.send_multipart(frames[2:])
                    idle.append(frames[0])
            if clients in ready:
                frames = clients.recv_multipart()
                if frames[1] != b"":
                    frames.insert(1, b"")
                workers.send_multipart([idle.popleft(), b"", *frames])
