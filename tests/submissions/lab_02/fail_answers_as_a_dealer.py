"""A DEALER, to which no REQ can talk."""

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    with ctx.socket(zmq.DEALER) as d:
        d.linger = -1
        d.bind(endpoint)
        for t in list(tasks) + [b""] * n_workers:
            d.recv_multipart()
            d.send_multipart([b"", t])


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
