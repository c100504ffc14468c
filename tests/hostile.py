"""Peers that send a broker anything at all while honest clients work; a seed replays it.

    python tests/hostile.py --messages 100000 --seed 7

Hostile peers are ZeroMQ sockets that send messages of random frames, and plain TCP connections
that send bytes which are no ZMTP, or begin as ZMTP and go wrong. What they may not do is be a
worker that swallows tasks: that is a dead worker, whatever it sends, and lesson 08's matter.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

import zmq

from zmqlab.brokers import by_policy, idle_worker, router_dealer, router_dealer_in_c
from zmqlab.experiment import Experiment
from zmqlab.policy import Credit

TAMES = 3  # honest workers
HONEST = 4  # honest clients
RAW_EVERY = 200  # one raw connection for so many messages


class Outcome(NamedTuple):
    """What an attack came to."""

    hostile: int  # messages that hostile peers sent
    raw: int  # raw connections
    asked: int  # honest requests
    answered: int  # honest requests with the right answer
    seconds: float
    alive: bool


# --- What hostile peers send ------------------------------------------------------------------


def frame(rng: Random, seen: list[bytes]) -> bytes:
    """One frame: often empty or a word of the protocol, seldom long."""
    match rng.randrange(8):
        case 0 | 1:
            return b""
        case 2:
            return rng.choice([b"READY", b"\x00", b"\xff" * 255, b"\x00" + rng.randbytes(4)])
        case 3 if seen:
            return rng.choice(seen)
        case 4 if rng.random() < 0.02:
            return rng.randbytes(rng.randrange(20_000))
        case _:
            made = rng.randbytes(rng.randrange(1, 40))
            seen[:] = [*seen[-20:], made]
            return made


def messages(rng: Random) -> Iterator[list[bytes]]:
    """Messages of 1 to 12 random frames, mostly few."""
    seen: list[bytes] = []
    while True:
        count = rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 12])
        made = [frame(rng, seen) for _ in range(count)]
        if made[-2:] != [b"", b"READY"] and made != [b"READY"]:  # see above: no false workers
            yield made


def greeting(rng: Random) -> bytes:
    """The first 64 octets of ZMTP 3.x (23/ZMTP), sometimes with an unknown mechanism."""
    mechanism = rng.choice([b"NULL", b"NULL", b"PLAIN", b"CURVE", rng.randbytes(20)])
    version = bytes([rng.choice([3, 3, 3, 1, 2, 9]), rng.choice([0, 1, 255])])
    as_server = bytes([rng.choice([0, 0, 1])])
    return (
        b"\xff" + bytes(8) + b"\x7f" + version + mechanism.ljust(20, b"\0") + as_server + bytes(31)
    )


def zmtp_frame(rng: Random, flags: int, content: bytes) -> bytes:
    """One ZMTP frame; now and then its length is a lie."""
    size = len(content) if rng.random() < 0.9 else rng.choice([0, 255, 2**31, 2**63 - 1])
    if flags & 2 or size > 255:
        return bytes([flags | 2]) + size.to_bytes(8, "big") + content
    return bytes([flags, size]) + content


def raw_stream(rng: Random) -> bytes:
    """Bytes for a bare TCP connection.

    They begin as ZMTP 2 or 3 does, or stop short of it: what begins otherwise is ZMTP 1.0 to
    libzmq, which takes such a peer for a worker and deals it tasks (see the module's docstring).
    """
    if rng.random() < 0.3:
        return b"\xff" + rng.randbytes(rng.randrange(200))
    made = greeting(rng)
    if rng.random() < 0.2:
        return made[: rng.randrange(1, 64)]
    kind = rng.choice([b"PUSH", b"PUB", b"NONSENSE", rng.randbytes(5)])  # never one that fits
    ready = b"\x05READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
    if rng.random() < 0.7:
        made += zmtp_frame(rng, 4, ready)
    for _ in range(rng.randrange(6)):
        made += zmtp_frame(rng, rng.randrange(256), rng.randbytes(rng.randrange(60)))
    return made


# --- Hostile peers ----------------------------------------------------------------------------


def hostile_client(ctx: zmq.Context, endpoint: str, count: int, seed: str) -> int:
    """Send `count` messages over a succession of sockets; some leave in mid-message.

    Before it leaves, a peer asks an honest question: its answer says that the broker has been
    through all that came before.
    """
    rng = Random(seed)
    made, sent = messages(rng), 0
    while sent < count:
        kind = rng.choice([zmq.DEALER, zmq.DEALER, zmq.REQ, zmq.PUSH])
        with ctx.socket(kind) as peer:
            if kind == zmq.REQ:
                peer.req_relaxed = True
            if taken := rng.random() < 0.2:  # the name of an honest client: it is refused
                peer.routing_id = b"honest 0"
            elif rng.random() < 0.2:
                peer.routing_id = rng.randbytes(5)
            peer.connect(endpoint)
            if kind == zmq.PUSH:
                continue  # no peer for a ROUTER: the handshake fails
            for _ in range(min(rng.randrange(1, 400), count - sent)):
                peer.send_multipart(next(made))
                sent += 1
            if not taken:
                ask(peer, b"is that all?")
            if rng.random() < 0.5:
                peer.send(rng.randbytes(9), zmq.SNDMORE)
    return sent


def ask(peer: zmq.Socket, question: bytes) -> None:
    """Ask, and wait for the answer to that, among the answers to other things."""
    envelope = [] if peer.type == zmq.REQ else [b""]
    peer.send_multipart([*envelope, question])
    while peer.recv_multipart() != [*envelope, b"done", question]:
        if peer.type == zmq.REQ:  # it has to ask again before it may receive again
            peer.send_multipart([question])


def hostile_worker(ctx: zmq.Context, endpoint: str, count: int, seed: str) -> int:
    """Send `count` messages; what it is given all the same, it answers."""
    rng = Random(seed)
    made = messages(rng)
    with ctx.socket(zmq.DEALER) as peer:
        peer.connect(endpoint)
        for _ in range(count):
            peer.send_multipart(next(made))
            while peer.poll(0):
                answer(peer)
        while True:
            answer(peer)


def raw_connections(ctx: zmq.Context, endpoint: str, count: int, seed: str) -> int:
    """Open `count` TCP connections, write to each, close it: at once, or by and by."""
    rng = Random(seed)
    address = urlsplit(endpoint)
    kept: list[socket.socket] = []
    try:
        for _ in range(count):
            peer = socket.create_connection((address.hostname, address.port), timeout=5)
            kept.append(peer)
            with contextlib.suppress(OSError):  # the broker may have hung up already
                peer.sendall(raw_stream(rng))
            if len(kept) > 8:
                kept.pop(rng.randrange(len(kept))).close()
    finally:  # also when the experiment ends first
        for peer in kept:
            peer.close()
    return count


# --- Honest peers -----------------------------------------------------------------------------


def answer(worker: zmq.Socket) -> None:
    """Answer one request, whatever stands before its body."""
    frames = worker.recv_multipart()
    at = frames.index(b"", 1) if b"" in frames[1:] else len(frames) - 1
    worker.send_multipart([*frames[: at + 1], b"done", *frames[at + 1 :]])


def dealer_worker(ctx: zmq.Context, endpoint: str) -> None:
    """A worker of the ROUTER/DEALER broker."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        while True:
            answer(broker)


def rep_worker(ctx: zmq.Context, endpoint: str) -> None:
    """A worker of the ROUTER/DEALER broker; libzmq keeps the envelope for it."""
    with ctx.socket(zmq.REP) as broker:
        broker.connect(endpoint)
        while True:
            broker.send_multipart([b"done", *broker.recv_multipart()])


def ready_worker(ctx: zmq.Context, endpoint: str) -> None:
    """A worker of the brokers that know who is idle."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        broker.send(b"READY")
        while True:
            client, empty, *body = broker.recv_multipart()
            broker.send_multipart([client, empty, b"done", *body])


def honest_client(ctx: zmq.Context, endpoint: str, number: int, over: threading.Event) -> list[int]:
    """Ask until the attack is over; returns how many were asked and how many answered right."""
    asked = right = 0
    with ctx.socket(zmq.REQ) as broker:
        if number == 0:
            broker.routing_id = b"honest 0"
        broker.connect(endpoint)
        while not over.is_set() or asked < 10:
            body = [b"%d of %d" % (asked, number), b"", b"\xff"]
            broker.send_multipart(body)
            asked += 1
            right += broker.recv_multipart() == [b"done", *body]
    return [asked, right]


# --- The attack -------------------------------------------------------------------------------

BROKERS: dict[str, tuple[Callable, tuple, list[Callable]]] = {
    "router_dealer": (router_dealer, (), [rep_worker, dealer_worker, rep_worker]),
    "router_dealer_in_c": (router_dealer_in_c, (), [rep_worker, dealer_worker, rep_worker]),
    "idle_worker": (idle_worker, (), [ready_worker] * TAMES),
    "by_policy": (by_policy, (Credit(1), Random(1)), [ready_worker] * TAMES),
}


def attack(name: str, hostile: int, seed: int, patience: float = 60.0) -> Outcome:
    """Let hostile peers at the broker of this name until they have sent `hostile` messages.

    Raises GaveUp when a peer, honest or hostile, has not ended after `patience` seconds: an
    honest request was lost, or the broker stands still.
    """
    broker, args, workers = BROKERS[name]
    over = threading.Event()
    half, raw = hostile // 4, hostile // RAW_EVERY // 2
    with Experiment(f"attack on {name}", record=False, limit=patience + 10) as lab:
        frontend, backend = lab.endpoint(), lab.endpoint()
        thread = lab.start("broker", broker, frontend, backend, *args)
        for number, worker in enumerate(workers, 1):
            lab.start(f"w{number}", worker, backend)
        honest = [
            lab.start(f"c{number}", honest_client, frontend, number, over)
            for number in range(HONEST)
        ]
        begun = time.monotonic()
        lab.start("bad worker", hostile_worker, backend, half, f"{seed} worker")
        attackers = [
            lab.start("bad c1", hostile_client, frontend, half, f"{seed} c1"),
            lab.start("bad c2", hostile_client, frontend, hostile - 2 * half, f"{seed} c2"),
            lab.start("raw front", raw_connections, frontend, raw, f"{seed} front"),
            lab.start("raw back", raw_connections, backend, raw, f"{seed} back"),
        ]
        lab.until(lambda: all(a.done for a in attackers), patience, "the hostile peers")
        over.set()
        lab.until(lambda: all(c.done for c in honest), patience, "the honest clients")
        counts = [task.result(1) for task in honest]
        sent = attackers[0].result(1) + attackers[1].result(1) + half
        asked, answered = (sum(column) for column in zip(*counts, strict=True))
        seconds = time.monotonic() - begun
        return Outcome(sent, 2 * raw, asked, answered, seconds, not thread.done)


def main() -> int:
    """Attack every broker of the course and print a table; 0 when none lost an honest request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    well = True
    print("broker               hostile   raw   asked  answered  alive      s")
    for name in BROKERS:
        out = attack(name, options.messages, options.seed)
        well &= out.alive and out.asked == out.answered
        print(
            f"{name:20} {out.hostile:8} {out.raw:5} {out.asked:7} {out.answered:9} "
            f"{'yes' if out.alive else 'NO':>6} {out.seconds:6.1f}"
        )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
