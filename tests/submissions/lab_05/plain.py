"""As most write it: whatever is there goes to the other side."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                workers.send_multipart(clients.recv_multipart())
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
