"""Reads all requests, and sends one whenever a worker can take it."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    pending = deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, room, _ = zmq.select([clients, workers], [workers] if pending else [], [])
            if clients in ready:
                pending.append(clients.recv_multipart())
            if room:
                workers.send_multipart(pending.popleft())
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
