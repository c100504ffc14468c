"""poll() on one socket at a time: slow, and right."""

import zmq


def broker(ctx, frontend, backend):
    idle = []
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            if workers.poll(10 if idle else None):
                worker, *frames = workers.recv_multipart()
                if frames[1:] != [b"READY"]:
                    if len(frames) < 4:
                        continue
                    clients.send_multipart(frames[1:])
                idle.append(worker)
            if idle and clients.poll(10):
                request = clients.recv_multipart()
                if request[1] == b"":
                    workers.send_multipart([idle.pop(0), b"", *request])
