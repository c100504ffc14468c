"""One thread takes questions, another brings the tasks; both have ended when it returns."""

import threading

import zmq


def feed(ctx, endpoint, tasks, n_workers):
    def produce():
        with ctx.socket(zmq.PUSH) as push:
            push.connect("inproc://tasks")
            for task in tasks:
                push.send(task)

    with ctx.socket(zmq.PULL) as pull, ctx.socket(zmq.ROUTER) as router:
        pull.hwm = 1
        pull.bind("inproc://tasks")
        router.bind(endpoint)
        producer = threading.Thread(target=produce)
        producer.start()
        for n in range(len(tasks) + n_workers):
            address, empty, _ = router.recv_multipart()
            task = pull.recv() if n < len(tasks) else b""
            router.send_multipart([address, empty, task])
        producer.join()


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
