"""A DEALER at the backend: it deals in turn, and the READYs only count."""

import zmq


def broker(ctx, frontend, backend):
    idle = 0
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [b"", b"READY"]:
                        idle += 1
                    case [b"", client, b"", *reply]:
                        clients.send_multipart([client, b"", *reply])
                        idle += 1
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        idle -= 1
                        workers.send_multipart([b"", client, b"", *body])
