"""Lab 05: a broker that carries requests to workers and answers back, whatever its peers do."""

from __future__ import annotations

from functools import partial
from typing import Any

import zmq

from . import plays, rules
from .dispatch import Frames, carried
from .lab import Hand, Lab, Play
from .report import Report
from .stage import GOES_ON, Stage, Wrong

ARRIVES = "a request reaches a worker, and its answer comes back"
AT_ONCE = "requests of several clients are under way at the same time"
OWN = "every client gets the answer to its own question"
ANYBODY = "any client, any routing id, any body of any number of frames"
LEAVERS = "clients that leave before their answer end nothing"
ANYTHING = "nothing that a peer sends ends it"
UNREAD = "a client that does not read its answers stops nobody else"
CROWD = f"{OWN}, twelve in threads"

MANY = 50  # requests that one client sends at once


def lab05(broker: Any) -> Report:
    """Check `broker(ctx, frontend, backend)`.

    Clients and workers that the check plays: one of each, several at once with answers in another
    order, odd ids and bodies, clients that leave, messages without sense, a client that reads
    nothing, then many in threads. Judged is what they see, so a broker may run in C. Takes some
    seconds, at most 60.
    """
    return LAB.check(broker)


def reply(to: Frames, body: Frames) -> Frames:
    """What a worker answers."""
    return (*to, *body)


def leaves_aside(frames: Frames) -> None:
    """What a worker answers to what is no request."""


# ------------------------------------------------------------------ rules

AS_THEY_ARE = (
    "Before the first empty frame stands the way back, behind it the body. A broker passes both "
    "on as they are."
)
WHOSE = "Whose answer a reply is stands in the reply itself, not in what the broker read last."


def as_sent(asked: str, answered: str) -> list[rules.Rule]:
    """What workers are given and clients get is what was sent; else these are broken."""
    return [rules.as_it_was_asked(asked, AS_THEY_ARE), rules.own_answers(answered, WHOSE)]


RULES = as_sent(ARRIVES, OWN)
OWNED = RULES[1:]  # where workers are also given what is no request


# ------------------------------------------------------------------ plays


def several(stage: Stage) -> None:
    """Four clients and three workers; the answers come in another order than the questions."""
    clients = [
        stage.client("c1", zmq.REQ),
        stage.client("c2", zmq.DEALER, b"alike, but for a Letter"),
        stage.client("c3", zmq.REQ),
        stage.client("c4", zmq.DEALER, b"alike, but for a letter"),
    ]
    for number in range(1, MANY + 1):
        clients[1].ask(b"%d of %d" % (number, MANY))
    stage.calm()  # the broker has read them, as far as it does
    stage.by_themselves()
    for name in ("w1", "w2", "w3"):
        stage.hire(name)
    stage.by_themselves()
    stage.answer_all()
    stage.step(ARRIVES)
    stage.by_themselves(None)
    for number in range(1, MANY + 1):
        clients[1].ask(b"again %d of %d" % (number, MANY))
    for question in ("%s asks once", "all ask the same", "%s asks again"):
        for client in clients:
            client.ask(question.replace("%s", client.name).encode())
        under_way(stage)
        stage.answer_all()
        stage.step(OWN)
        stage.calm()


def under_way(stage: Stage) -> None:
    """All are given out before any is answered."""
    try:
        stage.step(AT_ONCE)
    except Wrong as wrong:
        waiting = len(stage.ledger.open)
        if wrong.findings[0].rule == AT_ONCE and stage.ledger.busy and not stage.subject.over:
            stage.answer_all()
            if not stage.until(lambda: len(stage.ledger.open) < waiting):
                stage.step(ARRIVES)  # the next one does not even come when others were answered
        raise


NUMBERED = plays.Case(
    (b"with a number", b"before the delimiter"), (b"yes",), options=(("req_correlate", 1),)
)
CASES = [*plays.CASES, NUMBERED]

OF_WORKERS: list[Frames] = [
    (b"",),
    (b"no address",),
    (b"", b"an empty address"),
    (b"nobody", b"", b"hello"),
    (b"nobody", b"hello"),
    (b"\xff" * 300, b"", b"an address longer than any"),
    (b"\x00\x01\x02\x03\x04", b"", b"hello"),
    (b"x",) * 40,
]


def crowd(stage: Stage) -> None:
    """Twelve clients and three workers in threads; every third asks before it reads."""
    plays.crowd(stage, 3, [plays.ask, plays.ask, plays.ask_ahead] * 4)


ONE = [Hand("w1")]

CARRIES = [
    Play(
        "one client, one worker",
        plays.first,
        ARRIVES,
        "as they were sent",
        as_sent(ARRIVES, ARRIVES),
    ),
    Play(
        "several clients and workers at once",
        several,
        AT_ONCE,
        "four clients, three workers",
        RULES,
        {OWN: "the answers came in another order than the questions"},
    ),
    Play(
        "clients and bodies of all kinds",
        partial(plays.anybody, cases=CASES),
        ANYBODY,
        f"{len(CASES)} of {len(CASES)}",
        as_sent(ANYBODY, ANYBODY),
        crew=[Hand("w1"), Hand("w2", zmq.REP)],
    ),
    Play("clients that leave", plays.leavers, LEAVERS, plays.ALL_LEFT, RULES, crew=ONE),
    Play(
        "messages without sense",
        partial(plays.nonsense, of_workers=OF_WORKERS),
        ANYTHING,
        f"{len(plays.OF_CLIENTS)} odd messages of a client, {len(OF_WORKERS)} of a worker",
        OWNED,
        crew=ONE,
    ),
]

PLAYS = [
    *CARRIES,
    Play("a client that never reads", plays.never_reads, UNREAD, plays.ALL_UNREAD, OWNED, crew=ONE),
    Play(
        "a quiet while",
        partial(plays.quiet, at_work="one request at a worker", idle="no request"),
        GOES_ON,
        "also after a quiet while",
        RULES,
        crew=ONE,
    ),
    Play("twelve clients in threads", crowd, CROWD, "360 of 360 answers", RULES),
]

LAB = Lab(
    name="lab05",
    contract="broker(ctx, frontend, backend)",
    ends={"client": "frontend", "worker": "backend"},
    reading=carried,
    says=(),
    reply=reply,
    makes_do=leaves_aside,
    work=plays.work,
    plays=PLAYS,
    to_anybody=True,
)
