"""Lab 07: a broker that gives each request to the worker that has been idle longest."""

from __future__ import annotations

from functools import partial
from itertools import count
from random import Random
from typing import Any

import zmq

from . import plays, ready, rules
from .lab import Hand, Lab, Play
from .peer import Peer
from .report import Report
from .stage import GOES_ON, Stage

GIVEN = "an idle worker is given the request, and its answer comes back"
UNREAD = "with nobody idle, requests stay unread in the frontend"
AT_ONCE = "there are as many requests under way as there are workers"
ONE = "no worker is given a second request before it has answered"
LONGEST = "the request goes to the worker that has been idle longest"
IN_ORDER = "the requests of one client are given out in the order in which it sent them"
OWN = "every client gets the answer to its own question"
ANYBODY = "any client, any routing id, any body and any reply"
LEAVERS = "clients that leave before their answer end nothing, and cost no worker"
ANYTHING = "a message of a client that is no request ends nothing, and costs no worker"
DEAF = "a client that does not read its answers stops nobody else"
CROWD = f"{OWN}, ten in threads"


def lab07(broker: Any) -> Report:
    """Check `broker(ctx, frontend, backend)`.

    Clients and workers that the check plays: requests with nobody idle, answers in every order
    and who is given the next request, odd ids, bodies and replies, clients that leave, clients
    that talk nonsense, one that reads nothing, a quiet while, then many in threads. Takes some
    seconds, at most 60.
    """
    return LAB.check(broker)


# ------------------------------------------------------------------ rules

FORM = (
    'A worker is given [worker, b"", client, b"", *body]: its REQ takes the address and the first '
    "delimiter off, and drops what has none. The rest is as it came from the client."
)
HAND_BACK = "Whose answer it is stands in the reply itself: hand its frames on as they came."


def as_sent(asked: str, answered: str) -> list[rules.Rule]:
    """What workers are given and clients get is what was sent; else these are broken."""
    return [rules.as_it_was_asked(asked, FORM), rules.own_answers(answered, HAND_BACK)]


ASKED, OWNED = as_sent(GIVEN, OWN)
SINGLE = rules.at_most(
    1, ONE, "From when on is a worker no longer idle? A REQ throws away a second request."
)
LATE = rules.unread(
    UNREAD,
    "What is read too early waits in the broker, in a list that nothing bounds. When does the "
    "broker have to look at the frontend at all?",
)
QUEUED = rules.longest_idle_first(
    LONGEST,
    "A worker is idle from its READY or its answer on. Where does it join the queue, and from "
    "which end do you take?",
)
ORDERED = rules.in_order(
    IN_ORDER,
    "The frontend keeps the order of what it has not been asked for yet. Which are out of theirs, "
    "the requests or the workers?",
)
RULES = [SINGLE, LATE, ASKED, OWNED, ORDERED, QUEUED]  # in the order of blame


# ------------------------------------------------------------------ plays


IDS = {"w1": b"\xffz", "w2": b"otto", "w3": b"\x00\x01", "w4": b"anna"}


def turns(stage: Stage) -> None:
    """Four workers, then six, one step at a time: a request, or an answer of any at work."""
    for name, routing_id in IDS.items():
        stage.hire(name, routing_id=routing_id)
    names = [f"c{number}" for number in range(1, 8)]
    clients = {
        name: stage.client(name, (zmq.DEALER, zmq.REQ)[n % 2]) for n, name in enumerate(names)
    }
    free, number, chance, newcomers = list(names), count(1), Random(6), ["w6", "w5"]

    def ask() -> None:
        who = free.pop(0)
        clients[who].ask(f"{who} asks, {next(number)}".encode())
        stage.step()

    def answer(who: str) -> None:
        stage.answer(who)
        stage.step()
        free.extend(c for c in names if c not in free and not stage.ledger.asked.get(c))

    for _ in range(5):  # the fifth has to wait
        ask()
    stage.calm()
    for place in (2, 3, 0, 0, 0):
        answer(list(stage.ledger.busy)[place])
    for step in range(50):
        busy, idle = list(stage.ledger.busy), stage.ledger.idle
        if step > 10 and newcomers and len(idle) == 2 and not stage.ledger.open:
            stage.hire(newcomers.pop())
        elif busy and (not idle or chance.random() < 0.5):
            answer(chance.choice(busy))
        else:
            ask()
    while stage.ledger.busy:
        answer(list(stage.ledger.busy)[-1])
    for turn in range(4):
        together(stage, clients["c1"], turn)


def together(stage: Stage, client: Peer, turn: int) -> None:
    """One client asks as often as workers are idle, without waiting.

    The first request is large: while the broker passes it on, the others arrive.
    """
    for n, _ in enumerate(stage.ledger.idle):
        body = b"request %d of turn %d" % (n, turn)
        client.ask(body + bytes(0 if n else 4_000_000))
    stage.step()
    for who in list(stage.ledger.busy):
        stage.answer(who)
        stage.step()


def crowd(stage: Stage) -> None:
    """Ten clients and four workers in threads."""
    plays.crowd(stage, 4, [plays.ask] * 10)


SAFE = [SINGLE, ASKED, OWNED]
SERVED = [SINGLE, OWNED]  # where workers are also given what is no request
COSTS = rules.longest_idle_first(
    ANYTHING,
    "Whom has your code taken from the queue by the time it sees that this is no request, and "
    "where does that worker stand afterwards?",
)
ANY = [SINGLE, *as_sent(ANYBODY, ANYBODY), QUEUED]
REQS = [Hand("w1", zmq.REQ, b"otto"), Hand("w2", zmq.REQ)]
IDLE = partial(plays.quiet, idle="workers are idle, and nobody asks")
WAITING = partial(ready.waiting, first=GIVEN, at_once=AT_ONCE, given=GIVEN, own=OWN, unread=UNREAD)
WAITED = "each was read when there was somebody to do it"
TURNS = {
    ONE: "in some sixty turns",
    LONGEST: "in each of them, in whatever order the workers answered",
    OWN: "in whatever order the workers answered",
}

PLAYS = [
    Play("one client, one worker", plays.first, GIVEN, "also before a worker is there", RULES),
    Play("requests with nobody idle", WAITING, UNREAD, WAITED, RULES, {IN_ORDER: "six of six"}),
    Play("four workers, in turn", turns, AT_ONCE, "four of four, and no fifth", RULES, TURNS),
    Play("clients of all kinds", plays.anybody, ANYBODY, plays.ALL_CASES, ANY, crew=REQS),
    Play("clients that leave", plays.leavers, LEAVERS, plays.ALL_LEFT, SAFE, crew=REQS[:1]),
    Play("nonsense", plays.nonsense, ANYTHING, plays.ALL_ODD, [*SERVED, COSTS], crew=REQS),
    Play("a client that never reads", plays.never_reads, DEAF, plays.ALL_UNREAD, SERVED, crew=REQS),
    Play("a quiet while", IDLE, GOES_ON, "also after a quiet while", RULES, crew=REQS),
    Play("many clients and four workers in threads", crowd, CROWD, "300 of 300 answers", RULES),
]

LAB = Lab(
    name="lab07",
    contract="broker(ctx, frontend, backend)",
    ends={"client": "frontend", "worker": "backend"},
    reading=ready.reading,
    says=ready.SAYS,
    reply=ready.reply,
    makes_do=ready.makes_do,
    work=plays.work_when_ready,
    plays=PLAYS,
)
