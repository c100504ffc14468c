"""After a message that is no request it hears nobody but clients, until one of them makes sense."""

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
                request = clients.recv_multipart()
                while request[1] != b"":
                    request = clients.recv_multipart()
                workers.send_multipart([idle.popleft(), b"", *request])
