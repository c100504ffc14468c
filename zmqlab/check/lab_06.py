"""Lab 06: a broker that carries requests and answers, and says what it could not deliver."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import zmq

from . import lab_05, losses, plays
from .chronicle import in_short
from .dispatch import Frames, Gone, Lost
from .lab import Play
from .losses import FULL, GONE
from .report import Finding, Report
from .stage import GOES_ON, Stage
from .subject import Function

FORM = f'lost is called with a routing id, a list of frames, and "{GONE}" or "{FULL}"'
SENT = "what is reported is a reply that a worker has sent: its client, and all frames behind that"
ONCE = "each reply is reported once, or it arrives"
WHY = f'"{GONE}" is a client that has left, "{FULL}" one that is there and does not read'
TOLD = "a reply for a client that has left is reported"
BACK = "a client that comes back under its routing id gets its replies"
OTHERS = "a client that does not read its answers stops nobody else"
WORD = "every reply for a client that reads late arrives or is reported"
AGAIN = "a client that has read what was waiting gets the next replies"


def lab06(broker: Any) -> Report:
    """Check `broker(ctx, frontend, backend, lost)`.

    The clients and workers of lab 05, at whose odd messages and with whose odd names nothing is
    lost; clients that have left before their replies; one that reads nothing for a while, then
    all. Each call of `lost` is held against what workers sent and clients got. Takes some
    seconds, at most 60.
    """
    return LAB.check(broker)


def told(stage: Stage) -> tuple[Any, ...]:
    """What the broker is given last: `lost`, which notes that it was called."""

    def lost(client: Any, reply: Any, why: Any) -> None:
        stage.mark(_said(stage, client, reply, why))

    return (lost,)


def _said(stage: Stage, client: Any, reply: Any, why: Any) -> Lost:
    fault = ""
    subject = stage.subject
    if why not in (GONE, FULL):
        fault = f'Why it is lost was {why!r:.80}, in place of "{GONE}" or "{FULL}".'
    if isinstance(subject, Function) and threading.current_thread() is not subject.call.thread:
        fault = f"It was called in the thread {threading.current_thread().name}."
    if other := _of_another_type(client, reply):
        return Lost("", b"", (), "", other)
    return Lost(stage.chronicle.named(client), client, tuple(map(in_short, reply)), why, fault)


def _of_another_type(client: Any, reply: Any) -> str:
    """What is not of the contract's type, in words; "" if all is."""
    if not isinstance(reply, list):
        return f"The reply is a {type(reply).__name__}, in place of a list of frames."
    for what, frame in [("client", client), *((f"reply[{n}]", f) for n, f in enumerate(reply))]:
        if not isinstance(frame, bytes):
            return f"{what} is a {type(frame).__name__}, in place of bytes."
    return ""


# ------------------------------------------------------------------ rules

SAID = [
    losses.said_as_agreed(
        FORM,
        "The client is bytes, the reply a list of bytes. `lost` is called in the thread in which "
        "the broker runs.",
    ),
    losses.as_it_was_answered(
        SENT,
        "The worker's message is the routing id and the reply behind it. What of it does your "
        "code still have when the send raises?",
    ),
    losses.either_or(
        ONCE,
        "After an error nothing of the message has been sent. How often can one reply come to the "
        "line that reports it, and what happens to the reply after that?",
    ),
    losses.why_it_is_lost(
        WHY,
        "Two errors, two reasons: what is the `errno` of each? And can the answer be known "
        "without trying?",
    ),
]
RULES = [*SAID, *lab_05.RULES]
TELLS = (
    "What does a ROUTER do with a message for somebody who is not there, and how is it made to "
    "raise instead? And if two replies are alike?"
)
RETURNS = "Who has left may come back. What does your broker keep of it that is not true any more?"
LIMITED = "How many replies does a queue hold, and what happens to the next one, line by line?"

# ------------------------------------------------------------------ plays

STAYS = b"otto"
QUEUE = {"rcvhwm": 50, "rcvbuf": 65_536}  # of who reads late: it holds few, and is soon empty
STRAY = (b"first", STAYS, b"", b"for nobody")  # its end has the form of a message to who stays

LEAVERS: list[tuple[list[Frames], dict[str, Any]]] = [
    ([(b"one",)], {}),
    ([(b"with a number",)], {"kind": zmq.REQ, "req_correlate": 1}),
    ([(b"one of three",), (b"again, of three",), (b"again, of three",)], {}),  # two are alike
    ([(b"two frames", b"")], {}),
    ([STRAY], {}),
]


def left_under(number: int) -> bytes:
    """The routing id of who leaves as this one, from 1 on."""
    return b"\xff\xfe%d" % number


def leave(stage: Stage) -> None:
    """Clients that have left when their replies come; one that stays, and one that comes back."""
    stays = stage.client("c0", routing_id=STAYS)
    for number, (bodies, options) in enumerate(LEAVERS, 1):
        leaver = stage.client(f"c{number}", routing_id=left_under(number), **options)
        for body in bodies:
            leaver.ask(*body)
        stage.step(lab_05.ARRIVES)
        leaver.leave()
        stage.calm()  # the broker's ROUTER has noticed
        stage.mark(Gone(leaver.name))
        while stage.ledger.busy:
            body = stage.ledger.busy["w1"][0][-1]
            stage.answer("w1", *body)
            stage.step(hint=TELLS)
        stays.ask(b"%d have left" % number)
        plays.round_trip(stage, lab_05.ARRIVES)
    back = stage.client(f"c{len(LEAVERS) + 1}", routing_id=left_under(1))
    back.ask(b"c1 is back")
    stage.step(BACK, RETURNS)
    stage.answer_all()
    stage.step(BACK, RETURNS)


def late(stage: Stage) -> Iterator[Finding]:
    """A client that asks and asks, and reads when all has been answered; then it asks again."""
    client = stage.client("c1", routing_id=b"\xfflate", **QUEUE)
    client.reads = False  # for now; what it asks is known all the same
    plays.ask_on(stage, client, lambda body: (*body, b"." * len(plays.LARGE)), within=3.0)
    yield plays.waits(stage, plays.QUIET / 4, "replies wait for a client that does not read")
    client.reads = True
    size: tuple[int, ...] = ()
    while size != (size := stage.chronicle.size):  # to look at all that at each turn takes long
        stage.settle()
    stage.step(WORD, LIMITED)
    client.ask(b"again")
    stage.step(AGAIN)


def crowd(stage: Stage) -> None:
    """Twelve clients and three workers in threads, each with one question at a time."""
    plays.crowd(stage, 3, [plays.ask] * 12)


PLAYS = [
    *(replace(play, rules=[*SAID, *play.rules]) for play in lab_05.CARRIES),
    Play(
        "clients that have left",
        leave,
        TOLD,
        "seven of seven",
        RULES,
        {SENT: "seven of seven", ONCE: "seven of seven", BACK: "it does"},
        crew=lab_05.ONE,
    ),
    Play(
        "a client that reads late",
        late,
        OTHERS,
        f"it left {plays.UNREAD} answers unread",
        [*SAID, *lab_05.OWNED],
        {WORD: f"{plays.UNREAD} of {plays.UNREAD}", AGAIN: "it does", WHY: "each time"},
        crew=lab_05.ONE,
    ),
    Play(
        "a quiet while",
        partial(plays.quiet, idle="no request", seconds=plays.QUIET / 4),
        GOES_ON,
        "also after a quiet while",
        RULES,
        crew=lab_05.ONE,
    ),
    Play("twelve clients in threads", crowd, lab_05.CROWD, "360 of 360 answers", RULES),
]

LAB = replace(
    lab_05.LAB,
    name="lab06",
    contract="broker(ctx, frontend, backend, lost)",
    plays=PLAYS,
    more=told,
)
