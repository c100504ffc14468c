"""Two queues: who has said READY comes before who has answered."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    new, old = deque(), deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if new or old else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        new.append(worker)
                    case [worker, b"", client, b"", *reply]:
                        clients.send_multipart([client, b"", *reply])
                        old.append(worker)
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        workers.send_multipart([(new or old).popleft(), b"", client, b"", *body])
