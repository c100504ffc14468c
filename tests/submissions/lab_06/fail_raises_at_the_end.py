"""It makes an error of its own of the end of the context."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    idle = deque()
    try:
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
    except zmq.ZMQError as e:
        raise RuntimeError("broker ended") from e
