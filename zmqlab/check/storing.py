"""The plays of a store: what its clients and workers do, in a dialogue and over its deaths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import zmq

from . import plays, ready
from .desk import Desk
from .dispatch import Frames
from .promises import CLOSE, GIVEN, REPLY, REQUEST
from .report import Finding
from .stage import Stage, Wrong


def answers(stage: Desk) -> None:
    """All rows of the contract's table, with one client and one worker."""
    client = stage.client("c1", zmq.REQ, plays.STRANGE)
    ask, fetch = partial(stage.ask, client), partial(stage.fetch, client, b"a")
    ask(REQUEST, b"a", b"one")
    ask(REPLY, b"a")
    for body in (b"one",), (b"two",), (b"one", b""), (b"o", b"ne"), (b"one",):
        ask(REQUEST, b"a", *body)
    ask(REPLY, b"b")
    ask(CLOSE, b"b")
    worker = stage.worker(zmq.REQ)
    stage.step(GIVEN)
    ask(REPLY, b"a")
    ask(REQUEST, b"a", b"one")
    stage.answer(worker.name, b"the", b"reply")
    fetch()
    fetch()
    for body in (b"one",), (b"two",):
        ask(REQUEST, b"a", *body)
        stage.calm()
        fetch()
    for command in CLOSE, REPLY, CLOSE:
        ask(command, b"a")
    ask(REQUEST, b"a", b"two")
    stage.answer(worker.name, b"another")
    fetch()


class Case(NamedTuple):
    """A request under an id, its reply, and the client who asks."""

    id: bytes
    body: Frames = (b"body",)
    reply: Frames = (b"reply",)
    kind: int = zmq.DEALER
    routing_id: bytes = b""
    options: tuple[tuple[str, Any], ...] = ()  # of its socket


CORRELATES = (("req_correlate", 1), ("req_relaxed", 1))
CASES = [
    Case(b"1", (b"",), (b"",)),
    Case(b"01", (b" two ", b"frames\r\n"), (b"three", b" frames\r\n", b"back"), zmq.REQ),
    Case(b"\x00", (b"an empty one", b"", b"between two"), (b"and", b"", b"back")),
    Case(b"\x00\x00", (b"", b"", b""), (b"", b"", b""), zmq.REQ, b"\x00\x00"),
    Case(b"\xff\xfe", (plays.ALL_BYTES,), (plays.ALL_BYTES[::-1],), zmq.REQ, b"\xfe" * 255),
    Case(plays.ALL_BYTES[1:], (b"a long id",), (b"of 255 octets",), routing_id=b"\n"),
    Case(b"name", (b"in small letters",), (b"small",)),
    Case(b"NAME", (b"in capitals",), (b"CAPITALS",)),
    Case(b"name ", (b"with a blank",), (b"blank",)),
    Case(b"name\x00", (b"with a NUL",), (b"NUL",)),
    Case(b"../name' OR 1=1 --", (b"large", bytes(1_000_000)), (bytes(1_000_000), b"large")),
    Case(b"READY", (b"READY",), (b"READY",), zmq.REQ, b"READY"),
    Case(b"REQUEST", (b"REQUEST", b"name"), (b"200", b"name")),
    Case(b"correlate", (b"two frames before the empty one",), (b"both",), zmq.REQ, b"", CORRELATES),
]


def anybody(stage: Desk) -> None:
    """Ids, bodies and replies of all kinds; in the end all are still there, and told apart."""
    for kind in zmq.DEALER, zmq.REQ:
        stage.worker(kind, routing_id=b"\xfe%d" % kind)
    for number, case in enumerate(CASES, 1):
        client = stage.client(f"c{number}", case.kind, case.routing_id, **dict(case.options))
        stage.ask(client, REQUEST, case.id, *case.body)
        for who in list(stage.ledger.busy):
            stage.answer(who, *case.reply)
        stage.fetch(client, case.id)
        client.leave()
    other = stage.client("c99")
    for case in CASES:
        stage.fetch(other, case.id)
    for case in CASES[::2]:
        stage.ask(other, CLOSE, case.id)
    for case in CASES:
        stage.ask(other, REPLY, case.id)


def closes(stage: Desk) -> None:
    """Requests that are closed while they wait, while somebody is at work, and afterwards."""
    client = stage.client("c1")
    for id in b"a", b"b", b"c", b"d":
        stage.ask(client, REQUEST, id, b"work on " + id)
    stage.ask(client, CLOSE, b"b")
    worker = stage.worker()
    stage.step(GIVEN)
    (held,) = stage.promises.holds.values()
    stage.ask(client, CLOSE, held)
    for id in b"a", b"b", b"c":
        stage.ask(client, REPLY, id)
    for _ in range(3):
        stage.answer_all()
        stage.step()
    for id in {b"a", b"c", b"d"} - {held}:
        stage.fetch(client, id)
        stage.ask(client, CLOSE, id)
    for id in b"a", b"b", b"c", b"d":
        stage.ask(client, REPLY, id)
    stage.calm()
    stage.ask(client, REQUEST, b"b", b"another time")
    stage.answer(worker.name, b"done another time")
    stage.fetch(client, b"b")


def strangers(stage: Desk) -> None:
    """Replies of who does not hold the request: another worker, the same once more."""
    client, two = stage.client("c1"), [stage.worker(), stage.worker()]
    stage.ask(client, REQUEST, b"a", b"one")
    (holder,) = stage.promises.holds
    mine, other = sorted(two, key=lambda worker: worker.name != holder)

    def reply(worker: Any, id: bytes, text: bytes) -> None:
        worker.send(*ready.reply((id, b""), (text,)))
        stage.calm()

    reply(other, b"a", b"of somebody else")
    stage.ask(client, REPLY, b"a")
    stage.ask(client, REQUEST, b"b", b"two")  # for the other: it is still idle
    reply(mine, b"a", b"the first")
    reply(mine, b"a", b"the second")
    stage.fetch(client, b"a")
    reply(mine, b"b", b"of somebody else")
    reply(other, b"z", b"of who is at something else")
    stage.ask(client, REPLY, b"b")
    reply(other, b"b", b"the right one")
    reply(mine, b"b", b"too late")
    stage.fetch(client, b"b")
    reply(mine, b"z", b"nobody asked")
    stage.ask(client, REPLY, b"z")
    for id in b"c", b"d", b"e":  # three, for two workers
        stage.ask(client, REQUEST, id, b"more")
        stage.calm()
    while stage.ledger.busy:
        stage.answer_all()
        stage.step()
    for id in b"a", b"b", b"c", b"d", b"e":
        stage.fetch(client, id)


def many(stage: Desk) -> None:
    """Clients that ask at once, the same and not the same; some leave before they are answered."""
    clients = [stage.client(f"c{number}") for number in range(1, 5)]
    leavers = [stage.client(f"c{number}") for number in range(5, 8)]
    for _ in range(2):
        stage.at_once(stage.worker())
    stage.step()
    for number in range(5):
        for client in clients:
            client.ask(REQUEST, b"of all %d" % number, b"by all")
        stage.step()
        for client in clients:
            client.ask(REQUEST, client.name.encode() + b" %d" % number, b"by one")
        stage.step()
    for leaver in leavers:
        leaver.ask(REQUEST, leaver.name.encode(), b"never mind")
        leaver.leave()
    for number in range(5):
        stage.fetch(clients[number % 4], b"of all %d" % number)
        for client in clients:
            stage.fetch(clients[0], client.name.encode() + b" %d" % number)


OF_CLIENTS: list[Frames] = [
    *plays.OF_CLIENTS,
    (b"", REQUEST),
    (b"", REPLY),
    (b"", CLOSE),
    (b"", b"GET", b"a"),
    (b"", b"request", b"a", b"one"),
    (b"", b"\xff\xfe", b"a"),
    (b"", b"200", b"a"),
]


def nonsense(stage: Desk) -> None:
    """Messages that are none, each followed by a request that is served."""
    client, babbler = stage.client("c1"), stage.client("c2", reads=False)
    stage.at_once(stage.worker())
    for number, frames in enumerate(OF_CLIENTS):
        babbler.send(*frames)
        last = stage.last
        client.ask(REQUEST, b"%d" % number, b"one")
        stage.last = last
        stage.step()
        stage.fetch(client, b"%d" % number)
    stage.calm()


def quiet(stage: Desk) -> Iterator[Finding]:
    """A while in which nothing is to be done."""
    client = stage.client("c1")
    stage.ask(client, REQUEST, b"a", b"one")
    yield waits(stage, "requests are waiting, and no worker is there")
    worker = stage.worker()
    stage.step(GIVEN)
    stage.answer(worker.name, b"done")
    stage.fetch(client, b"a")
    yield waits(stage, "a worker is idle, and nobody asks")
    stage.ask(client, REQUEST, b"b", b"two")
    stage.answer(worker.name, b"done, too")
    stage.fetch(client, b"b")


def waits(stage: Stage, where: str) -> Finding:
    """That it uses no processor meanwhile. Wrong: it does."""

    def of_the_server(finding: Finding) -> Finding:
        rule, evidence = (
            text.replace("the broker", "the server") for text in (finding.rule, finding.evidence)
        )
        return replace(finding, rule=rule, evidence=evidence)

    try:
        return of_the_server(plays.waits(stage, plays.QUIET / 2, where))
    except Wrong as wrong:
        raise Wrong(*map(of_the_server, wrong.findings)) from None


# ------------------------------------------------------------------ lives


def again(stage: Desk) -> None:
    """Killed with nothing to do: requests are finished, held, waiting and closed."""
    client, workers = stage.client("c1"), [stage.worker(), stage.worker()]
    for id in b"\xff done", b"closed":
        stage.ask(client, REQUEST, id, id, b"")
        stage.answer_all()
        stage.fetch(client, id)
    stage.ask(client, CLOSE, b"closed")
    for id in b"one", b"two", b"three", b"never":
        stage.ask(client, REQUEST, id, b"", id)
    stage.ask(client, CLOSE, b"never")
    assert len(stage.promises.holds) == len(workers)
    stage.kill()
    held = stage.promises.holds
    stranger = stage.peer("worker", "w99")  # as a worker of the former life
    for id in held.values():
        stranger.send(*ready.reply((id, b""), (b"of a former life",)))
    stage.calm()
    for body in (b"\xff done", b""), (b"\xff done",):
        stage.ask(client, REQUEST, b"\xff done", *body)
    for id in b"one", b"two", b"three":
        stage.ask(client, REQUEST, id, b"", id)
        stage.ask(client, REPLY, id)
    for id in b"closed", b"never", b"unknown":
        stage.ask(client, REPLY, id)
    for _ in range(2):
        stage.answer_all()
        stage.step()
    for id in b"one", b"two", b"three", b"\xff done":
        stage.fetch(client, id)
    stage.ask(client, CLOSE, b"two")
    stage.kill()
    for id in b"one", b"three", b"\xff done":
        stage.fetch(client, id)
    for id in b"two", b"closed":
        stage.ask(client, REPLY, id)
    stage.calm()


def story(stage: Desk) -> None:
    """Two requests from their beginning to their end, one of them closed."""
    client = stage.client("c1")
    stage.ask(client, REQUEST, b"a", b"one")
    stage.at_once(stage.worker())
    stage.step()
    stage.ask(client, REQUEST, b"b", b"two", b"")
    stage.fetch(client, b"a")
    stage.ask(client, REQUEST, b"a", b"one")
    stage.fetch(client, b"b")
    stage.ask(client, CLOSE, b"a")
    stage.ask(client, REPLY, b"a")
    stage.fetch(client, b"b")
