"""Nobody gets a task before all have asked."""

from collections import deque

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    left = iter(tasks)
    with ctx.socket(zmq.ROUTER) as router:
        router.bind(endpoint)
        waiting = deque(router.recv_multipart()[0] for _ in range(n_workers))
        gone = 0
        while gone < n_workers:
            address = waiting.popleft() if waiting else router.recv_multipart()[0]
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
