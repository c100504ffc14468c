"""Takes a client's next request only when its last one has been answered; drops it otherwise."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        asking = set()
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                frames = clients.recv_multipart()
                if frames[0] not in asking:
                    asking.add(frames[0])
                    workers.send_multipart(frames)
            if workers in ready:
                frames = workers.recv_multipart()
                asking.discard(frames[0])
                clients.send_multipart(frames)
