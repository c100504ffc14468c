"""Two who ask the same are one to it."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        asked_by = {}
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, *rest = clients.recv_multipart()
                key = asked_by.setdefault(tuple(rest), client)
                workers.send_multipart([key, *rest])
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
