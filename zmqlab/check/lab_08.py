"""Lab 08: a broker that gives workers some requests ahead, and each to who holds the fewest."""

from __future__ import annotations

from functools import partial
from itertools import count
from random import Random
from typing import Any

import zmq

from . import plays, ready, rules
from .lab import Hand, Lab, Play
from .peer import done
from .report import Report
from .stage import GOES_ON, Stage

GIVEN = "a worker that may hold one more is given the request, and its answer comes back"
AHEAD = "each worker is given as many requests as the credit, before it answers any"
MOST = "no worker ever holds more requests than the credit"
UNREAD = "with everybody full, requests stay unread in the frontend"
FEWEST = "the request goes to a worker with the fewest outstanding"
LONGEST = "of several idle workers, the one that has been idle longest is given the request"
AGAIN = "a second READY adds nothing and takes nothing away"
IN_ORDER = "the requests of one client are given out in the order in which it sent them"
OWN = "every client gets the answer to its own question"
ANYBODY = "any client, any routing id, any body and any reply"
LEAVERS = "clients that leave before their answer end nothing, and cost no credit"
ANYTHING = "a message of a client that is no request ends nothing, and costs no credit"
DEAF = "a client that does not read its answers stops nobody else"
CROWD = f"{OWN}, eight in threads"


def lab08(broker: Any) -> Report:
    """Check `broker(ctx, frontend, backend, credit)`.

    Clients and workers that the check plays, with credits of 1 to 3: requests with everybody
    full, who is given the next one while workers answer in any order, workers that say READY
    again, odd ids, bodies and replies, clients that leave, clients that talk nonsense, one that
    reads nothing, a quiet while, then many in threads. Takes some seconds, at most 60.
    """
    return LAB.check(broker)


# ------------------------------------------------------------------ rules

FORM = (
    'A worker is given [worker, b"", client, b"", *body]: a DEALER sees all but the first frame. '
    "The rest is as it came from the client."
)
HAND_BACK = (
    "Workers answer in any order. Whose answer it is stands in the reply itself: hand its frames "
    "on as they came."
)
COUNT = "What does your broker count, at which message does that go up, and at which down?"
READ_LATE = (
    "What is read too early waits in the broker, in a list that nothing bounds. How does the "
    "broker know that somebody may hold one more, before it looks at the frontend?"
)
COMPARE = "Of all workers that may hold one more, which one holds least? What do you compare?"
LINE = (
    "A worker becomes idle with its first READY, and with the answer to the last that it holds. "
    "Does the place where you keep it say since when?"
)
ONCE = "What does your broker know of that worker already, and what becomes of it at a READY?"
ORDER = "The frontend keeps the order of what it has not been asked for yet. Who loses it?"


def as_sent(asked: str, answered: str) -> list[rules.Rule]:
    """What workers are given and clients get is what was sent; else these are broken."""
    return [rules.as_it_was_asked(asked, FORM), rules.own_answers(answered, HAND_BACK)]


def shared_out(credit: int, rule: str = "", hint: str = "") -> list[rules.Rule]:
    """Who may be given a request, and who is; one rule in place of all, where it is named."""
    return [
        rules.at_most(credit, rule or MOST, hint or COUNT),
        rules.unread(rule or UNREAD, hint or READ_LATE, credit),
        rules.fewest_outstanding(rule or FEWEST, hint or COMPARE),
        rules.longest_idle_first(rule or LONGEST, hint or LINE),
    ]


def every_rule(credit: int) -> list[rules.Rule]:
    """In the order of blame."""
    most, late, fewest, longest = shared_out(credit)
    ordered = rules.in_order(IN_ORDER, ORDER, credit)
    return [most, late, *as_sent(GIVEN, OWN), ordered, fewest, longest]


# ------------------------------------------------------------------ plays

IDS = {"w1": b"\xffz", "w2": b"otto", "w3": b"\x00\x01"}


def loads(stage: Stage) -> None:
    """Three workers, then four: they fill, empty and fill again, one step at a time.

    A step is a request, or the answer to any that any of them holds.
    """
    for name, routing_id in IDS.items():
        stage.hire(name, routing_id=routing_id)
    clients = [stage.client(name) for name in ("c1", "c2", "c3")]
    chance, number = Random(8), count(1)

    def ask() -> None:
        client = chance.choice(clients)
        client.ask(f"{client.name} asks, {next(number)}".encode())
        stage.step()

    def answer() -> None:
        who = chance.choice(list(stage.ledger.busy))
        stage.answer(who, which=chance.randrange(len(stage.ledger.busy[who])))
        stage.step()

    for likely in (0.8, 0.3, 0.8, 0.2):  # that the next step is a request
        for _ in range(4 * int(stage.credit)):
            idle = not stage.ledger.busy
            full = not stage.ledger.room(stage.credit)
            (ask if idle or (not full and chance.random() < likely) else answer)()
        if likely == 0.3:
            stage.hire("w4")
    for _ in range(2):
        while stage.ledger.busy:
            answer()
        for _ in list(stage.ledger.idle):
            ask()


def again(stage: Stage) -> None:
    """Three workers that say READY again: while they are idle, at work, and full."""
    names = ["w1", "w2", "w3"]
    stage.hire(*names)
    client, number = stage.client("c1"), count(1)

    def ready_again(who: str) -> None:
        next(peer for peer in stage.peers if peer.name == who).send(*ready.SAYS)
        stage.calm(lambda: not stage.ledger.unread)

    for held in range(int(stage.credit)):
        for who in names:
            ready_again(who)
            client.ask(b"%d held, %d" % (held, next(number)))
            stage.step()
    client.ask(b"everybody is full, %d" % next(number))
    for who in names:
        ready_again(who)
        stage.calm()
    while stage.ledger.busy:
        who = list(stage.ledger.busy)[-1]
        stage.answer(who, which=-1)
        stage.step()
        ready_again(who)
    for _ in names:
        client.ask(b"and then, %d" % next(number))
        stage.step()


def nonsense(stage: Stage) -> None:
    """Messages that are no requests; then all workers are filled, and one request is too many."""
    plays.nonsense(stage)
    client = stage.client("c4")
    for number in range(1, int(sum(stage.ledger.room(stage.credit).values())) + 2):
        client.ask(b"c4 asks, %d" % number)
    stage.step(hint=TAKEN)
    stage.calm()
    for _ in range(2):
        stage.answer_all()
        stage.step()


def work(ctx: Any, endpoint: str) -> None:
    """A worker on a DEALER: say READY, then answer what has come, the latest first."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        broker.send_multipart(ready.SAYS)
        while True:
            held = [broker.recv_multipart()]
            while broker.poll(0):
                held.append(broker.recv_multipart())
            for to in reversed(held):
                broker.send_multipart([*to[:3], *done(to[3:])])


def crowd(stage: Stage) -> None:
    """Eight clients and three workers in threads; every other client asks before it reads."""
    plays.crowd(stage, 3, [plays.ask, plays.ask_ahead] * 4)


def crew(credit: int) -> dict[str, Any]:
    """What the plays with two workers share that are there from the beginning."""
    return {"crew": [Hand("w1", routing_id=b"otto"), Hand("w2")], "credit": credit}


def served(credit: int, *more: rules.Rule) -> list[rules.Rule]:
    """What holds where workers are also given what is no request."""
    return [rules.at_most(credit, MOST, COUNT), rules.own_answers(OWN, HAND_BACK), *more]


TAKEN = (
    "Whom has your code chosen or counted by the time it sees that this is no request, and what "
    "becomes of that?"
)
READY_ASKS = plays.Case((b"from READY",), (b"yes",), zmq.DEALER, routing_id=b"READY")
CASES = [*plays.CASES, READY_ASKS]
COSTS = [rules.fewest_outstanding(ANYTHING, TAKEN), rules.longest_idle_first(ANYTHING, TAKEN)]
ANY = [*shared_out(2), *as_sent(ANYBODY, ANYBODY)]
SAFE = [rules.at_most(2, MOST, COUNT), *as_sent(GIVEN, OWN)]
AGAINS = [*shared_out(2, AGAIN, ONCE), *as_sent(GIVEN, OWN)]
WAITING = partial(ready.waiting, first=AHEAD, at_once=AHEAD, given=GIVEN, own=OWN, unread=UNREAD)
IDLE = partial(plays.quiet, idle="workers are idle, and nobody asks")
LATE = "also before a worker is there"
WAITED = "each was read when there was somebody who might have it"
FULL = {AHEAD: "three of three"}
LOADS = {
    MOST: "with credits of 1, 2 and 3",
    FEWEST: "four workers, one of them late, that answered in any order",
    LONGEST: "in whatever order they had answered",
    OWN: "in whatever order the workers answered",
}


def spread(credit: int, also: dict[str, str] | None = None) -> Play:
    """The play of many steps, with this credit."""
    given, title = f"{GIVEN}: credit {credit}", f"four workers, a credit of {credit}"
    return Play(title, loads, given, "at every step", every_rule(credit), also, credit=credit)


PLAYS = [
    Play("one client, one worker", plays.first, GIVEN, LATE, every_rule(2), credit=2),
    Play("all are full", WAITING, UNREAD, WAITED, every_rule(3), FULL, credit=3),
    spread(2),
    spread(1),
    spread(3, LOADS),
    Play("READY again", again, AGAIN, "idle, at work and full", AGAINS, credit=2),
    Play(
        "clients of all kinds",
        partial(plays.anybody, cases=CASES),
        ANYBODY,
        f"{len(CASES)} of {len(CASES)}",
        ANY,
        **crew(2),
    ),
    Play("clients that leave", plays.leavers, LEAVERS, plays.ALL_LEFT, SAFE, **crew(2)),
    Play("nonsense", nonsense, ANYTHING, plays.ALL_ODD, served(2, *COSTS), **crew(2)),
    Play("a deaf client", plays.never_reads, DEAF, plays.ALL_UNREAD, served(3), **crew(3)),
    Play("a quiet while", IDLE, GOES_ON, "also after a quiet while", every_rule(2), **crew(2)),
    Play("eight clients in threads", crowd, CROWD, "240 of 240 answers", every_rule(3), credit=3),
]

LAB = Lab(
    name="lab08",
    contract="broker(ctx, frontend, backend, credit)",
    ends={"client": "frontend", "worker": "backend"},
    reading=ready.reading,
    says=ready.SAYS,
    reply=ready.reply,
    makes_do=ready.makes_do,
    work=work,
    plays=PLAYS,
    more=lambda stage: (stage.play.credit,),
)
