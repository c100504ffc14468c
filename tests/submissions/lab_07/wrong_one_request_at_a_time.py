"""Gives a request away and waits for its answer."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    idle = deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            while not idle or workers.poll(0):
                worker, *rest = workers.recv_multipart()
                if rest == [b"", b"READY"]:
                    idle.append(worker)
            if not clients.poll(50):
                continue
            request = clients.recv_multipart()
            workers.send_multipart([idle.popleft(), b"", *request])
            worker, _, *reply = workers.recv_multipart()
            while reply == [b"READY"]:
                idle.append(worker)
                worker, _, *reply = workers.recv_multipart()
            clients.send_multipart(reply)
            idle.append(worker)
