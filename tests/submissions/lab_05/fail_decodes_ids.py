"""A routing id is not text."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, *request = clients.recv_multipart()
                print("request from", client.decode())
                workers.send_multipart([client, *request])
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
