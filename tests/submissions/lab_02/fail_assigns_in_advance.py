"""Each worker has its own list before anybody asks."""

from collections import deque

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    lists = [deque(tasks[n::n_workers]) for n in range(n_workers)]
    whose = {}
    with ctx.socket(zmq.ROUTER) as router:
        router.bind(endpoint)
        gone = 0
        while gone < n_workers:
            address, _, _ready = router.recv_multipart()
            mine = whose.setdefault(address, lists[len(whose) % n_workers])
            task = mine.popleft() if mine else b""
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
