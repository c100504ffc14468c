"""A REQ that numbers its questions: one more frame in the envelope."""

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    router = ctx.socket(zmq.ROUTER)
    router.linger = -1
    router.sndhwm = 0
    router.rcvhwm = 0
    router.bind(endpoint)
    i = told = 0
    try:
        while told < n_workers:
            msg = router.recv_multipart()
            cut = msg.index(b"")
            route = msg[: cut + 1]
            if i < len(tasks):
                router.send_multipart([*route, tasks[i]])
                i += 1
            else:
                router.send_multipart([*route, b""])
                told += 1
    finally:
        router.unbind(router.last_endpoint)
        router.close()


def rest(s, work, n=0):
    s.send(b"READY")
    match s.recv():
        case b"":
            return n
        case task:
            work(task)
            return rest(s, work, n + 1)


def worker(ctx, endpoint, work):
    s = ctx.socket(zmq.REQ)
    s.setsockopt(zmq.REQ_CORRELATE, 1)
    s.setsockopt(zmq.REQ_RELAXED, 1)
    s.connect(endpoint)
    try:
        return rest(s, work)
    finally:
        s.close()
