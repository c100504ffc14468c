"""One after the other, whoever asks: the quick wait for the slow."""

from collections import deque

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    left = deque(tasks)
    turns, asked, gone = deque(), set(), 0
    with ctx.socket(zmq.ROUTER) as router:
        router.bind(endpoint)
        while gone < n_workers:
            address, _, _ready = router.recv_multipart()
            asked.add(address)
            if address not in turns:
                turns.append(address)
            while turns and turns[0] in asked:
                asked.remove(turns[0])
                task = left.popleft() if left else b""
                router.send_multipart([turns[0], b"", task])
                turns.rotate(-1)
                if task == b"":
                    turns.pop()
                    gone += 1


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
