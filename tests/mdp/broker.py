"""A right Majordomo broker, 7/MDP and 8/MMI (or 18/MDP): the suite must find nothing.

    python tests/mdp/broker.py ENDPOINT [--interval S] [--liveness N] [--expiry S] [--dialect 0.2]

Its core is pure: what came and the time in, what to send out. `tests/test_mdp_mutants.py` breaks
it in one place after the other, and the suite must see each.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from dataclasses import dataclass

import zmq

OLD = {"READY": 1, "REQUEST": 2, "REPLY": 3, "HEARTBEAT": 4, "DISCONNECT": 5}
NEW = {"READY": 1, "REQUEST": 2, "PARTIAL": 3, "REPLY": 4, "HEARTBEAT": 5, "DISCONNECT": 6}


@dataclass
class Request:
    """What a client waits for."""

    client: bytes
    service: bytes
    body: list[bytes]
    since: float


@dataclass
class Worker:
    """A registered worker: its service, its last sign of life, and what it is at."""

    service: bytes
    heard: float
    request: Request | None = None


class Broker:
    """The core: `message` and `tick` return what is to be sent, each with its address first."""

    def __init__(self, interval: float, liveness: int, expiry: float, dialect: str) -> None:
        self.interval, self.expiry = interval, expiry
        self.patience = interval * liveness
        self.second = dialect == "0.2"
        self.octets = {k: bytes([n]) for k, n in (NEW if self.second else OLD).items()}
        self.kinds = {octet: kind for kind, octet in self.octets.items()}
        self.start = [] if self.second else [b""]
        self.client, self.worker = (b"MDPC02", b"MDPW02") if self.second else (b"MDPC01", b"MDPW01")
        self.workers: dict[bytes, Worker] = {}
        self.idle: dict[bytes, deque[bytes]] = {}  # by service, who is idle longest first
        self.waiting: dict[bytes, deque[Request]] = {}
        self.beat_at = 0.0
        self.out: list[list[bytes]] = []

    # ---- what comes

    def message(self, frames: list[bytes], now: float) -> None:
        """Take in one message."""
        match frames:
            case [peer, b"", self.client, service, *body] if body and not self.second:
                self.asked(Request(peer, service, body, now), now)
            case [peer, self.client, b"\x01", service, *body] if body and self.second:
                self.asked(Request(peer, service, body, now), now)
            case [peer, b"", self.worker, octet, *rest] if not self.second:
                self.command(peer, self.kinds.get(octet), rest, now)
            case [peer, self.worker, octet, *rest] if self.second:
                self.command(peer, self.kinds.get(octet), rest, now)

    def command(self, peer: bytes, kind: str | None, rest: list[bytes], now: float) -> None:
        """Take in a worker's command."""
        known = self.workers.get(peer)
        match kind, rest:
            case "READY", [service] if known is None and not service.startswith(b"mmi."):
                self.workers[peer] = Worker(service, now)
                self.idle.setdefault(service, deque()).append(peer)
                self.give(service, now)
            case "READY", [_]:
                self.send_away(peer, now)
            case (("REPLY" | "PARTIAL"), [client, b"", *body]) if body:
                if known is None or known.request is None or known.request.client != client:
                    self.send_away(peer, now)
                    return
                known.heard = now
                self.answer(known.request, body, kind)
                if kind == "REPLY":
                    known.request = None
                    self.idle[known.service].append(peer)
                    self.give(known.service, now)
            case "HEARTBEAT", []:
                if known is None:
                    self.send_away(peer, now)
                else:
                    known.heard = now
            case "DISCONNECT", []:
                if known is not None:
                    self.forget(peer, now)
            case "REQUEST", [_, b"", _, *_]:
                self.send_away(peer, now)

    def asked(self, request: Request, now: float) -> None:
        """Take in a client's request."""
        if request.service.startswith(b"mmi.") and not self.second:
            self.answer(request, [self.code(request)], "REPLY")
            return
        self.waiting.setdefault(request.service, deque()).append(request)
        self.give(request.service, now)

    def code(self, request: Request) -> bytes:
        """What 8/MMI says."""
        if request.service != b"mmi.service":
            return b"501"
        served = any(worker.service == request.body[0] for worker in self.workers.values())
        return b"200" if served else b"404"

    def tick(self, now: float) -> None:
        """Let time pass: heartbeats, the silent, requests that are too old."""
        for peer, worker in list(self.workers.items()):
            if now - worker.heard > self.patience:
                self.forget(peer, now)
        for requests in self.waiting.values():
            while requests and now - requests[0].since > self.expiry:
                requests.popleft()
        if now >= self.beat_at:
            for peer in self.workers:
                self.tell(peer, "HEARTBEAT")
            self.beat_at = now + self.interval

    # ---- what goes

    def give(self, service: bytes, now: float) -> None:
        """Give requests to idle workers as long as there are both."""
        requests, idle = self.waiting.get(service), self.idle.get(service)
        while requests and idle:
            peer, request = idle.popleft(), requests.popleft()
            self.workers[peer].request = request
            self.tell(peer, "REQUEST", request.client, b"", *request.body)

    def forget(self, peer: bytes, now: float) -> None:
        """A worker is no longer registered; its request goes first to the next."""
        worker = self.workers.pop(peer)
        if peer in self.idle[worker.service]:
            self.idle[worker.service].remove(peer)
        if worker.request is not None:
            self.waiting.setdefault(worker.service, deque()).appendleft(worker.request)
            self.give(worker.service, now)

    def send_away(self, peer: bytes, now: float) -> None:
        """Whoever does what it may not is told to go."""
        if peer in self.workers:
            self.forget(peer, now)
        self.tell(peer, "DISCONNECT")

    def tell(self, peer: bytes, kind: str, *rest: bytes) -> None:
        """A command to a worker."""
        self.out.append([peer, *self.start, self.worker, self.octets[kind], *rest])

    def answer(self, request: Request, body: list[bytes], kind: str) -> None:
        """A message to a client."""
        octet = [b"\x03" if kind == "REPLY" else b"\x02"] if self.second else []
        header = [*self.start, self.client, *octet, request.service]
        self.out.append([request.client, *header, *body])


def serve(endpoint: str, core: Broker) -> None:
    """Put the core behind a socket; it reads all that is there before it judges anybody."""
    with zmq.Context() as ctx, ctx.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(endpoint)
        while True:
            router.poll(max(1, int(1000 * (core.beat_at - time.monotonic()))))
            while router.poll(0):
                core.message(router.recv_multipart(), time.monotonic())
            core.tick(time.monotonic())
            for frames in core.out:
                router.send_multipart(frames)
            core.out.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoint")
    parser.add_argument("--interval", type=float, default=0.2)
    parser.add_argument("--liveness", type=int, default=5)
    parser.add_argument("--expiry", type=float, default=float("inf"))
    parser.add_argument("--dialect", default="0.1")
    chosen = parser.parse_args()
    serve(
        chosen.endpoint,
        Broker(chosen.interval, chosen.liveness, chosen.expiry, chosen.dialect),
    )


if __name__ == "__main__":
    main()
