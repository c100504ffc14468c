"""Majordomo: requests go to the workers of a service, by a published contract (7/MDP 0.1, 8/MMI).

    python -m zmqlab.balance.brokers tcp://127.0.0.1:5555 --interval 0.2 --liveness 5

The core is pure: a message and the time go in, messages to be sent come out. The shell has one
ROUTER for clients and workers, and the clock. What the RFCs leave open is decided so: busy workers
are sent heartbeats, too; the request of a worker that is gone is given to another, before all
others; the worker idle longest is next; requests do not expire. `python -m zmqlab.mdp` judges it.
"""

# mypy: disable-error-code="type-arg"
# (as a learner writes it: zmq.Context, without the type of its sockets)

from __future__ import annotations

import argparse
import contextlib
import time
from collections import defaultdict, deque
from dataclasses import dataclass

import zmq

Frames = list[bytes]


class MDP:
    """The frames of 7/MDP that have a fixed content: two headers, five commands of workers."""

    CLIENT, WORKER = b"MDPC01", b"MDPW01"
    READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = b"\1", b"\2", b"\3", b"\4", b"\5"


@dataclass
class Request:
    """What a client has asked, and nobody has answered yet."""

    client: bytes
    service: bytes
    body: Frames


@dataclass
class Worker:
    """A registered worker: its service, its last sign of life, and the request that it holds."""

    service: bytes
    heard: float
    request: Request | None = None


class Majordomo:
    """What a Majordomo broker knows and does: no socket, no clock.

    `message` and `tick` return the messages to be sent, each with its address first. `tick` is
    called once all that has come was taken in, at `beat_at` at the latest: it judges who was
    silent. interval: seconds between heartbeats. liveness: after so many of them without a word
    from it a worker is evicted.
    """

    def __init__(self, interval: float, liveness: int) -> None:
        self.interval, self.patience = interval, interval * liveness
        self.workers: dict[bytes, Worker] = {}  # registered, by address
        self.idle: defaultdict[bytes, deque[bytes]] = defaultdict(deque)  # by service, in turn
        self.waiting: defaultdict[bytes, deque[Request]] = defaultdict(deque)  # by service
        self.beat_at = 0.0  # when the next heartbeats are due
        self.out: list[Frames] = []

    # ---- what comes

    def message(self, frames: Frames, now: float) -> list[Frames]:
        """Take in a message, with its sender's address first."""
        match frames:
            case [client, b"", MDP.CLIENT, service, *body] if body:
                self.asked(Request(client, service, body))
            case [peer, b"", MDP.WORKER, octet, *rest]:
                self.command(peer, octet, rest, now)
        return self.sent(now)

    def command(self, peer: bytes, octet: bytes, rest: Frames, now: float) -> None:
        """Take in a worker's command: it is expected, or valid and unexpected, or invalid."""
        worker = self.workers.get(peer)
        held = worker.request if worker else None
        match octet, rest:
            case MDP.READY, [service] if not worker and not service.startswith(b"mmi."):
                self.workers[peer] = Worker(service, heard=now)
                self.idle[service].append(peer)
                self.give(service)
            case MDP.REPLY, [client, b"", *body] if worker and held and held.client == client:
                if body:
                    worker.heard, worker.request = now, None
                    self.answer(held, body)
                    self.idle[worker.service].append(peer)
                    self.give(worker.service)
            case MDP.HEARTBEAT, [] if worker:
                worker.heard = now
            case MDP.DISCONNECT, []:
                self.forget(peer)
            case (MDP.READY, [_]) | (MDP.HEARTBEAT, []):  # valid, and not expected now
                self.send_away(peer)
            case ((MDP.REQUEST | MDP.REPLY), [_, b"", _, *_]):
                self.send_away(peer)
            # anything else is invalid, and dropped

    def asked(self, request: Request) -> None:
        """Take in a client's request: for the broker itself, or for the workers of a service."""
        if request.service.startswith(b"mmi."):
            self.answer(request, [self.code(request)])
        else:
            self.waiting[request.service].append(request)
            self.give(request.service)

    def code(self, request: Request) -> bytes:
        """What 8/MMI answers: 200 or 404 for a service, 501 for any other question."""
        if request.service != b"mmi.service":
            return b"501"
        served = any(worker.service == request.body[0] for worker in self.workers.values())
        return b"200" if served else b"404"

    def tick(self, now: float) -> list[Frames]:
        """Let time pass: who was silent for too long is no worker any more."""
        silent = [peer for peer, w in self.workers.items() if now - w.heard > self.patience]
        self.forget(*silent)
        return self.sent(now)

    # ---- what goes

    def give(self, service: bytes) -> None:
        """Give requests to idle workers as long as there are both."""
        requests, idle = self.waiting[service], self.idle[service]
        while requests and idle:
            peer, request = idle.popleft(), requests.popleft()
            self.workers[peer].request = request
            self.tell(peer, MDP.REQUEST, request.client, b"", *request.body)

    def forget(self, *peers: bytes) -> None:
        """They are workers no longer; what they held goes to others, before all that waits."""
        gone = {peer: self.workers.pop(peer) for peer in peers if peer in self.workers}
        for peer, worker in gone.items():
            if worker.request:
                self.waiting[worker.service].appendleft(worker.request)
            else:
                self.idle[worker.service].remove(peer)
        for worker in gone.values():  # not before: none of them is given what another held
            self.give(worker.service)

    def send_away(self, peer: bytes) -> None:
        """Whoever does what it may not is told to go."""
        self.forget(peer)
        self.tell(peer, MDP.DISCONNECT)

    def tell(self, peer: bytes, octet: bytes, *rest: bytes) -> None:
        """A command to a worker."""
        self.out.append([peer, b"", MDP.WORKER, octet, *rest])

    def answer(self, request: Request, body: Frames) -> None:
        """A reply to a client."""
        self.out.append([request.client, b"", MDP.CLIENT, request.service, *body])

    def sent(self, now: float) -> list[Frames]:
        """What is to be sent, and heartbeats to all workers when they are due."""
        if now >= self.beat_at:
            for peer in self.workers:
                self.tell(peer, MDP.HEARTBEAT)
            self.beat_at = now + self.interval
        out, self.out = self.out, []
        return out


def majordomo_broker(ctx: zmq.Context, endpoint: str, interval: float, liveness: int) -> None:
    """Serve clients and workers by 7/MDP and 8/MMI; seconds between heartbeats, as the core's."""
    serve(ctx, endpoint, Majordomo(interval, liveness))


def serve(ctx: zmq.Context, endpoint: str, core: Majordomo) -> None:
    """Put a core behind a ROUTER; it reads all that is there before it judges anybody."""
    core.tick(time.monotonic())  # heartbeats are due from here on
    with ctx.socket(zmq.ROUTER) as router:
        router.bind(endpoint)
        while True:
            router.poll(max(0, 1 + int(1000 * (core.beat_at - time.monotonic()))))
            while router.poll(0):
                for frames in core.message(router.recv_multipart(), time.monotonic()):
                    router.send_multipart(frames)
            for frames in core.tick(time.monotonic()):
                router.send_multipart(frames)


def main() -> None:
    """The broker as a command."""
    parser = argparse.ArgumentParser(description="A Majordomo broker: 7/MDP 0.1 and 8/MMI.")
    parser.add_argument("endpoint", help="where clients and workers connect")
    parser.add_argument("--interval", type=float, default=2.5, help="seconds between heartbeats")
    parser.add_argument("--liveness", type=int, default=3, help="heartbeats missed by the dead")
    chosen = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt), zmq.Context() as ctx:
        ctx.linger = 0
        majordomo_broker(ctx, chosen.endpoint, chosen.interval, chosen.liveness)


if __name__ == "__main__":
    main()
