"""Lab 05: a broker that carries requests to workers and answers back, whatever its peers do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import zmq

from zmqlab.envelope import show

from .judge import Scenario, judge
from .report import Finding, Report, failed, passed
from .stage import (
    GOES_ON,
    LIMIT,
    PATIENCE,
    OutOfTime,
    Peer,
    Stage,
    body_of,
    done,
    up_to_failure,
    wrong_of,
)

ARRIVES = "a request reaches a worker, and its answer comes back"
AT_ONCE = "requests of several clients are under way at the same time"
OWN = "every client gets the answer to its own question"
ANYBODY = "any client, any routing id, any body of any number of frames"
LEAVERS = "clients that leave before their answer end nothing"
ANYTHING = "nothing that a peer sends ends it"

QUIET = 2.4  # seconds in which nothing happens
MANY = 50  # requests that one client sends while no worker is there
STRANGE = b"\xff\xfe \x00"  # a routing id that no codec for text takes


def lab05(broker: Any) -> Report:
    """Check `broker(ctx, frontend, backend)`.

    Clients and workers that the check plays: one of each, several at once with answers in another
    order, odd ids and bodies, clients that leave, messages without sense, then many in threads.
    Judged is what they see, so a broker may run in C. Takes some seconds, at most 60.
    """
    deadline = time.monotonic() + LIMIT
    plays = [Scenario(title, partial(_played, play, deadline)) for title, play in PLAYS.items()]
    return judge("lab05", {"broker(ctx, frontend, backend)": broker}, plays)


Play = Callable[[Stage], Iterator[Finding]]


def _played(play: Play, deadline: float, broker: Callable[..., Any]) -> list[Finding]:
    """The findings of one scenario."""
    with Stage(broker, deadline) as stage:
        try:
            return list(play(stage))
        except OutOfTime as over:
            return [over.finding()]


# ------------------------------------------------------------------ rules

Asked = Mapping[str, tuple[bytes, ...]]  # who asked → the body
Got = Mapping[str, Sequence[tuple[bytes, ...]]]  # who got → the bodies, in order


def own_answers(asked: Asked, got: Got) -> str:
    """What is wrong with the answers that clients got to what they asked; "" if nothing is."""
    for name, body in asked.items():
        for answer in got.get(name, ()):
            if answer == done(body):
                continue
            owner = next((other for other, its in asked.items() if done(its) == answer), "")
            whose = f", the answer to {owner}" if owner else ""
            return f"{name} asked {show(body, 'REQ')} and got {show(answer, 'REQ')}{whose}."
        if len(got.get(name, ())) > 1:
            return f"{name} asked once and got {len(got[name])} answers."
    return ""


def missing(asked: Asked, got: Got) -> str:
    """Who got no answer, as "c1, c3"; "" if all did."""
    return ", ".join(name for name in asked if not got.get(name))


# ------------------------------------------------------------------ scenarios


def _first(stage: Stage) -> Iterator[Finding]:
    """One client, and a worker that comes after its request."""
    client = stage.client("c1", zmq.REQ, STRANGE)
    client.ask(b"is anybody there?")
    stage.until(lambda: False, 0.2)
    worker = stage.worker("w1")
    yield from _round_trip(stage, ARRIVES, client, worker, (b"is anybody there?",))
    if not stage.call.done and client.inbox:
        client.ask(b"again")
        yield from wrong_of(_round_trip(stage, ARRIVES, client, worker, (b"again",)))
        yield from stage.end()


def _round_trip(
    stage: Stage, rule: str, client: Peer, worker: Peer, body: tuple[bytes, ...]
) -> list[Finding]:
    """What is to be said of a request that the client has sent: the worker answers it."""
    before = client.asked - 1  # answers to earlier requests
    if not stage.until(lambda: worker.waiting):
        hint = _WHICH_SOCKETS if rule == ARRIVES else _UNLIKE
        return [stage.trouble(rule, _never_came(stage, client, body), hint, *body[:1])]
    route, got = body_of(worker.waiting[0], worker.socket.note.kind)
    if got != body or not (route or worker.socket.note.kind == "REP"):
        seen = show(worker.waiting[0], worker.socket.note.kind)
        evidence = f"{client!r}, sent the body {show(body, 'REQ')}; {worker!r}, got {seen}."
        return [failed(rule, evidence, _AS_THEY_ARE, stage.story(*body[:1]))]
    worker.answer()
    if not stage.until(lambda: len(client.inbox) > before):
        evidence = (
            f"{worker!r}, answered {show(done(body), 'REQ')}, and {client!r}, with the routing id "
            f"{_id(client)}, had no answer after {PATIENCE:g} s."
        )
        return [stage.trouble(rule, evidence, _HAND_BACK, *body[:1])]
    if (answer := client.answers[before]) != done(body):
        evidence = (
            f"{worker!r}, answered {show(done(body), 'REQ')}; {client!r}, got "
            f"{show(answer, 'REQ')}."
        )
        return [failed(rule, evidence, _HAND_BACK, stage.story(*body[:1]))]
    return [passed(rule, "as they were sent")]


_WHICH_SOCKETS = "Which socket is bound where, and which call waits for what?"
_UNLIKE = "In what is this message unlike those that came through, and which line looks at that?"
_LOST = "What becomes of a request that comes while others wait, or are under way?"
_AS_THEY_ARE = (
    "Before the first empty frame stands the way back, behind it the body. A broker passes both "
    "on as they are."
)
_HAND_BACK = "The first frame of a reply is the address to send it to: hand it back as it came."


def _never_came(stage: Stage, client: Peer, body: tuple[bytes, ...]) -> str:
    return (
        f"{client!r}, sent {show(body, 'REQ')}; no worker had it after {PATIENCE:g} s.\n"
        f"The broker has bound {stage.bound()}."
    )


def _id(client: Peer) -> str:
    chosen = client.socket.routing_id
    return show([chosen], "REQ") if chosen else "that ZeroMQ chose"


def _several(stage: Stage) -> Iterator[Finding]:
    """Four clients and three workers; the answers come in another order than the questions."""
    clients = [
        stage.client("c1", zmq.REQ),
        stage.client("c2", zmq.DEALER, b"alike, but for a Letter"),
        stage.client("c3", zmq.REQ),
        stage.client("c4", zmq.DEALER, b"alike, but for a letter"),
    ]
    many = _send_many(stage, clients[1])
    workers = [stage.worker(name) for name in ("w1", "w2", "w3")]
    each = [client.name for client in clients]
    yield from up_to_failure(
        lambda: _many_come(stage, clients[1], workers, many),
        lambda: wrong_of(_turn(stage, clients, workers, [f"{name} asks once" for name in each])),
        lambda: wrong_of(_turn(stage, clients, workers, ["all ask the same"] * len(each))),
        lambda: _turn(stage, clients, workers, [f"{name} asks again" for name in each]),
        lambda: wrong_of(stage.end()),
    )


def _send_many(stage: Stage, client: Peer) -> list[tuple[bytes, ...]]:
    """Send as many requests as MANY while no worker is there; their bodies."""
    bodies: list[tuple[bytes, ...]] = [(b"%d of %d" % (n, MANY),) for n in range(1, MANY + 1)]
    for body in bodies:
        client.ask(*body)
    stage.until(lambda: False, 0.1)
    return bodies


def _many_come(
    stage: Stage, client: Peer, workers: Sequence[Peer], bodies: Sequence[tuple[bytes, ...]]
) -> list[Finding]:
    """What is wrong with the way of many requests: workers get them all, then answer."""

    def came() -> int:
        return sum(len(worker.waiting) for worker in workers)

    complete = stage.until(lambda: came() == len(bodies), PATIENCE / 2)
    evidence = (
        f"{client!r}, sent {len(bodies)} requests while no worker was there; {came()} came to "
        "the workers that came then."
    )
    if not complete:
        return [_held_up(stage, workers, evidence)]
    for worker in workers:
        while worker.waiting:
            worker.answer()
    if not stage.until(lambda: len(client.inbox) >= len(bodies)):
        evidence += f"\nAll were answered; {len(client.inbox)} answers came back."
        return [stage.trouble(OWN, evidence, _WHOSE)]
    if sorted(client.answers) != sorted(map(done, bodies)):
        evidence += "\nAll were answered; what came back were not these answers."
        return [failed(OWN, evidence, _WHOSE)]
    return []


def _turn(
    stage: Stage, clients: Sequence[Peer], workers: Sequence[Peer], questions: Sequence[str]
) -> list[Finding]:
    """Each client asks; when all have, the last request is answered first."""
    asked = {
        client.name: (question.encode(),)
        for client, question in zip(clients, questions, strict=True)
    }
    had = {client.name: len(client.inbox) for client in clients}

    def got() -> Got:
        return {client.name: client.answers[had[client.name] :] for client in clients}

    for client in clients:
        client.ask(*asked[client.name])
    if not stage.until(lambda: sum(len(w.waiting) for w in workers) == len(clients), PATIENCE / 2):
        came = sum(len(worker.waiting) for worker in workers)
        evidence = (
            f"Four clients had asked, nobody had answered: {came} of 4 requests came to a worker."
        )
        return [_held_up(stage, workers, evidence)]
    for worker in reversed(workers):
        while worker.waiting:
            worker.answer()
    stage.until(lambda: own_answers(asked, got()) or not missing(asked, got()))
    stage.settle(0.05)
    bodies = [body for (body,) in asked.values()]
    if wrong := own_answers(asked, got()):
        return [failed(OWN, wrong, _WHOSE, stage.story(*bodies))]
    if without := missing(asked, got()):
        evidence = f"The workers answered all four; {without} got nothing."
        return [stage.trouble(OWN, evidence, _WHOSE, *bodies)]
    return [
        passed(AT_ONCE, "four clients, three workers"),
        passed(OWN, "the answers came in another order than the questions"),
    ]


_WHOSE = "Whose answer a reply is stands in the reply itself, not in what the broker read last."


def _held_up(stage: Stage, workers: Sequence[Peer], evidence: str) -> Finding:
    """The finding for requests that did not reach a worker while none was answered."""
    if stage.out_of_turn:
        return stage.slow(AT_ONCE, evidence)
    if stage.call.done or not any(worker.waiting for worker in workers):
        return stage.trouble(AT_ONCE, evidence, _WHICH_SOCKETS)
    here = stage.call.here()
    for worker in workers:
        while worker.waiting:
            worker.answer()
    if stage.until(lambda: any(worker.waiting for worker in workers)):
        evidence += "\nThe next one came when the first had been answered."
    else:
        evidence += f"\nNo more came when those had been answered. The broker was at {here}"
        return failed(ARRIVES, evidence, _LOST)
    return failed(
        AT_ONCE,
        f"{evidence}\nThe broker was at {here}",
        "What does it wait for there, and who else may have something to say meanwhile?",
    )


class Case(NamedTuple):
    """One client of its own kind, and what it asks."""

    kind: int
    routing_id: bytes
    body: tuple[bytes, ...]


CASES = [
    Case(zmq.REQ, b"", (b"of one frame",)),
    Case(zmq.REQ, b"", (b"",)),
    Case(zmq.REQ, b"anna", (b" two ", b"frames\r\n")),
    Case(zmq.REQ, b"anna b", (b"an empty one", b"", b"between two")),
    Case(zmq.REQ, b"\x00\x00", (b"", b"", b"")),
    Case(zmq.REQ, b"\xfe" * 255, (bytes(range(256)),)),
    Case(zmq.DEALER, b"", (b"from a DEALER",)),
    Case(zmq.DEALER, b"READY", (b"eleven more",) + (b"\xff",) * 11),
    Case(zmq.DEALER, b"\n", (b"large", bytes(1_000_000))),
]


def _anybody(stage: Stage) -> Iterator[Finding]:
    """Clients and bodies of all kinds; the workers are a DEALER and a REP."""
    workers = [stage.worker("w1"), stage.worker("w2", zmq.REP)]
    for number, case in enumerate(CASES, 1):
        client = stage.client(f"c{number}", case.kind, case.routing_id)
        for _ in range(2):  # so that each worker has one
            client.ask(*case.body)
            stage.until(lambda: any(worker.waiting for worker in workers))
            worker = next((w for w in workers if w.waiting), workers[0])
            if wrong := wrong_of(_round_trip(stage, ANYBODY, client, worker, case.body)):
                yield from wrong
                return
        client.leave()
    yield passed(ANYBODY, f"{len(CASES)} of {len(CASES)}")
    yield from wrong_of(stage.end())


def _leavers(stage: Stage) -> Iterator[Finding]:
    """Clients that ask and are gone when the worker answers; one that stays."""
    stays, worker = stage.client("c1", zmq.REQ), stage.worker("w1")
    for number in range(1, 9):
        leaver = stage.client(f"leaver {number}")
        leaver.ask(b"never mind")
        if not stage.until(lambda: worker.waiting):
            yield stage.trouble(LEAVERS, _never_came(stage, leaver, (b"never mind",)))
            return
        leaver.leave()
        stage.until(lambda: False, 0.02 * number)  # for the broker's ROUTER to notice
        worker.answer()
        body = (b"%d have left" % number,)
        stays.ask(*body)
        if wrong := wrong_of(_round_trip(stage, LEAVERS, stays, worker, body)):
            yield from wrong
            return
    yield passed(LEAVERS, "eight left, one stayed and was answered")
    yield from wrong_of(stage.end())


OF_CLIENTS = [
    (b"",),
    (b"no delimiter",),
    (b"\xff\xfe",),
    (b"", b""),
    (b"", b"", b"", b""),
    (b"READY",),
    (b"a", b"b", b"c", b"d"),
    (b"x",) * 40,
]
OF_WORKERS = [
    (b"",),
    (b"no address",),
    (b"", b"an empty address"),
    (b"nobody", b"", b"hello"),
    (b"nobody", b"hello"),
    (b"\xff" * 300, b"", b"an address longer than any"),
    (b"\x00\x01\x02\x03\x04", b"", b"hello"),
    (b"x",) * 40,
]


def _anything(stage: Stage) -> Iterator[Finding]:
    """Messages that are no requests and no answers, each followed by an honest request."""
    honest, worker = stage.client("c1", zmq.REQ), stage.worker("w1")
    stranger = stage.client("a stranger")
    for number, frames in enumerate([*OF_CLIENTS, *OF_WORKERS]):
        (stranger if number < len(OF_CLIENTS) else worker).send(*frames)
        body = (b"request %d" % number,)
        stage.until(lambda: False, 0.01)
        said = stage.last
        honest.ask(*body)
        stage.last = said
        if wrong := wrong_of(_honest(stage, honest, worker, body)):
            yield from wrong
            return
    body = (b"a request at last",)
    stranger.ask(*body)
    stage.last = f"{stranger!r}, had sent messages without sense"
    if wrong := wrong_of(_honest(stage, stranger, worker, body)):
        yield from wrong
        return
    yield passed(
        ANYTHING, f"{len(OF_CLIENTS)} odd messages of a client, {len(OF_WORKERS)} of a worker"
    )
    yield from wrong_of(stage.end())


def _honest(stage: Stage, client: Peer, worker: Peer, body: tuple[bytes, ...]) -> list[Finding]:
    """As `_round_trip`, where the worker also gets what is no request, and leaves that aside."""

    def came() -> bool:
        while worker.waiting and body_of(worker.waiting[0], "DEALER")[1] != body:
            worker.answered += 1
        return bool(worker.waiting)

    if not stage.until(came):
        return [
            stage.trouble(
                ANYTHING, f"{_never_came(stage, client, body)}\nBefore that, {stage.last}."
            )
        ]
    said = stage.last
    before = len(client.inbox)
    worker.answer()
    stage.last = said
    if not stage.until(lambda: len(client.inbox) > before):
        evidence = f"{client!r}, had no answer after {PATIENCE:g} s.\nBefore that, {said}."
        return [stage.trouble(ANYTHING, evidence)]
    return []


def _quiet(stage: Stage) -> Iterator[Finding]:
    """A worker that takes its time over one request, then has nothing to do for a while."""
    client, worker = stage.client("c1", zmq.REQ), stage.worker("w1")

    def trip(*body: bytes) -> list[Finding]:
        return _round_trip(stage, GOES_ON, client, worker, body)

    client.ask(b"before the quiet")
    stage.until(lambda: worker.waiting)
    yield from up_to_failure(
        lambda: stage.quiet(QUIET / 2, "one request at a worker"),
        lambda: wrong_of(trip(b"before the quiet")),
        lambda: stage.quiet(QUIET, "no request"),
        lambda: client.ask(b"after the quiet"),
        lambda: trip(b"after the quiet"),
        lambda: wrong_of(stage.end()),
    )


def _crowd(stage: Stage) -> Iterator[Finding]:
    """Twelve clients and three workers in threads, as fast as they can.

    Every third client is a DEALER that asks all its questions before it reads an answer.
    """
    for name in ("w1", "w2", "w3"):
        stage.others.start(name, _work, stage.backend)
    clients = [
        stage.others.start(f"c{n}", ask, stage.frontend, b"c%d" % n)
        for n, ask in enumerate([_ask, _ask, _ask_ahead] * 4, 1)
    ]

    def over() -> bool:
        return all(client.done for client in clients)

    heard, seen = stage.others.journal, -1
    while not over() and len(heard) != seen:  # as long as something goes on
        seen = len(heard)
        stage.until(over)
    if not over():
        left = ", ".join(client.name for client in clients if not client.done)
        stage.last = "twelve clients were asking 30 questions each"
        evidence = f"For {PATIENCE:g} s no client had an answer. Still waiting: {left}."
        yield stage.trouble(OWN, evidence)
        return
    wrong = [line for client in clients for line in client.result(1)]
    if wrong:
        yield failed(OWN, "\n".join(wrong[:3]), _WHOSE)
        return
    yield passed(f"{OWN}, twelve in threads", "360 of 360 answers")
    yield from wrong_of(stage.end())


def _work(ctx: Any, endpoint: str) -> None:
    """A worker on a REP: answer what comes."""
    with ctx.socket(zmq.REP) as requests:
        requests.connect(endpoint)
        while True:
            requests.send_multipart(done(requests.recv_multipart()))


def _question(name: bytes, number: int) -> tuple[bytes, ...]:
    return (b"%s asks %d" % (name, number), *[b""] * (number % 3))


def _ask_ahead(ctx: Any, endpoint: str, name: bytes) -> list[str]:
    """Ask 30 questions, then read 30 answers in any order; what was wrong with them."""
    missing = {done(_question(name, number)) for number in range(30)}
    wrong = []
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        for number in range(30):
            broker.send_multipart([b"", *_question(name, number)])
        for _ in range(30):
            _, *answer = broker.recv_multipart()
            if tuple(answer) in missing:
                missing.remove(tuple(answer))
            else:
                wrong.append(f"{name.decode()} got {show(answer, 'REQ')}, which it had not asked")
    return wrong


def _ask(ctx: Any, endpoint: str, name: bytes) -> list[str]:
    """Ask 30 questions, of one frame or more; what was wrong with the answers."""
    wrong = []
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        for number in range(30):
            body = _question(name, number)
            broker.send_multipart(body)
            if (answer := tuple(broker.recv_multipart())) != done(body):
                wrong.append(
                    f"{name.decode()} asked {show(body, 'REQ')} and got {show(answer, 'REQ')}"
                )
    return wrong


PLAYS: dict[str, Play] = {
    "one client, one worker": _first,
    "several clients and workers at once": _several,
    "clients and bodies of all kinds": _anybody,
    "clients that leave": _leavers,
    "messages without sense": _anything,
    "a quiet while": _quiet,
    "twelve clients in threads": _crowd,
}
