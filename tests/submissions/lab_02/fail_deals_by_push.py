"""A PUSH cannot hear who asks."""

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    with ctx.socket(zmq.PUSH) as push:
        push.bind(endpoint)
        for task in [*tasks, *[b""] * n_workers]:
            push.send(task)


def worker(ctx, endpoint, work):
    done = 0
    with ctx.socket(zmq.REQ) as req:
        req.connect(endpoint)
        while True:
            req.send(b"READY")
            task = req.recv()
            if not task:
                return done
            work(task)
            done += 1
