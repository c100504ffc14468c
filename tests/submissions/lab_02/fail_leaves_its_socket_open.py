"""Nobody closes the socket."""

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    router = ctx.socket(zmq.ROUTER)
    router.bind(endpoint)
    for task in [*tasks, *[b""] * n_workers]:
        address, _, _ready = router.recv_multipart()
        router.send_multipart([address, b"", task])


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
