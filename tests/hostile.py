"""Peers that send a broker anything at all while honest clients work; a seed replays it.

    python tests/hostile.py --messages 100000 --seed 7

Hostile peers are ZeroMQ sockets that send messages of random frames, and plain TCP connections
that send bytes which are no ZMTP, or begin as ZMTP and go wrong. What they may not do is be a
worker that swallows tasks: that is a dead worker, whatever it sends. At the Majordomo broker they
may, for it notices the dead; only a reply in an honest client's name would be a lie that no broker
can see. So on the backend of a DEALER, which deals to whoever is connected, no TCP connection may
come as far as that (see `may_be_dealt_tasks`); on every other port they send any bytes at all.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import zmq

from zmqlab.balance.brokers import (
    by_policy,
    majordomo_broker,
    paranoid_pirate,
    router_dealer,
    router_dealer_in_c,
    store_then_answer,
)
from zmqlab.balance.brokers.pirate import HEARTBEAT, READY
from zmqlab.balance.policy import Credit
from zmqlab.run.experiment import Experiment
from zmqlab.run.threads import GaveUp

TAMES = 3  # honest workers
HONEST = 4  # honest clients
BAD = 8  # hostile clients
INTERVAL, LIVENESS = 0.2, 10  # of heartbeats: seconds, and how many may be missed
RAW_EVERY = 200  # one raw connection for so many messages


@dataclass
class Honest:
    """Who asks honest questions, one after the other, and what came of them."""

    name: str
    asked: int = 0
    right: int = 0  # answered, with the right answer
    since: float = math.inf  # when the question was asked that has no answer yet

    def ask(self, broker: zmq.Socket, question: list[bytes]) -> None:
        """Send a question; from now on its answer is waited for."""
        self.asked += 1
        self.since = time.monotonic()
        broker.send_multipart(question)

    def answered(self, right: bool) -> None:
        """Its answer is here."""
        self.since = math.inf
        self.right += right


class Outcome(NamedTuple):
    """What an attack came to."""

    hostile: int  # messages that hostile peers sent
    raw: int  # raw connections
    asked: int  # honest requests
    answered: int  # honest requests with the right answer
    seconds: float
    alive: bool

    @property
    def clean(self) -> bool:
        """Whether the broker lives and no honest request was lost or answered wrong."""
        return self.alive and self.asked == self.answered


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


def messages(rng: Random, spoken: Speech) -> Iterator[list[bytes]]:
    """Messages of 1 to 12 random frames, mostly few; many of them nearly what the broker speaks."""
    seen: list[bytes] = []
    while True:
        count = rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 12])
        made = spoken.nearly(rng, [frame(rng, seen) for _ in range(count)])
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
    """Bytes for a bare TCP connection: any at all, or some that begin as ZMTP does."""
    if rng.random() < 0.3:
        return rng.choice([b"\xff", b""]) + rng.randbytes(rng.randrange(200))
    made = greeting(rng)
    if rng.random() < 0.2:
        return made[: rng.randrange(1, 64)]
    kind = rng.choice([b"DEALER", b"DEALER", b"REQ", b"PUSH", b"NONSENSE", rng.randbytes(5)])
    ready = b"\x05READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
    if rng.random() < 0.7:
        made += zmtp_frame(rng, 4, ready)
    for _ in range(rng.randrange(6)):
        made += zmtp_frame(rng, rng.randrange(256), rng.randbytes(rng.randrange(60)))
    return made


def may_be_dealt_tasks(stream: bytes) -> bool:
    """Whether a bound DEALER may take who sends this for a peer, and deal it tasks.

    Of a peer of ZMTP 1.0 or 2.0 libzmq asks neither for a type of socket that fits nor for READY:
    it has its place in the DEALER's turn as soon as it has begun (src/zmtp_engine.cpp,
    receive_greeting and select_handshake_fun; src/stream_engine_base.cpp, in_event_internal;
    libzmq#4932). A peer of ZMTP 3 has it once it has said of itself that it is a DEALER.
    """
    if stream[:1] != b"\xff":
        return stream != b""  # no signature: ZMTP 1.0
    if len(stream) > 9 and not stream[9] & 1:
        return True  # no signature either: a length of eight bytes and the flags of ZMTP 1.0
    if len(stream) > 10 and stream[10] in (0, 1):
        return True  # the revision of ZMTP 1.0 and of 2.0
    return b"DEALER" in stream


def raw_streams(rng: Random, dealt: bool) -> Iterator[bytes]:
    """Bytes for one connection after the other; none is a worker where tasks are dealt."""
    while True:
        made = raw_stream(rng)
        if not (dealt and may_be_dealt_tasks(made)):
            yield made


# --- What a broker speaks ---------------------------------------------------------------------

Step = tuple[list[bytes], list[bytes]]  # what is asked, and what has to be answered


class Speech:
    """A request is its body, and its reply is that body behind b"done"."""

    def steps(self, name: bytes, body: list[bytes]) -> list[Step]:
        """What a client asks for one request, and the right answers, one after the other."""
        return [(body, [b"done", *body])]

    def nearly(self, rng: Random, made: list[bytes]) -> list[bytes]:
        """A message that may begin as the broker's do."""
        return made


class Majordomo(Speech):
    """Header and service stand before a request and before its reply (7/MDP)."""

    def steps(self, name: bytes, body: list[bytes]) -> list[Step]:
        """One: Majordomo knows no names of requests."""
        start = [b"MDPC01", b"echo"]
        return [([*start, *body], [*start, b"done", *body])]

    def nearly(self, rng: Random, made: list[bytes]) -> list[bytes]:
        """Most begin as a client's or a worker's messages do, or nearly so."""
        if rng.random() > 0.8:
            return made
        of_client = [b"MDPC01", rng.choice([b"echo", b"mmi.service", b"nobody"])]
        kinds = [bytes([rng.randrange(7)]), *rng.choice([[], [b"echo"], [b"somebody", b""]])]
        start = [b"", *rng.choice([of_client, [b"MDPW01", *kinds]])]
        whole = rng.random() < 0.9
        return [
            *(start if whole else start[rng.randrange(len(start)) :]),
            *made[: rng.randrange(4)],
        ]


class Store(Speech):
    """A request is kept, its reply is asked for until it is there, and it is closed."""

    def steps(self, name: bytes, body: list[bytes]) -> list[Step]:
        """Three; the answer to the second is 300 until a worker has replied."""
        return [
            ([b"REQUEST", name, *body], [b"200", name]),
            ([b"REPLY", name], [b"200", name, b"done", *body]),
            ([b"CLOSE", name], [b"200", name]),
        ]

    def nearly(self, rng: Random, made: list[bytes]) -> list[bytes]:
        """Half of them begin as requests do."""
        if rng.random() < 0.5:
            return made
        return [b"", rng.choice([b"REQUEST", b"REPLY", b"CLOSE"]), *made]


PLAIN, MAJORDOMO, STORE = Speech(), Majordomo(), Store()


# --- Hostile peers ----------------------------------------------------------------------------


def hostile_client(
    ctx: zmq.Context,
    endpoint: str,
    count: int,
    seed: str,
    questions: Honest,
    spoken: Speech,
) -> int:
    """Send `count` messages over a succession of sockets; some leave in mid-message.

    Before it leaves, a peer asks an honest question: its answer says that the broker has been
    through all that came before.
    """
    rng = Random(seed)
    made, sent = messages(rng, spoken), 0
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
                ask(peer, questions, spoken)
            if rng.random() < 0.5:
                peer.send(rng.randbytes(9), zmq.SNDMORE)
    return sent


def ask(peer: zmq.Socket, questions: Honest, spoken: Speech) -> None:
    """Ask, and wait for the answer to that, among the answers to other things."""
    envelope = [] if peer.type == zmq.REQ else [b""]
    body = b"is that all, %d?" % questions.asked
    for question, answered in spoken.steps(b"%s of %s" % (body, questions.name.encode()), [body]):
        questions.ask(peer, [*envelope, *question])
        while (came := peer.recv_multipart()) != [*envelope, *answered]:
            if peer.type == zmq.REQ or came[1:2] == [b"300"]:  # it has to ask again
                peer.send_multipart([*envelope, *question])
        questions.answered(True)


def hostile_worker(
    ctx: zmq.Context, endpoint: str, count: int, seed: str, sent: threading.Event, spoken: Speech
) -> None:
    """Send `count` messages; what it is given all the same, it answers."""
    rng = Random(seed)
    made = messages(rng, spoken)
    with ctx.socket(zmq.DEALER) as peer:
        peer.connect(endpoint)
        for _ in range(count):
            peer.send_multipart(next(made))
            while peer.poll(0):
                answer(peer)
        sent.set()
        while True:
            answer(peer)


def raw_connections(ctx: zmq.Context, endpoint: str, count: int, seed: str, dealt: bool) -> int:
    """Open `count` TCP connections, write to each, close it: at once, or by and by."""
    rng = Random(seed)
    streams = raw_streams(rng, dealt)
    address = urlsplit(endpoint)
    kept: list[socket.socket] = []
    try:
        for _ in range(count):
            peer = socket.create_connection((address.hostname, address.port), timeout=5)
            kept.append(peer)
            with contextlib.suppress(OSError):  # the broker may have hung up already
                peer.sendall(next(streams))
            if len(kept) > 8:
                kept.pop(rng.randrange(len(kept))).close()
    finally:  # also when the experiment ends first
        for peer in kept:
            peer.close()
    return count


# --- Honest peers -----------------------------------------------------------------------------


def answer(worker: zmq.Socket) -> None:
    """Answer one request, whatever stands before its body."""
    reply_to(worker, worker.recv_multipart())


def reply_to(worker: zmq.Socket, frames: list[bytes]) -> None:
    """Answer the request that these frames are."""
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


def majordomo_worker(ctx: zmq.Context, endpoint: str) -> None:
    """A worker of the Majordomo broker; told to go, it comes again."""
    while True:
        with ctx.socket(zmq.DEALER) as broker:
            broker.connect(endpoint)
            broker.send_multipart([b"", b"MDPW01", b"\1", b"echo"])
            told_to_go = False
            while not told_to_go:
                if not broker.poll(50):
                    broker.send_multipart([b"", b"MDPW01", b"\4"])
                    continue
                match broker.recv_multipart():
                    case [b"", b"MDPW01", b"\2", client, b"", *body]:
                        reply = [client, b"", b"done", *body]
                        broker.send_multipart([b"", b"MDPW01", b"\3", *reply])
                    case [b"", b"MDPW01", b"\5"]:
                        told_to_go = True


def pirate_worker(ctx: zmq.Context, endpoint: str) -> None:
    """A worker of the Paranoid Pirate queue; it joins anew when it hears nothing of the queue."""
    while True:
        with ctx.socket(zmq.DEALER) as queue:
            queue.connect(endpoint)
            queue.send(READY)
            silent = 0  # intervals
            while silent < LIVENESS:
                if queue.poll(int(1000 * INTERVAL)):
                    silent = 0
                    if (frames := queue.recv_multipart()) != [HEARTBEAT]:
                        reply_to(queue, frames)
                else:
                    silent += 1
                queue.send(HEARTBEAT)


def honest_client(
    ctx: zmq.Context, endpoint: str, me: Honest, over: threading.Event, spoken: Speech
) -> None:
    """Ask until the attack is over."""
    with ctx.socket(zmq.REQ) as broker:
        if me.name == "honest 0":
            broker.routing_id = b"honest 0"
        broker.connect(endpoint)
        while not over.is_set() or me.asked < 10:
            name = b"%d of %s" % (me.asked, me.name.encode())
            for question, answered in spoken.steps(name, [name, b"", b"\xff"]):
                me.ask(broker, question)
                while (came := broker.recv_multipart()) == [b"300", name]:
                    broker.send_multipart(question)
                me.answered(came == answered)


# --- The attack -------------------------------------------------------------------------------


class Attacked(NamedTuple):
    """A broker, what it is called with behind its endpoints, its honest workers, what it speaks."""

    broker: Callable[..., None]
    args: tuple[Any, ...]
    workers: list[Callable[..., None]]
    spoken: Speech = PLAIN

    @property
    def dealt(self) -> bool:
        """Whether who is connected to its backend is dealt tasks without having asked."""
        return rep_worker in self.workers

    @property
    def one_endpoint(self) -> bool:
        """Whether clients and workers connect to the same endpoint."""
        return self.spoken is MAJORDOMO


def stored(ctx: zmq.Context, frontend: str, backend: str) -> None:
    """The broker that keeps requests, with a file of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store_then_answer(ctx, frontend, backend, f"{folder}/requests")


IN_TURN = [rep_worker, dealer_worker, rep_worker]
BROKERS = {
    "router_dealer": Attacked(router_dealer, (), IN_TURN),
    "router_dealer_in_c": Attacked(router_dealer_in_c, (), IN_TURN),
    "by_policy": Attacked(by_policy, (Credit(1), Random(1)), [ready_worker] * TAMES),
    "paranoid_pirate": Attacked(paranoid_pirate, (INTERVAL, LIVENESS), [pirate_worker] * TAMES),
    "majordomo": Attacked(majordomo_broker, (0.2, 5), [majordomo_worker] * TAMES, MAJORDOMO),
    "store_then_answer": Attacked(stored, (), [ready_worker] * TAMES, STORE),
}


def all_in_time(asking: list[Honest], patience: float) -> bool:
    """True; raises GaveUp when one of them has waited longer than that for an answer."""
    for who in asking:
        if (waited := time.monotonic() - who.since) > patience:
            counts = ", ".join(f"{other.name} {other.right} of {other.asked}" for other in asking)
            raise GaveUp(
                f"{who.name} has waited {waited:.0f} s for the answer to its question {who.asked}; "
                f"answered right: {counts}"
            )
    return True


def attack(name: str, hostile: int, seed: int, patience: float = 60.0) -> Outcome:
    """Let hostile peers at the broker of this name until they have sent `hostile` messages.

    Raises GaveUp when an honest question has had no answer for `patience` seconds: it was lost,
    or the broker stands still.
    """
    broker, args, workers, spoken = attacked = BROKERS[name]
    over, all_sent = threading.Event(), threading.Event()
    of_worker, raw = hostile // 4, hostile // RAW_EVERY // 2
    of_client = -(-(hostile - of_worker) // BAD)
    honest = [Honest(f"honest {number}") for number in range(HONEST)]
    bad = [Honest(f"bad {number}") for number in range(BAD)]
    asking = [*honest, *bad]
    limit = 10 * patience
    with Experiment(f"attack on {name}", record=False, limit=limit) as lab:

        def until(condition: Callable[[], bool], what: str) -> None:
            lab.until(lambda: all_in_time(asking, patience) and condition(), limit, what)

        frontend = lab.endpoint()
        backend = frontend if attacked.one_endpoint else lab.endpoint()
        endpoints = dict.fromkeys([frontend, backend])
        thread = lab.start("broker", broker, *endpoints, *args)
        for number, worker in enumerate(workers, 1):
            lab.start(f"w{number}", worker, backend)
        clients = [
            lab.start(who.name, honest_client, frontend, who, over, spoken) for who in honest
        ]
        # not before: a hostile peer that comes first has the name of honest 0, who is refused then
        until(lambda: all(who.asked > 1 for who in honest), "the first answers")
        start = time.monotonic()
        worker = (hostile_worker, backend, of_worker, f"{seed} worker", all_sent, spoken)
        lab.start("bad worker", *worker)
        attackers = [
            lab.start(
                who.name, hostile_client, frontend, of_client, f"{seed} {who.name}", who, spoken
            )
            for who in bad
        ]
        raws = [
            lab.start("raw front", raw_connections, frontend, raw, f"{seed} front", False),
            lab.start("raw back", raw_connections, backend, raw, f"{seed} back", attacked.dealt),
        ]
        until(all_sent.is_set, "the hostile worker")
        until(lambda: all(task.done for task in [*attackers, *raws]), "the hostile peers")
        over.set()
        until(lambda: all(task.done for task in clients), "the honest clients")
        sent = of_worker + sum(task.result(1) for task in attackers)
        seconds = time.monotonic() - start
        asked, right = sum(who.asked for who in asking), sum(who.right for who in asking)
        return Outcome(sent, 2 * raw, asked, right, seconds, not thread.done)


def main() -> int:
    """Attack every broker of the course and print a table; 0 when none lost an honest request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    well = True
    print("broker               hostile   raw   asked  answered  alive      s")
    for name in BROKERS:
        try:
            out = attack(name, options.messages, options.seed)
        except Exception as error:  # its honest clients are not served, or it has ended
            well = False
            print(f"{name:20} {error!r}")
            continue
        well &= out.clean
        print(
            f"{name:20} {out.hostile:8} {out.raw:5} {out.asked:7} {out.answered:9} "
            f"{'yes' if out.alive else 'NO':>6} {out.seconds:6.1f}"
        )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
