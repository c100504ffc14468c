"""list.index raises where there is no empty frame."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                frames = clients.recv_multipart()
                end = frames.index(b"")
                workers.send_multipart([*frames[:end], b"", *frames[end + 1 :]])
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
