"""A ROUTER that answers each question, in the order in which they come."""

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    left = iter(tasks)
    with ctx.socket(zmq.ROUTER) as router:
        router.bind(endpoint)
        gone = 0
        while gone < n_workers:
            address, _, _ready = router.recv_multipart()
            task = next(left, b"")
            router.send_multipart([address, b"", task])
            gone += task == b""


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
