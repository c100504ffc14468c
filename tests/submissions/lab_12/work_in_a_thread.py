"""The work is done in a thread of its own; what it returns and its beats come by way of inproc.

The broker has one list of workers, busy and idle, and goes through it.
"""

import threading
import time
from types import SimpleNamespace

import zmq

CLIENT, WORKER = b"MDPC01", b"MDPW01"
READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"


def of_client(rest):
    return len(rest) > 3 and rest[:2] == [b"", CLIENT]


def broker(ctx, endpoint, interval, liveness):
    workers, waiting = [], []  # in the order of becoming idle; of coming
    with ctx.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(endpoint)
        beat_at = time.monotonic() + interval
        while True:
            wait = beat_at - time.monotonic()
            if wait > 0:
                router.poll(wait * 1000)
            while router.poll(0):
                sender, *rest = router.recv_multipart()
                if of_client(rest):
                    asked(router, workers, waiting, sender, rest[2], rest[3:])
                elif rest[:2] == [b"", WORKER] and len(rest) > 2:
                    told(router, workers, waiting, sender, rest[2], rest[3:])
                share_out(router, workers, waiting)
            now = time.monotonic()
            for worker in [w for w in workers if now - w.heard > interval * liveness]:
                remove(workers, waiting, worker)
            share_out(router, workers, waiting)
            if now >= beat_at:
                beat_at = now + interval
                for worker in workers:
                    router.send_multipart([worker.address, b"", WORKER, HEARTBEAT])


def asked(router, workers, waiting, client, service, body):
    if service == b"mmi.service":
        there = [worker for worker in workers if worker.service == body[0]]
        router.send_multipart([client, b"", CLIENT, service, b"200" if there else b"404"])
    elif service.startswith(b"mmi."):
        router.send_multipart([client, b"", CLIENT, service, b"501"])
    else:
        waiting.append(SimpleNamespace(client=client, service=service, body=body))


def told(router, workers, waiting, address, command, rest):
    worker = next((worker for worker in workers if worker.address == address), None)
    if worker:
        worker.heard = time.monotonic()
    if command == DISCONNECT:
        remove(workers, waiting, worker)
    elif command == HEARTBEAT and worker:
        return
    elif command == READY and not worker and len(rest) == 1 and not rest[0].startswith(b"mmi."):
        workers.append(
            SimpleNamespace(address=address, service=rest[0], request=None, heard=time.monotonic())
        )
    elif command == REPLY and worker and worker.request and right(worker.request, rest):
        router.send_multipart([rest[0], b"", CLIENT, worker.service, *rest[2:]])
        worker.request = None
        workers.remove(worker)
        workers.append(worker)
    else:
        remove(workers, waiting, worker)
        router.send_multipart([address, b"", WORKER, DISCONNECT])


def right(request, rest):
    return len(rest) > 2 and rest[:2] == [request.client, b""]


def remove(workers, waiting, worker):
    if worker:
        workers.remove(worker)
        if worker.request:
            waiting.insert(0, worker.request)


def share_out(router, workers, waiting):
    for request in waiting[:]:
        for worker in workers:
            if worker.service == request.service and not worker.request:
                worker.request = request
                waiting.remove(request)
                router.send_multipart(
                    [worker.address, b"", WORKER, REQUEST, request.client, b"", *request.body]
                )
                break


def labour(ctx, inside, work):
    """Do what comes, one after the other; b"beat" and b"done" go back."""
    try:
        with ctx.socket(zmq.PAIR) as boss:
            boss.linger = 0
            boss.connect(inside)
            while True:
                address, *body = boss.recv_multipart()
                reply = work(body, lambda: boss.send(b"beat"))
                boss.send_multipart([b"done", address, *reply])
    except zmq.ContextTerminated:
        pass


def worker(ctx, endpoint, service, work, interval, liveness):
    inside = f"inproc://labour-{id(work)}-{threading.get_ident()}"
    with ctx.socket(zmq.PAIR) as hand:
        hand.linger = 0
        hand.bind(inside)
        thread = threading.Thread(target=labour, args=(ctx, inside, work))
        thread.start()
        try:
            busy = [False]
            while True:
                converse(ctx, endpoint, service, hand, busy, interval, liveness)
        finally:
            hand.close()
            thread.join()


def converse(ctx, endpoint, service, hand, busy, interval, liveness):
    with ctx.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.connect(endpoint)
        socket.send_multipart([b"", WORKER, READY, service])
        sent = heard = time.monotonic()
        mine = False  # whether what is being worked at belongs to this conversation
        waiting = []
        while True:
            ready, _, _ = zmq.select([socket, hand], [], [], interval / 4)
            signs = 0 if busy[0] else 1
            while hand in ready and hand.poll(0):
                what, *rest = hand.recv_multipart()
                if what == b"beat":
                    signs += 1
                    continue
                busy[0] = False
                if mine:
                    socket.send_multipart([b"", WORKER, REPLY, rest[0], b"", *rest[1:]])
            while socket.poll(0):
                frames = socket.recv_multipart()
                heard = time.monotonic()
                if frames == [b"", WORKER, DISCONNECT]:
                    return
                if frames[:3] == [b"", WORKER, REQUEST] and len(frames) > 5:
                    waiting.append(frames[3:])
            if waiting and not busy[0]:
                address, _, *body = waiting.pop(0)
                busy[0] = mine = True
                hand.send_multipart([address, *body])
            now = time.monotonic()
            if signs and now - sent >= interval:
                socket.send_multipart([b"", WORKER, HEARTBEAT])
                sent = now
            if now - heard > interval * liveness:
                return


def client(ctx, endpoint, service, body, patience, tries):
    while tries:
        tries -= 1
        with ctx.socket(zmq.REQ) as socket:
            socket.linger = 0
            socket.rcvtimeo = int(patience * 1000)
            socket.connect(endpoint)
            socket.send_multipart([CLIENT, service, *body])
            try:
                header, name, *reply = socket.recv_multipart()
            except (zmq.Again, ValueError):
                continue
            if (header, name) == (CLIENT, service) and reply:
                return reply
    raise TimeoutError("asked in vain")
