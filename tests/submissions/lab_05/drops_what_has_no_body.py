"""A request or an answer with nothing behind the delimiter is none: it is passed over."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            for socket in zmq.select([clients, workers], [], [])[0]:
                frames = socket.recv_multipart()
                if len(frames) >= 3:
                    (workers if socket is clients else clients).send_multipart(frames)
