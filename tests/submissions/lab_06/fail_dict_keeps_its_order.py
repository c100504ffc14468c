"""A key of a dict stays where it is when its value changes: the first to come goes first."""

import zmq


def broker(ctx, frontend, backend):
    idle = {}
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select(
                [workers, clients] if any(idle.values()) else [workers], [], []
            )
            if workers in ready:
                worker, _, *rest = workers.recv_multipart()
                idle[worker] = True
                if rest[1:]:
                    clients.send_multipart(rest)
            if clients in ready:
                frames = clients.recv_multipart()
                if frames[1:2] == [b""] and any(idle.values()):
                    worker = next(worker for worker, free in idle.items() if free)
                    idle[worker] = False
                    workers.send_multipart([worker, b"", *frames])
