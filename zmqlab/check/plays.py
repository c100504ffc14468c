"""Plays that every lab on a broker has: any client, those that leave, nonsense, a crowd, quiet.

Each is a script: peers act, `step` waits until nothing is owed. What is owed, what a worker says
and which rules hold are the lab's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import zmq

from .dispatch import Frames, Read
from .machine import Lap
from .peer import Peer, done
from .report import Finding, failed, passed
from .stage import GOES_ON, PATIENCE, Stage, Wrong

STRANGE = b"\xff\xfe \x00"  # a routing id that no codec for text takes
QUIET = 2.4  # seconds in which nothing happens
LEAVERS, IMPATIENT = 8, 3  # clients that leave
UNREAD = 1200  # answers that nobody reads: more than a queue of ZeroMQ's holds, and
LARGE = bytes(32_768)  # so large that the system's buffers hold few of them
FLOOD = 4000, bytes(8192)  # requests and a body: more than all queues on their way hold
QUESTIONS = 30  # that each client of the crowd asks


def round_trip(stage: Stage, rule: str = "") -> None:
    """What has been asked goes to workers, is answered, and comes back."""
    stage.step(rule)
    stage.answer_all()
    stage.step(rule)


def first(stage: Stage) -> None:
    """One client; a worker that comes after its request."""
    client = stage.client("c1", zmq.REQ, STRANGE)
    client.ask(b"is anybody there?")
    stage.calm()
    stage.hire("w1")
    round_trip(stage)
    for body in (b"again", b"and again"):
        client.ask(body)
        round_trip(stage)


class Case(NamedTuple):
    """One client of its own kind, what it asks and what it is answered."""

    body: Frames
    reply: Frames
    kind: int = zmq.REQ
    routing_id: bytes = b""
    options: tuple[tuple[str, Any], ...] = ()  # of its socket


ALL_BYTES = bytes(range(256))

CASES = [
    Case((b"of one frame",), (b"yes",)),
    Case((b"",), (b"",)),
    Case((b" two ", b"frames\r\n"), (b"three", b" frames\r\n", b"back"), routing_id=b"anna"),
    Case((b"an empty one", b"", b"between two"), (b"and", b"", b"back"), routing_id=b"anna b"),
    Case((b"", b"", b""), (b"", b"", b""), routing_id=b"\x00\x00"),
    Case((ALL_BYTES,), (ALL_BYTES[::-1],), routing_id=b"\xfe" * 255),
    Case((b"from a DEALER",), (b"", b"empty first"), zmq.DEALER),
    Case((b"has the name of a worker",), (b"empty last", b""), zmq.DEALER, b"otto"),
    Case((b"large", bytes(1_000_000)), (bytes(1_000_000), b"large"), zmq.DEALER, b"\n"),
    Case((b"eleven more",) + (b"\xff",) * 11, (b"\xff\xfe",) * 9, zmq.DEALER, b"\xc3\xa9"),
    Case((b"READY",), (b"READY",), routing_id=b"READYMADE"),
]
ALL_CASES = f"{len(CASES)} of {len(CASES)}"


def anybody(stage: Stage, cases: Sequence[Case] = CASES) -> None:
    """Clients, bodies and replies of all kinds, to workers that are there already."""
    workers = len(stage.peers)
    for number, case in enumerate(cases, 1):
        client = stage.client(f"c{number}", case.kind, case.routing_id, **dict(case.options))
        for _ in range(workers):  # so that each worker has one
            client.ask(*case.body)
            stage.step()
            for who in list(stage.ledger.busy):
                stage.answer(who, *case.reply)
            stage.step()
        client.leave()


def leavers(stage: Stage) -> None:
    """Clients that ask and are gone when the worker answers; one that stays."""
    stays = stage.client("c0", zmq.REQ)
    for number in range(1, LEAVERS + 1):
        leaver = stage.client(f"c{number}", routing_id=b"\xfe%d" % number)
        leaver.ask(b"never mind, c%d" % number)
        stage.step()
        leaver.leave()
        if number % 2:
            stage.calm()  # the broker's ROUTER has noticed
        stage.answer_all()
        stays.ask(b"%d have left" % number)
        round_trip(stage)
    stays.ask(b"one more")
    stage.step()
    names = [f"c{LEAVERS + n}" for n in range(1, IMPATIENT + 1)]
    impatient = [stage.client(name, routing_id=name.encode()) for name in names]
    for leaver in impatient:  # nobody is idle, and nobody hears them
        leaver.ask(b"never mind, " + leaver.name.encode())
    stage.calm()
    for leaver in impatient:
        leaver.leave()
    stage.by_themselves()
    stage.answer_all()
    stage.step()
    stays.ask(b"the last")
    stage.step()


ALL_LEFT = f"{LEAVERS + IMPATIENT} left, one stayed and was answered"

OF_CLIENTS: list[Frames] = [
    (b"",),
    (b"no delimiter",),
    (b"\xff\xfe",),
    (b"", b""),
    (b"", b"", b"", b""),
    (b"READY",),
    (b"a", b"b", b"c", b"d"),
    (b"x",) * 40,
]
ALL_ODD = f"{len(OF_CLIENTS)} of {len(OF_CLIENTS)}"


def nonsense(stage: Stage, of_workers: Sequence[Frames] = ()) -> None:
    """Messages that are no requests and no answers, while somebody is at work and while nobody is.

    The answer comes back; then honest requests are served, the first of them from who talked
    nonsense. What that peer had said before has been read by then.
    """
    client, other = stage.client("c1", zmq.REQ), stage.client("c2", zmq.REQ)
    babbler = stage.client("c3")
    worker = next(peer for peer in stage.peers if peer.role == "worker")
    for number, frames in enumerate([*OF_CLIENTS, *of_workers]):
        says = babbler if number < len(OF_CLIENTS) else worker
        other.ask(b"c2 asks, %d" % number)
        stage.step()
        says.send(*frames)
        stage.calm()
        said = stage.last
        stage.answer_all()
        stage.last = said
        stage.step()
        says.send(*frames)
        for askers in [babbler], [client, other]:
            for asker in askers:
                asker.ask(b"%s asks then, %d" % (asker.name.encode(), number))
            stage.last = said
            stage.step()
            stage.answer_all()
            stage.last = said
            stage.step()


WAITS = "while there is nothing to do, the broker waits without using the processor"
BUSY = 0.2  # part of the time that a thread may run that has nothing to do
ASKS_AGAIN = (
    "A call that waits costs nothing. One that asks again and again takes the processor from the "
    "workers: which one returns at once, and why?"
)


def waits(stage: Stage, seconds: float, where: str) -> Finding:
    """That the broker uses no processor although nothing happens. Wrong: it does."""
    lap = stage.watch.lap(stage.subject.threads() or None)
    while lap.seconds < seconds or (lap.seconds < seconds + 2 and lap.starved):
        threading.Event().wait(max(0.05, seconds - lap.seconds))
    return waited(stage, lap, seconds, where)


def waited(stage: Stage, lap: Lap, seconds: float, where: str) -> Finding:
    """That the broker has used no processor in so many seconds. Wrong: it has."""
    name, busy = stage.subject.name, lap.busy
    rule = f"{WAITS.replace('broker', name)}: {where}"
    if stage.subject.over:
        raise Wrong(stage.trouble(GOES_ON, ""))
    if busy > BUSY:
        evidence = (
            f"For {seconds:g} s nothing happened, and the {name} was at work for {busy:.0%} of "
            f"the time, at {stage.subject.here()}"
        )
        raise Wrong(failed(rule, evidence, ASKS_AGAIN))
    return passed(rule, f"at work for less than {BUSY:.0%} of the time")


def quiet(
    stage: Stage, *, at_work: str = "", idle: str, seconds: float = QUIET
) -> Iterator[Finding]:
    """Workers that have nothing to do for a while; one that takes its time, where that is said."""
    client = stage.client("c1", zmq.REQ)
    workers = len(stage.peers) - 1
    for number in range(workers):
        client.ask(b"before the quiet, %d" % number)
        stage.step(GOES_ON)
        if at_work and not number:
            yield waits(stage, QUIET / 2, at_work)
        stage.answer_all()
        stage.step(GOES_ON)
    yield waits(stage, seconds, idle)
    for number in range(2 * workers):
        client.ask(b"after the quiet, %d" % number)
        round_trip(stage, GOES_ON)


ALL_UNREAD = f"it left {UNREAD} answers unread"


def never_reads(stage: Stage) -> None:
    """A client that asks and asks and reads no answer, beside one that does."""
    deaf = stage.client("c1", reads=False, rcvhwm=1, rcvbuf=4096)
    ask_on(stage, deaf)
    deaf.leave()


def ask_on(
    stage: Stage,
    deaf: Peer,
    reply: Callable[[Frames], Frames] = lambda _: (LARGE,),
    within: float = 1.0,
) -> None:
    """Let a client that reads nothing ask and ask, beside one that reads, and workers answer.

    within: seconds after which the other asks in between, where not all is answered by then.
    """
    polite = stage.client("c2", zmq.REQ)
    workers = [peer for peer in stage.peers if peer.role == "worker"]
    stage.by_themselves(reply)

    def answered() -> int:
        return sum(worker.answered for worker in workers)

    sent, before = 0, -1
    while before != (before := answered()) < UNREAD:  # as long as it goes on

        def ask_more() -> bool:
            nonlocal sent
            while sent < UNREAD and deaf.socket.poll(0, zmq.POLLOUT):
                deaf.ask(b"%d" % sent)
                sent += 1
            return answered() >= UNREAD

        stage.until(ask_more, within=within)
        polite.ask(b"and what of mine, %d?" % before)
        stage.last = f"{deaf!r}, had sent {sent} requests and read no answer", ()
        stage.step()


def fill(stage: Stage, rule: str) -> None:
    """That with all busy no more requests are taken than queues hold: for what is not recorded.

    Wrong: the rule is broken.
    """
    if any(isinstance(event, Read) and event.role == "client" for event in stage.history):
        return
    client, flood = stage.client("c8"), stage.client("c9", reads=False, sndhwm=100)
    for _ in range(int(sum(stage.ledger.room(stage.credit).values()))):
        client.ask(b"busy")
    stage.step()
    number, body = FLOOD

    def room() -> bool:
        return bool(flood.socket.poll(0, zmq.POLLOUT))

    for _ in range(number):
        if not room():
            stage.settle(room)
            if not room():
                return
        flood.ask(body)
    evidence = (
        f"With all workers busy, {number} requests of {len(body)} bytes were taken from one "
        "client: more than sockets keep in their queues."
    )
    raise Wrong(failed(rule, evidence, "Where are they now? What is left unread fills a queue."))


def crowd(stage: Stage, workers: int, clients: Sequence[Any]) -> None:
    """Workers and clients in threads, as fast as they can: so many, and these functions."""
    for number in range(1, workers + 1):
        stage.start("worker", f"w{number}", stage.lab.work)
    tasks = [
        stage.start("client", f"c{number}", ask, b"c%d" % number)
        for number, ask in enumerate(clients, 1)
    ]
    stage.last = f"{len(tasks)} clients were asking {QUESTIONS} questions each", ()

    def over() -> bool:
        return all(task.done for task in tasks)

    heard, seen = stage.others.journal, -1
    while not over() and len(heard) != seen:  # as long as something goes on
        seen = len(heard)
        stage.until(over)
    stage.judge()
    if not over():
        names = ", ".join(task.name for task in tasks if not task.done)
        evidence = f"For {PATIENCE:g} s no client had an answer. Still waiting: {names}."
        raise Wrong(stage.trouble(stage.play.promise, evidence))


def question(name: bytes, number: int) -> Frames:
    """The body of a client's question: one frame, two or three."""
    return (b"%s asks %d" % (name, number), *[b""] * (number % 3))


def ask(ctx: Any, endpoint: str, name: bytes) -> None:
    """Ask one question after the other, each when the last was answered."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        for number in range(QUESTIONS):
            broker.send_multipart(question(name, number))
            broker.recv_multipart()


def ask_ahead(ctx: Any, endpoint: str, name: bytes) -> None:
    """Ask all questions, then read all answers."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        for number in range(QUESTIONS):
            broker.send_multipart([b"", *question(name, number)])
        for _ in range(QUESTIONS):
            broker.recv_multipart()


def work(ctx: Any, endpoint: str) -> None:
    """A worker on a REP: answer what comes."""
    with ctx.socket(zmq.REP) as requests:
        requests.connect(endpoint)
        while True:
            requests.send_multipart(done(requests.recv_multipart()))


def work_when_ready(ctx: Any, endpoint: str) -> None:
    """A worker on a REQ: say READY, then answer what comes, each answer another READY."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        broker.send(b"READY")
        while True:
            frames = broker.recv_multipart()
            broker.send_multipart([*frames[:2], *done(frames[2:])])
