"""It remembers who asked last."""

import zmq


def broker(ctx, frontend, backend):
    last = None
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                last, *request = clients.recv_multipart()
                workers.send_multipart([last, *request])
            if workers in ready:
                _, *reply = workers.recv_multipart()
                clients.send_multipart([last, *reply])
