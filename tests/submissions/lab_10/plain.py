"""As the contract reads: who is idle, who holds what, and when each was heard of last."""

import time
from collections import deque

import zmq

READY, BEAT = b"\x01", b"\x02"


def queue(ctx, frontend, backend, interval, liveness):
    heard, idle, held, again = {}, deque(), {}, deque()
    beat_at = time.monotonic()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            sockets = [workers, clients] if idle else [workers]
            ready, _, _ = zmq.select(sockets, [], [], max(0, beat_at - time.monotonic()))
            while workers.poll(0):
                worker, *frames = workers.recv_multipart()
                if worker not in heard and frames != [READY]:
                    continue
                if worker not in heard:
                    idle.append(worker)
                heard[worker] = time.monotonic()
                if b"" in frames and worker in held:
                    end = frames.index(b"") + 1
                    if held[worker][:end] == frames[:end]:
                        del held[worker]
                        idle.append(worker)
                        clients.send_multipart(frames)
            now = time.monotonic()
            for worker in [w for w, at in heard.items() if now - at > interval * liveness]:
                del heard[worker]
                if worker in held:
                    again.append(held.pop(worker))
                else:
                    idle.remove(worker)
            if now >= beat_at:
                beat_at = now + interval
                for worker in heard:
                    workers.send_multipart([worker, BEAT])
            while idle and again:
                worker = idle.popleft()
                held[worker] = again.popleft()
                workers.send_multipart([worker, *held[worker]])
            if idle and clients in ready:
                request = clients.recv_multipart()
                if b"" in request[1:-1]:
                    worker = idle.popleft()
                    held[worker] = request
                    workers.send_multipart([worker, *request])


def worker(ctx, endpoint, work, interval, liveness):
    while True:
        with ctx.socket(zmq.DEALER) as broker:
            broker.connect(endpoint)
            broker.send(READY)
            serve(broker, work, interval, interval * liveness)


def serve(broker, work, interval, patience):
    """Until the queue has been silent for too long."""
    heard = beaten = time.monotonic()

    def beat():
        nonlocal beaten
        if time.monotonic() - beaten >= interval:
            beaten = time.monotonic()
            broker.send(BEAT)

    while True:
        while broker.poll(max(0, 1000 * (beaten + interval - time.monotonic()))):
            heard = time.monotonic()
            frames = broker.recv_multipart()
            if frames != [BEAT]:
                body = frames.index(b"") + 1
                broker.send_multipart([*frames[:body], *work(frames[body:], beat)])
                heard = time.monotonic()
            beat()
        beat()
        if time.monotonic() - heard > patience:
            return
