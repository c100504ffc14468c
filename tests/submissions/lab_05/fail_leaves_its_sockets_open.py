"""Nobody closes the sockets."""

import zmq


def broker(ctx, frontend, backend):
    clients = ctx.socket(zmq.ROUTER)
    clients.bind(frontend)
    workers = ctx.socket(zmq.DEALER)
    workers.bind(backend)
    while True:
        ready, _, _ = zmq.select([clients, workers], [], [])
        if clients in ready:
            workers.send_multipart(clients.recv_multipart())
        if workers in ready:
            clients.send_multipart(workers.recv_multipart())
