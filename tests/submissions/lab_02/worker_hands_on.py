"""The worker's tasks are done by a thread of its own, which takes them from a socket inside."""

import threading

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    left = iter(tasks)
    with ctx.socket(zmq.ROUTER) as router:
        threading.current_thread().name = "w3"
        router.bind(endpoint)
        gone = 0
        while gone < n_workers:
            *envelope, _ready = router.recv_multipart()
            task = next(left, b"")
            router.send_multipart([*envelope, task])
            gone += task == b""


def worker(ctx, endpoint, work):
    where = f"inproc://bench-{threading.get_ident()}"

    def do():
        with ctx.socket(zmq.REP) as bench:
            bench.connect(where)
            while (task := bench.recv()) != b"":
                work(task)
                bench.send(b"done")

    done = 0
    with ctx.socket(zmq.REQ) as feeder, ctx.socket(zmq.REQ) as bench:
        bench.bind(where)
        doer = threading.Thread(target=do)
        doer.start()
        feeder.connect(endpoint)
        while True:
            feeder.send(b"READY")
            task = feeder.recv()
            bench.send(task)
            if not task:
                doer.join()
                return done
            bench.recv()
            done += 1
