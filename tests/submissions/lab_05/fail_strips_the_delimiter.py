"""A worker cannot tell where the envelope ends."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, _, *body = clients.recv_multipart()
                workers.send_multipart([client, *body])
            if workers in ready:
                client, *body = workers.recv_multipart()
                clients.send_multipart([client, b"", *body])
