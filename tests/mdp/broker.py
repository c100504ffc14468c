"""The course's Majordomo broker, and what it leaves out: requests that expire, and 18/MDP.

    python tests/mdp/broker.py ENDPOINT [--interval S] [--liveness N] [--expiry S] [--dialect 0.2]

The suite must find nothing. `tests/test_mdp_mutants.py` breaks it in one place after the other, or
the course's broker itself, and the suite must see each.
"""

from __future__ import annotations

import argparse

import zmq

from zmqlab.balance.brokers.majordomo import MDP, Frames, Majordomo, Request, serve

NEW = {MDP.READY: b"\1", MDP.REQUEST: b"\2", MDP.REPLY: b"\4"}
NEW |= {MDP.HEARTBEAT: b"\5", MDP.DISCONNECT: b"\6"}
OLD = {new: old for old, new in NEW.items()}
PARTIAL, FINAL = b"\2", b"\3"  # to a client


class Expiring(Majordomo):
    """A request that has waited for longer than `expiry` seconds is dropped."""

    def __init__(self, interval: float, liveness: int, expiry: float) -> None:
        super().__init__(interval, liveness)
        self.expiry = expiry

    def message(self, frames: Frames, now: float) -> list[Frames]:
        self.now = now
        return super().message(frames, now)

    def asked(self, request: Request) -> None:
        request.since = self.now
        super().asked(request)

    def tick(self, now: float) -> list[Frames]:
        for requests in self.waiting.values():
            while requests and now - requests[0].since > self.expiry:
                requests.popleft()
        return super().tick(now)


class InParts(Expiring):
    """18/MDP: the same broker behind other frames, and replies in parts."""

    def message(self, frames: Frames, now: float) -> list[Frames]:
        match frames:
            case [client, b"MDPC02", b"\1", *rest]:
                return super().message([client, b"", MDP.CLIENT, *rest], now)
            case [peer, b"MDPW02", b"\3", client, b"", *body] if body:
                self.part(peer, client, body, now)
            case [peer, b"MDPW02", octet, *rest] if octet in OLD:
                return super().message([peer, b"", MDP.WORKER, OLD[octet], *rest], now)
        return self.sent(now)

    def part(self, peer: bytes, client: bytes, body: Frames, now: float) -> None:
        worker = self.workers.get(peer)
        if worker is None or worker.request is None or worker.request.client != client:
            self.send_away(peer)
            return
        worker.heard = now
        self.out.append([client, b"MDPC02", PARTIAL, worker.request.service, *body])

    def asked(self, request: Request) -> None:
        request.since = self.now  # no 8/MMI: that is layered on 0.1
        self.waiting[request.service].append(request)
        self.give(request.service)

    def tell(self, peer: bytes, octet: bytes, *rest: bytes) -> None:
        self.out.append([peer, b"MDPW02", NEW[octet], *rest])

    def answer(self, request: Request, body: Frames) -> None:
        self.out.append([request.client, b"MDPC02", FINAL, request.service, *body])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoint")
    parser.add_argument("--interval", type=float, default=0.2)
    parser.add_argument("--liveness", type=int, default=5)
    parser.add_argument("--expiry", type=float, default=float("inf"))
    parser.add_argument("--dialect", default="0.1")
    chosen = parser.parse_args()
    core = InParts if chosen.dialect == "0.2" else Expiring
    with zmq.Context() as ctx:
        serve(ctx, chosen.endpoint, core(chosen.interval, chosen.liveness, chosen.expiry))


if __name__ == "__main__":
    main()
