"""A credit of ten for all: the eleventh waits for an answer to another."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        out = 0
        while True:
            ready, _, _ = zmq.select([clients, workers] if out < 10 else [workers], [], [])
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
                out = max(out - 1, 0)
            elif clients in ready:
                workers.send_multipart(clients.recv_multipart())
                out += 1
