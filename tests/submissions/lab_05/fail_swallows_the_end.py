"""It takes the end of the context for one more error to ignore."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            try:
                ready, _, _ = zmq.select([clients, workers], [], [])
                if clients in ready:
                    workers.send_multipart(clients.recv_multipart())
                if workers in ready:
                    clients.send_multipart(workers.recv_multipart())
            except zmq.ZMQError:
                continue
