"""A request that comes before the workers is lost."""

import contextlib

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                request = clients.recv_multipart()
                with contextlib.suppress(zmq.Again):
                    workers.send_multipart(request, zmq.NOBLOCK)
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
