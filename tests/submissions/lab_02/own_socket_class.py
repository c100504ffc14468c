"""Sockets of a class of its own, which answers and asks in one call."""

import zmq


class Talking(zmq.Socket):
    def answer(self, envelope, task):
        self.send_multipart([*envelope, task])
        return task == b""

    def ask(self, question=b"READY"):
        self.send(question)
        return self.recv()


def feed(ctx, endpoint, tasks, n_workers):
    left = iter(tasks)
    with ctx.socket(zmq.ROUTER, socket_class=Talking) as router:
        router.bind(endpoint)
        while n_workers:
            *envelope, _ready = router.recv_multipart()
            n_workers -= router.answer(envelope, next(left, b""))


def worker(ctx, endpoint, work):
    with ctx.socket(zmq.REQ, socket_class=Talking) as req:
        req.connect(endpoint)
        done = 0
        while task := req.ask():
            work(task)
            done += 1
        return done
