"""Takes a False from `work` for the end."""

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    left = iter(tasks)
    with ctx.socket(zmq.ROUTER) as router:
        router.bind(endpoint)
        gone = 0
        while gone < n_workers:
            *envelope, _ready = router.recv_multipart()
            task = next(left, b"")
            router.send_multipart([*envelope, task])
            gone += task == b""


def worker(ctx, endpoint, work):
    with ctx.socket(zmq.REQ) as s:
        s.connect(endpoint)
        n = 0
        while True:
            s.send(b"READY")
            task = s.recv()
            if not task:
                return n
            if work(task) is False:
                return n
            n += 1
