"""All workers in turn, whether they are busy or not."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    known = deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if known else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        known.append(worker)
                    case [worker, b"", client, b"", *reply]:
                        clients.send_multipart([client, b"", *reply])
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        workers.send_multipart([known[0], b"", client, b"", *body])
                        known.rotate(-1)
