"""Who talked nonsense once is never answered."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        bad = set()
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                frames = clients.recv_multipart()
                if b"" not in frames[1:]:
                    bad.add(frames[0])
                if frames[0] not in bad:
                    workers.send_multipart(frames)
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
