"""A class with a Poller; the worker is a DEALER that writes the delimiter itself."""

from collections import deque

import zmq


class Feeder:
    def __init__(self, ctx, endpoint):
        self.socket = ctx.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.socket.bind(endpoint)
        self.home = set()

    def serve(self, tasks, n_workers):
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        while len(self.home) < n_workers:
            if dict(poller.poll(50)).get(self.socket) == zmq.POLLIN:
                self.answer(tasks)

    def answer(self, tasks):
        address, empty, ready = self.socket.recv(), self.socket.recv(), self.socket.recv()
        assert (empty, ready) == (b"", b"READY")
        self.socket.send(address, zmq.SNDMORE)
        self.socket.send(b"", zmq.SNDMORE)
        if tasks:
            self.socket.send(tasks.popleft())
        else:
            self.socket.send(b"")
            self.home.add(address)


def feed(ctx, endpoint, tasks, n_workers):
    feeder = Feeder(ctx, endpoint)
    with feeder.socket:
        feeder.serve(deque(tasks), n_workers)


class Worker:
    def __call__(self, ctx, endpoint, work):
        self.done = 0
        with ctx.socket(zmq.DEALER) as socket:
            socket.identity = b"\x01" + str(id(socket)).encode()
            socket.connect(endpoint)
            socket.send_multipart([b"", b"READY"])
            while (task := socket.recv_multipart()[1]) != b"":
                work(task)
                self.done += 1
                socket.send_multipart([b"", b"READY"])
            return self.done


def worker(ctx, endpoint, work):
    return Worker()(ctx, endpoint, work)
