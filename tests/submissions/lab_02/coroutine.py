"""A generator that is sent envelopes and yields answers; another that yields tasks."""

import zmq


def dealing(tasks, n):
    envelope = yield
    for task in tasks:
        envelope = yield [*envelope, task]
    for _ in range(n):
        envelope = yield [*envelope, b""]


def feed(ctx, endpoint, tasks, n_workers):
    plan = dealing(list(tasks), n_workers)
    next(plan)
    with ctx.socket(zmq.ROUTER) as router:
        router.linger = -1
        router.bind(endpoint)
        for _ in range(len(tasks) + n_workers):
            *envelope, _ready = router.recv_multipart()
            router.send_multipart(plan.send(envelope))


def worker(ctx, endpoint, work):
    def tasks(sock):
        while True:
            sock.send(b"READY")
            task = sock.recv()
            if task == b"":
                return
            yield task

    with ctx.socket(zmq.REQ) as sock:
        sock.connect(endpoint)
        done = 0
        for task in tasks(sock):
            work(task)
            done += 1
        return done
