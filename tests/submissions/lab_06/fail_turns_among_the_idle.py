"""Idle ones only, but in a fixed order."""

from collections import deque

import zmq


def next_in(order, idle):
    while True:
        order.rotate(-1)
        if order[-1] in idle:
            idle.remove(order[-1])
            return order[-1]


def broker(ctx, frontend, backend):
    idle, order = [], deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                frames = workers.recv_multipart()
                if frames[1:] == [b"", b"READY"]:
                    idle.append(frames[0])
                    order.append(frames[0])
                elif len(frames) > 4 and frames[1] == frames[3] == b"":
                    clients.send_multipart(frames[2:])
                    idle.append(frames[0])
            if clients in ready:
                frames = clients.recv_multipart()
                if len(frames) > 2 and frames[1] == b"":
                    workers.send_multipart([next_in(order, idle), b"", *frames])
