"""Reads all that workers say, then as many requests as may be given; times, not order."""

import time

import zmq


def all_there_is(socket):
    while socket.poll(0):
        yield socket.recv_multipart()


class Worker:
    def __init__(self):
        self.held, self.since = 0, time.monotonic_ns()


def broker(ctx, frontend, backend, credit):
    crew = {}
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            room = sum(credit - worker.held for worker in crew.values())
            zmq.select([workers, clients] if room else [workers], [], [])
            for name, *frames in all_there_is(workers):
                if frames == [b"", b"READY"]:
                    crew.setdefault(name, Worker())
                elif len(frames) > 3 and name in crew:
                    worker = crew[name]
                    worker.held -= 1
                    worker.since = time.monotonic_ns()
                    clients.send_multipart(frames[1:])
            room = sum(credit - worker.held for worker in crew.values())
            while room and clients.poll(0):
                match clients.recv_multipart():
                    case [client, b"", *body] if body:
                        name = min(crew, key=lambda n: (crew[n].held, crew[n].since))
                        crew[name].held += 1
                        room -= 1
                        workers.send_multipart([name, b"", client, b"", *body])
