"""A class; a deque of those who are idle, a Counter of those who are not, two pollers."""

from collections import Counter, deque

import zmq


class Broker:
    def __init__(self, clients, workers, credit):
        self.clients, self.workers, self.credit = clients, workers, credit
        self.known, self.idle, self.busy = set(), deque(), Counter()
        self.all, self.backend = zmq.Poller(), zmq.Poller()
        self.all.register(clients, zmq.POLLIN)
        for poller in (self.all, self.backend):
            poller.register(workers, zmq.POLLIN)

    def run(self):
        while True:
            room = self.idle or any(n < self.credit for n in self.busy.values())
            for socket, _ in (self.all if room else self.backend).poll():
                if socket is self.workers:
                    self.hear(*self.workers.recv_multipart())
                else:
                    self.give(self.clients.recv_multipart())

    def hear(self, worker, *frames):
        if frames == (b"", b"READY"):
            if worker not in self.known:
                self.known.add(worker)
                self.idle.append(worker)
        elif len(frames) >= 4 and self.busy[worker]:
            self.busy[worker] -= 1
            if not self.busy[worker]:
                del self.busy[worker]
                self.idle.append(worker)
            self.clients.send_multipart(frames[1:])

    def give(self, request):
        if len(request) < 3 or request[1]:
            return
        worker = self.idle.popleft() if self.idle else self.busy.most_common()[-1][0]
        self.busy[worker] += 1
        self.workers.send_multipart([worker, b"", *request])


def broker(ctx, frontend, backend, credit):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        Broker(clients, workers, credit).run()
