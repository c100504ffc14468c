"""Takes any request apart into three."""

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
            if clients in ready:
                client, empty, body = clients.recv_multipart()
                workers.send_multipart([idle.popleft(), empty, client, empty, body])
