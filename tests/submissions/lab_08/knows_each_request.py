"""A list of who has which request, and nothing else: all the counts are made of it.

ROUTER_MANDATORY says who is gone; frames are received one by one.
"""

import contextlib

import zmq


def receive(socket):
    frames = [socket.recv()]
    while socket.rcvmore:
        frames.append(socket.recv())
    return frames


def send(socket, frames):
    with contextlib.suppress(zmq.Again):
        try:
            socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise


def broker(ctx, frontend, backend, credit):
    line, outstanding = [], []  # line: of all workers, who was idle last stands last
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.router_mandatory = 1
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            sockets = [workers] if len(outstanding) == credit * len(line) else [clients, workers]
            for socket in zmq.select(sockets, [], [])[0]:
                address, *frames = receive(socket)
                if socket is clients and frames[0] == b"" and frames[1:]:
                    loads = [sum(w == worker for w, _ in outstanding) for worker in line]
                    worker = line[loads.index(min(loads))]
                    outstanding.append((worker, address))
                    send(workers, [worker, b"", address, *frames])
                elif socket is workers and frames == [b"", b"READY"]:
                    if address not in line:
                        line.append(address)
                elif socket is workers and (address, frames[1]) in outstanding:
                    outstanding.remove((address, frames[1]))
                    line.remove(address)
                    line.append(address)
                    send(clients, frames[1:])
