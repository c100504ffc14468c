"""A routing id does not survive decode and encode."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, *request = clients.recv_multipart()
                name = client.decode(errors="replace")
                workers.send_multipart([name.encode(), *request])
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
