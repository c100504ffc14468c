"""A request shorter than expected ends it."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                frames = clients.recv_multipart()
                if len(frames) < 3:
                    raise ValueError(f"malformed request {frames}")
                workers.send_multipart(frames)
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
