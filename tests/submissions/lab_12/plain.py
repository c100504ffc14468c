"""As the contract reads: one dict of workers, in the order in which they became idle."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass

import zmq


class MDP:
    CLIENT, WORKER = b"MDPC01", b"MDPW01"
    READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = b"\1", b"\2", b"\3", b"\4", b"\5"


@dataclass
class Worker:
    service: bytes
    heard: float
    held: tuple | None = None  # a client's address and its body


def broker(ctx, endpoint, interval, liveness):
    workers = {}  # by address; of the idle ones, who has been idle longest stands first
    waiting = defaultdict(deque)  # requests, by service

    def send(peer, *frames):
        router.send_multipart([peer, b"", *frames])

    def give_out():
        for peer, worker in workers.items():
            if worker.held is None and waiting[worker.service]:
                worker.held = client, body = waiting[worker.service].popleft()
                send(peer, MDP.WORKER, MDP.REQUEST, client, b"", *body)

    def leave(peer):
        worker = workers.pop(peer, None)
        if worker and worker.held:
            waiting[worker.service].appendleft(worker.held)

    def holds(peer, client):
        return peer in workers and workers[peer].held and workers[peer].held[0] == client

    def hear(peer, frames, now):
        match frames:
            case [b"", MDP.CLIENT, b"mmi.service", name, *_]:
                served = any(worker.service == name for worker in workers.values())
                send(peer, MDP.CLIENT, b"mmi.service", b"200" if served else b"404")
            case [b"", MDP.CLIENT, service, _, *_] if service.startswith(b"mmi."):
                send(peer, MDP.CLIENT, service, b"501")
            case [b"", MDP.CLIENT, service, *body] if body:
                waiting[service].append((peer, body))
            case [b"", MDP.WORKER, MDP.READY, service] if (
                peer not in workers and not service.startswith(b"mmi.")
            ):
                workers[peer] = Worker(service, now)
            case [b"", MDP.WORKER, MDP.HEARTBEAT] if peer in workers:
                workers[peer].heard = now
            case [b"", MDP.WORKER, MDP.REPLY, client, b"", *reply] if reply and holds(peer, client):
                service = workers.pop(peer).service
                send(client, MDP.CLIENT, service, *reply)
                workers[peer] = Worker(service, now)  # now it stands last
            case [b"", MDP.WORKER, MDP.DISCONNECT]:
                leave(peer)
            case [b"", MDP.WORKER, *_]:  # whoever says what it may not is told to go
                leave(peer)
                send(peer, MDP.WORKER, MDP.DISCONNECT)

    with ctx.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(endpoint)
        beat_at = time.monotonic() + interval
        while True:
            router.poll(max(0, 1000 * (beat_at - time.monotonic())))
            while router.poll(0):  # read all that is there before anybody is judged
                peer, *frames = router.recv_multipart()
                hear(peer, frames, time.monotonic())
                give_out()
            now = time.monotonic()
            for peer, worker in list(workers.items()):
                if now - worker.heard > interval * liveness:
                    leave(peer)
            give_out()
            if now >= beat_at:
                for peer in workers:
                    send(peer, MDP.WORKER, MDP.HEARTBEAT)
                beat_at = now + interval


def worker(ctx, endpoint, service, work, interval, liveness):
    def send(*frames):
        broker.send_multipart([b"", MDP.WORKER, *frames])

    def beat():
        nonlocal beat_at
        if time.monotonic() >= beat_at:
            send(MDP.HEARTBEAT)
            beat_at = time.monotonic() + interval

    while True:  # one conversation after the other, each on a socket of its own
        with ctx.socket(zmq.DEALER) as broker:
            broker.linger = 0
            broker.connect(endpoint)
            send(MDP.READY, service)
            heard = time.monotonic()
            beat_at = heard + interval
            while True:
                beat()
                if broker.poll(max(0, 1000 * (beat_at - time.monotonic()))):
                    frames = broker.recv_multipart()
                    heard = time.monotonic()
                    match frames:
                        case [b"", MDP.WORKER, MDP.REQUEST, client, b"", *body]:
                            send(MDP.REPLY, client, b"", *work(body, beat))
                        case [b"", MDP.WORKER, MDP.DISCONNECT]:
                            break
                elif time.monotonic() - heard > interval * liveness:
                    break  # and nothing is unread


def client(ctx, endpoint, service, body, patience, tries):
    for _ in range(tries):
        with ctx.socket(zmq.DEALER) as broker:
            broker.linger = 0
            broker.connect(endpoint)
            broker.send_multipart([b"", MDP.CLIENT, service, *body])
            end = time.monotonic() + patience
            while broker.poll(max(0, 1000 * (end - time.monotonic()))):
                match broker.recv_multipart():
                    case [b"", MDP.CLIENT, name, *reply] if name == service and reply:
                        return reply
    raise TimeoutError(f"{service!r} was asked {tries} times, and nobody answered")
