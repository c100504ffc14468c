"""One poller for each situation; an object that keeps who is idle in a dict."""

import zmq


class Broker:
    def __init__(self, clients, workers):
        self.clients, self.workers = clients, workers
        self.idle = {}
        self.all, self.some = zmq.Poller(), zmq.Poller()
        self.all.register(clients, zmq.POLLIN)
        for poller in (self.all, self.some):
            poller.register(workers, zmq.POLLIN)

    def hear_worker(self):
        worker, *frames = self.workers.recv_multipart()
        if frames == [b"", b"READY"]:
            self.idle[worker] = True
            return
        try:
            end = frames.index(b"", 1)
        except ValueError:
            return
        if frames[0] == b"" and end == 2:
            self.clients.send_multipart(frames[1:])
            self.idle.pop(worker, None)
            self.idle[worker] = True

    def hear_client(self):
        message = self.clients.recv_multipart()
        if message[1] != b"" or len(message) < 3:
            return
        worker = next(iter(self.idle))
        del self.idle[worker]
        self.workers.send_multipart([worker, b"", *message])

    def run(self):
        while True:
            poller = self.all if self.idle else self.some
            for socket, _ in poller.poll():
                if socket is self.workers:
                    self.hear_worker()
                elif self.idle:
                    self.hear_client()


def broker(ctx, frontend, backend):
    clients, workers = ctx.socket(zmq.ROUTER), ctx.socket(zmq.ROUTER)
    try:
        clients.bind(frontend)
        workers.bind(backend)
        Broker(clients, workers).run()
    finally:
        clients.close()
        workers.close()
