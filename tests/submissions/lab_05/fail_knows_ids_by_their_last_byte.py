"""A short key for each client: two whose ids end alike are one to it."""

import zmq


def broker(ctx, frontend, backend):
    ids = {}
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, *rest = clients.recv_multipart()
                ids[client[-1:]] = client
                workers.send_multipart([client[-1:], *rest])
            if workers in ready:
                key, *rest = workers.recv_multipart()
                if key in ids:
                    clients.send_multipart([ids[key], *rest])
