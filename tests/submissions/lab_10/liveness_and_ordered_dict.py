"""Who is heard of is the package's Liveness; who is idle, and who holds what, two ordered dicts."""

import time
from collections import OrderedDict

import zmq

from zmqlab.balance.policy import Liveness
from zmqlab.envelope import Envelope, MalformedEnvelope

READY, BEAT = b"\x01", b"\x02"


def queue(ctx, frontend, backend, interval, liveness):
    alive = Liveness(interval * liveness)
    idle, held, left = OrderedDict(), OrderedDict(), []
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)

        def give(request):
            worker, _ = idle.popitem(last=False)
            held[worker] = request
            workers.send_multipart([worker, *request])

        def hear(worker, frames):
            if frames == [READY] and worker not in alive.last_heard:
                idle[worker] = True
            if frames == [READY] or worker in alive.last_heard:
                alive.heard(worker, now=time.monotonic())
            try:
                route = Envelope.parse(frames).route
            except MalformedEnvelope:
                return
            if worker in held and Envelope.parse(held[worker]).route == route:
                held.pop(worker)
                idle[worker] = True
                clients.send_multipart(frames)

        beat_at = time.monotonic() + interval
        poller = zmq.Poller()
        poller.register(workers, zmq.POLLIN)
        while True:
            poller.register(clients, zmq.POLLIN if idle else 0)
            ready = dict(poller.poll(max(0, 1000 * (beat_at - time.monotonic()))))
            while workers.poll(0):
                worker, *frames = workers.recv_multipart()
                hear(worker, frames)
            for worker in alive.expired(now=time.monotonic()):
                alive.forget(worker)
                idle.pop(worker, None)
                if worker in held:
                    left.append(held.pop(worker))
            while idle and left:
                give(left.pop(0))
            if idle and clients in ready:
                request = clients.recv_multipart()
                if b"" in request[1:] and request[-1:] != request[request.index(b"", 1) :]:
                    give(request)
            if time.monotonic() >= beat_at:
                beat_at += interval
                for worker in alive.last_heard:
                    workers.send_multipart([worker, BEAT])


def worker(ctx, endpoint, work, interval, liveness):
    """A poller, and two deadlines: the next heartbeat, and the queue's death."""
    while True:
        broker = ctx.socket(zmq.DEALER)
        try:
            broker.connect(endpoint)
            broker.send(READY)
            beat_at = time.monotonic() + interval
            dead_at = time.monotonic() + interval * liveness

            def beat(broker=broker):
                nonlocal beat_at
                if time.monotonic() >= beat_at:
                    broker.send(BEAT)
                    beat_at = time.monotonic() + interval

            while True:
                beat()
                wait = max(0.0, min(beat_at, dead_at) - time.monotonic())
                if broker.poll(1000 * wait + 1):
                    frames = broker.recv_multipart()
                    if len(frames) > 1:
                        asked = Envelope.parse(frames)
                        answer = work(list(asked.body), beat)
                        broker.send_multipart([*asked.route, b"", *answer])
                    dead_at = time.monotonic() + interval * liveness
                elif time.monotonic() > dead_at:
                    break
        finally:
            broker.close()
