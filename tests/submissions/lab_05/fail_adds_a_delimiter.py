"""A REQ has put one there already."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, *request = clients.recv_multipart()
                workers.send_multipart([client, b"", *request])
            if workers in ready:
                client, _, *reply = workers.recv_multipart()
                clients.send_multipart([client, *reply])
