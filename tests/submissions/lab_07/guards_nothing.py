"""Whoever speaks at the backend is idle, and what a client says is a request, whatever it is."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    idle = deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            if not idle or zmq.select([workers], [], [], 0)[0]:
                worker, *message = workers.recv_multipart()
                idle.append(worker)
                if message[1:] != [b"READY"] and len(message) > 1:
                    clients.send_multipart(message[1:])
                continue
            readable, _, _ = zmq.select([clients, workers], [], [])
            if clients in readable:
                workers.send_multipart([idle.popleft(), b"", *clients.recv_multipart()])
