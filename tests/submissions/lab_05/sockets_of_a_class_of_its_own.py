"""Sockets of pyzmq's own class, and of one that inherits from it."""

import zmq


class Counting(zmq.Socket):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.__dict__["carried"] = 0

    def carry(self, other):
        other.send_multipart(self.recv_multipart())
        self.__dict__["carried"] += 1


def broker(ctx, frontend, backend):
    clients = ctx.socket(zmq.ROUTER, socket_class=Counting)
    workers = ctx.socket(zmq.DEALER, socket_class=zmq.Socket)
    with clients, workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                clients.carry(workers)
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())
