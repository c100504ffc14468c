"""Takes the tasks out of the caller's list."""

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    with ctx.socket(zmq.REP) as rep:
        rep.linger = -1
        rep.bind(endpoint)
        told = 0
        while told < n_workers:
            rep.recv()
            if tasks:
                rep.send(tasks.pop(0))
            else:
                rep.send(b"")
                told += 1


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
