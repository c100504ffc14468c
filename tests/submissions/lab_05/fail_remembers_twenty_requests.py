"""A queue with a bound: what waits for a worker too long falls out."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    waiting = deque(maxlen=20)
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, room, _ = zmq.select([clients, workers], [workers] if waiting else [], [])
            if clients in ready:
                waiting.append(clients.recv_multipart())
            if room:
                workers.send_multipart(waiting.popleft())
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
