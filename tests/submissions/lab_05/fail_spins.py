"""It asks both sockets again and again."""

import contextlib

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            for one, other in ((clients, workers), (workers, clients)):
                with contextlib.suppress(zmq.Again):
                    other.send_multipart(one.recv_multipart(zmq.NOBLOCK))
