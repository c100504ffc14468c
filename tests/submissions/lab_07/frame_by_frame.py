"""Frame by frame, without blocking once something is there; who is idle since when, by number."""

import itertools

import zmq


def read(socket):
    frames = [socket.recv(zmq.DONTWAIT)]
    while socket.get(zmq.RCVMORE):
        frames.append(socket.recv())
    return frames


def write(socket, frames):
    for frame in frames[:-1]:
        socket.send(frame, zmq.SNDMORE)
    socket.send(frames[-1])


def broker(ctx, frontend, backend):
    since = {}
    clock = itertools.count()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            zmq.select([clients, workers] if since else [workers], [], [])
            try:
                while True:
                    frames = read(workers)
                    if frames[1:] == [b"", b"READY"]:
                        since[frames[0]] = next(clock)
                    elif len(frames) > 4 and frames[3] == b"":
                        write(clients, frames[2:])
                        since[frames[0]] = next(clock)
            except zmq.Again:
                pass
            try:
                while since:
                    request = read(clients)
                    if len(request) > 2 and not request[1]:
                        longest = min(since, key=since.get)
                        del since[longest]
                        write(workers, [longest, b"", *request])
            except zmq.Again:
                pass
