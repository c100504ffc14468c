"""While a request waits, answers wait: and no request comes any more."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            workers.send_multipart(clients.recv_multipart())
            while workers.poll(0):
                clients.send_multipart(workers.recv_multipart())
