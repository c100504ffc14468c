"""A worker is taken before the message is looked at, and put back at the end."""

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
                worker = idle.popleft()
                try:
                    client, empty, *body = clients.recv_multipart()
                    if empty:
                        raise ValueError
                    workers.send_multipart([worker, b"", client, b"", *body])
                except ValueError:
                    idle.append(worker)
