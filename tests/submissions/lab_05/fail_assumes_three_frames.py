"""A body may have more than one frame."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, empty, body = clients.recv_multipart()
                workers.send_multipart([client, empty, body])
            if workers in ready:
                client, empty, body = workers.recv_multipart()
                clients.send_multipart([client, empty, body])
