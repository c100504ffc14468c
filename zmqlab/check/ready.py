"""What labs on workers that say READY share: the table of the contract, and a play.

An answer makes its worker ready for one more, so that READY is said once.
"""

from __future__ import annotations

from collections.abc import Iterator

import zmq

from . import plays
from .dispatch import Answered, Asked, Event, Frames, Given, Got, Odd, Ready
from .report import Finding
from .stage import Stage

SAYS = (b"", b"READY")  # a worker that comes


def reading(role: str, way: str, who: str, frames: Frames) -> Event | None:
    """The contract's table."""
    match role, way, frames:
        case "client", "sent", (b"", *body) if body:
            return Asked(who, tuple(body))
        case "worker", "received", (b"", client, b"", *body) if client and body:
            return Given(who, (client, b""), tuple(body))
        case "worker", "sent", (b"", b"READY"):
            return Ready(who)
        case "worker", "sent", (b"", client, b"", *reply):
            return Answered(who, (client, b""), tuple(reply))
        case "client", "received", (b"", *reply):
            return Got(who, tuple(reply))
        case "client" | "worker", _, _:
            return Odd(role, who, way, frames)
    return None


def reply(to: Frames, body: Frames) -> Frames:
    """What a worker answers."""
    return (b"", *to, *body)


def makes_do(frames: Frames) -> Frames | None:
    """What a worker answers to what is no request: something, to whom the first frame names."""
    match frames:
        case (b"", client, *_) if client:
            return (b"", client, b"", b"?")
    return None


def waiting(
    stage: Stage, *, first: str, at_once: str, given: str, own: str, unread: str
) -> Iterator[Finding]:
    """More requests than two workers may hold, nearly all of one client; then come the workers.

    Each is the rule that is broken where a step does not come: the first worker is not given
    what it may hold, then the second, then whoever has answered; a client has no answer.
    """
    greedy = stage.client("c1")
    for number in range(4 + 2 * int(stage.credit)):
        greedy.ask(b"request %d" % number)
    for name in ("c2", "c3"):
        stage.client(name, zmq.REQ).ask(name.encode())
    yield plays.waits(stage, plays.QUIET / 4, "requests are waiting, and no worker is there")
    for name, rule in {"w1": first, "w2": at_once}.items():
        stage.hire(name)
        stage.step(rule)
    yield plays.waits(stage, plays.QUIET / 4, "requests are waiting, and all workers are busy")
    while stage.ledger.open:
        stage.answer("w2")
        stage.step(given)
        stage.calm()  # and no second one
    stage.answer_all()
    stage.step(own)
    plays.fill(stage, unread)
