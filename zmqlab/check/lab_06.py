"""Lab 06: a broker that carries requests and answers, and says what it could not deliver."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import Any

import zmq

from zmqlab.envelope import as_frames

from . import lab_05, losses, plays
from .chronicle import in_short
from .dispatch import Frames, Gone, Lost
from .lab import Play
from .losses import FULL, GONE
from .report import Report
from .stage import GOES_ON, Stage
from .subject import Function

FORM = f'lost is called with a routing id, a list of frames, and "{GONE}" or "{FULL}"'
SENT = "what is reported is a reply that a worker has sent: its client, and all frames behind that"
ONCE = "each reply is reported once, or it arrives"
WHY = f'"{GONE}" is a client that has left, "{FULL}" one that is there and does not read'
TOLD = "a reply for a client that has left is reported"
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
    try:
        (client,) = as_frames([client], "client")
        frames = as_frames(reply, "reply")
    except TypeError as error:
        return Lost("", b"", (), "", f"{error}.".replace("client[0]", "client"))
    return Lost(stage.chronicle.named(client), client, tuple(map(in_short, frames)), why, fault)


# ------------------------------------------------------------------ rules

SAID = [
    losses.said_as_agreed(
        FORM, "The client is one frame, the reply a list of frames; both are bytes."
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
    "raise instead?"
)
LIMITED = "How many replies does a queue hold, and what happens to the next one, line by line?"

# ------------------------------------------------------------------ plays

STAYS = b"otto"
QUEUE = {"rcvhwm": 50, "rcvbuf": 65_536}  # of who reads late: it holds few, and is soon empty
STRAY = (b"first", STAYS, b"", b"for nobody")  # its end has the form of a message to who stays

LEAVERS: list[tuple[list[Frames], dict[str, Any]]] = [
    ([(b"one",)], {}),
    ([(b"with a number",)], {"kind": zmq.REQ, "req_correlate": 1}),
    ([(b"one of three",), (b"two of three",), (b"three of three",)], {}),
    ([(b"two frames", b"")], {}),
    ([STRAY], {}),
]


def leave(stage: Stage) -> None:
    """Clients that have left when their replies come, one after the other, and one that stays."""
    stays = stage.client("c0", routing_id=STAYS)
    for number, (bodies, options) in enumerate(LEAVERS, 1):
        leaver = stage.client(f"c{number}", routing_id=b"\xff\xfe%d" % number, **options)
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


def late(stage: Stage) -> None:
    """A client that asks and asks, and reads when all has been answered; then it asks again."""
    client = stage.client("c1", routing_id=b"\xfflate", **QUEUE)
    client.reads = False  # for now; what it asks is known all the same
    plays.ask_on(stage, client, lambda body: (*body, b"." * len(plays.LARGE)), within=3.0)
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
        {SENT: "seven of seven", ONCE: "seven of seven"},
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
        partial(plays.quiet, idle="no request", seconds=plays.QUIET / 2),
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
