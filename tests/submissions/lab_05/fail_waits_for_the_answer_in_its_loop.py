"""It polls both, and then waits for one answer all the same."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, *request = clients.recv_multipart()
                workers.send_multipart([client, *request])
                if workers.poll(30_000):
                    clients.send_multipart(workers.recv_multipart())
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
