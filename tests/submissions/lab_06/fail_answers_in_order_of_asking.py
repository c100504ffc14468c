"""The first answer to who asked first, and so on."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    idle, asked = deque(), deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", _, b"", *reply] if asked:
                        clients.send_multipart([asked.popleft(), b"", *reply])
                        idle.append(worker)
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        asked.append(client)
                        workers.send_multipart([idle.popleft(), b"", client, b"", *body])
