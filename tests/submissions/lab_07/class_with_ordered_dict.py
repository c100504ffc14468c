"""A class, an OrderedDict that remembers since when each is idle, a dataclass for requests."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field

import zmq


@dataclass(frozen=True)
class Letter:
    address: bytes
    body: tuple = field(default=())

    @classmethod
    def read(cls, frames):
        address, delimiter, *body = frames
        if delimiter or not address or not body:
            raise ValueError(f"no letter: {frames}")
        return cls(address, tuple(body))

    @property
    def frames(self):
        return [self.address, b"", *self.body]


class Broker:
    def __init__(self, clients, workers):
        self.clients, self.workers = clients, workers
        self.idle = OrderedDict()
        self.busy = {}

    def run(self):
        while True:
            self.hear()
            while self.idle and self.clients.poll(0):
                self.give()

    def hear(self):
        listening = zmq.Poller()
        listening.register(self.workers, zmq.POLLIN)
        if self.idle:
            listening.register(self.clients, zmq.POLLIN)
        if self.workers not in dict(listening.poll()):
            return
        try:
            letter = Letter.read(self.workers.recv_multipart())
            if letter.body == (b"READY",):
                self.busy.pop(letter.address, None)
            else:
                answer = Letter.read(letter.body)
                if self.busy.pop(letter.address, None) != answer.address:
                    return
                self.clients.send_multipart(answer.frames)
        except ValueError:
            return
        self.idle[letter.address] = time.monotonic()

    def give(self):
        try:
            request = Letter.read(self.clients.recv_multipart())
        except ValueError:
            return
        worker, _ = self.idle.popitem(last=False)
        self.busy[worker] = request.address
        self.workers.send_multipart(Letter(worker, tuple(request.frames)).frames)


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        Broker(clients, workers).run()
