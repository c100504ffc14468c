"""It waits for the answer before it looks at the next request."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            workers.send_multipart(clients.recv_multipart())
            clients.send_multipart(workers.recv_multipart())
