"""A body is bytes, too."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                *envelope, body = clients.recv_multipart()
                print(body.decode())
                workers.send_multipart([*envelope, body])
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
