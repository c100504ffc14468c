"""It tells the client that its request has come: a REQ takes that for the answer."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                frames = clients.recv_multipart()
                if len(frames) > 2:
                    clients.send_multipart([frames[0], b"", b"ACK"])
                workers.send_multipart(frames)
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
