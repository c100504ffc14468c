"""Rules of dispatch: each looks at a whole history and says what breaks it, if anything. Pure.

A rule judges only what is certain. Messages to different peers may overtake each other, so that
one arrived before another does not say that it was sent before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from zmqlab.envelope import show

from .dispatch import (
    Answered,
    Event,
    Frames,
    Given,
    Got,
    History,
    Ledger,
    Odd,
    Read,
    Ready,
    Request,
    brief,
)


class Broken(NamedTuple):
    """A rule that was broken: what was seen, where to look, the frames of the messages in it."""

    rule: str
    evidence: str
    hint: str = ""
    frames: Frames = ()


Rule = Callable[[History], Broken | None]


def each(history: History) -> Iterator[tuple[Ledger, Event]]:
    """Each event with the ledger as it was before it."""
    ledger = Ledger()
    for event in history:
        yield ledger, event
        ledger.note(event)


def as_it_was_asked(rule: str, hint: str) -> Rule:
    """What a worker is given is a request that a client has sent and nobody was given yet."""

    def check(history: History) -> Broken | None:
        before: dict[Frames, str] = {}  # who was given this body
        for ledger, event in each(history):
            match event:
                case Given(who, _, body) if ledger.request(body) is None:
                    waiting = " and ".join(brief(ask.body) for ask in ledger.open[:3]) or "none"
                    evidence = f"{who} was given {brief(body)}.\nRequests waiting: {waiting}."
                    if body in before:
                        evidence += f"\n{before[body]} had been given it before: it goes out once."
                    asked = [frame for ask in ledger.open[:3] for frame in ask.body[:1]]
                    return Broken(rule, evidence, hint, (*body, *asked))
                case Given(who, _, body):
                    before[body] = who
                case Odd("worker", who, "received", frames):
                    evidence = f"{who} got {brief(frames)}, which has not the form of a request."
                    return Broken(rule, evidence, hint, frames)
        return None

    return check


def own_answers(rule: str, hint: str) -> Rule:
    """Every client gets what a worker answered to its own question, once.

    Nothing is said of what a client gets that has also sent what is no request.
    """

    def check(history: History) -> Broken | None:
        had: set[tuple[str, Frames]] = set()
        for ledger, event in each(history):
            match event:
                case Got(who, body) if who not in ledger.odd:
                    if ledger.expected(who, body) is None:
                        evidence, frames = _not_its_own(ledger, who, body, (who, body) in had)
                        return Broken(rule, evidence, hint, frames)
                    had.add((who, body))
                case Odd("client", who, "received", frames) if who not in ledger.odd:
                    evidence = f"{who} got {brief(frames)}, which has not the form of an answer."
                    return Broken(rule, evidence, hint, frames)
        return None

    return check


def _not_its_own(ledger: Ledger, who: str, body: Frames, again: bool) -> tuple[str, Frames]:
    """Evidence, and frames of its messages, for an answer that this client should not have got."""
    questions = ledger.asked.get(who, [])
    asked = " and ".join(map(brief, questions[:3])) or "nothing more"
    evidence = f"{who} had asked {asked}, and got {brief(body)}."
    frames = (*body, *(frame for question in questions[:1] for frame in question))
    if again:
        return f"{evidence}\nIt had got that before: an answer goes out once.", body
    for due in ledger.due:
        owner = next((c for c, bodies in ledger.asked.items() if due.body in bodies), "")
        if due.answer == body and owner:
            its = f"That is the answer to {brief(due.body)}, which {owner} had asked."
            return f"{evidence}\n{its}", (*frames, *due.body)
    answers = " and ".join(brief(due.answer) for due in ledger.due[:3])
    return evidence + (f"\nThe workers had answered {answers}." if answers else ""), frames


def one_at_a_time(rule: str, hint: str) -> Rule:
    """Nobody is given anything more before it has answered."""

    def check(history: History) -> Broken | None:
        for ledger, event in each(history):
            match event:
                case Given(who, _, frames) | Odd("worker", who, "received", frames):
                    if not (tasks := ledger.busy.get(who)):
                        continue
                    evidence = (
                        f"{who} was given {brief(frames)} while it was at {brief(tasks[0][-1])}. "
                        f"Idle: {', '.join(ledger.idle) or 'nobody'}."
                    )
                    return Broken(rule, evidence, hint, (*frames, *tasks[0][-1]))
        return None

    return check


def unread(rule: str, hint: str) -> Rule:
    """A request is read only when a worker is idle: after a READY or an answer for each."""

    def check(history: History) -> Broken | None:
        idle = 0
        for event in history:
            match event:
                case Read("worker"):
                    idle += 1
                case Read("client", frames):
                    idle -= 1
                    if idle < 0:
                        evidence = f"The broker read {show(frames)} while no worker was idle."
                        return Broken(rule, evidence, hint, frames[1:])
        return None

    return check


@dataclass
class Turn:
    """A worker is idle: since when, from when on the broker knows it, and what ends it.

    All are places in the history; `known` is infinite where it is not certain.
    """

    who: str
    since: int
    known: float = math.inf
    until: float = math.inf  # the next message that the worker gets
    request: Request | None = None  # which is this request; None: it is none


def turns(history: History) -> list[Turn]:
    """All turns, in the order in which they ended; those that have not come last.

    The broker knows of a worker when the client has the answer that made it idle, or when it has
    read all that workers have sent.
    """
    ledger = Ledger()
    ended: list[Turn] = []
    idle: dict[str, Turn] = {}
    for now, event in enumerate(history):
        match event:
            case Read("worker") if ledger.unread <= 1:
                for turn in idle.values():
                    turn.known = min(turn.known, now)
            case Got(who, body) if due := ledger.expected(who, body):
                freed = idle.get(due.worker)
                if freed is not None and freed.since == due.at:
                    freed.known = min(freed.known, now)
            case Given(who) | Odd("worker", who, "received") if who in idle:
                turn = idle.pop(who)
                turn.until = now
                turn.request = ledger.request(event.body) if isinstance(event, Given) else None
                ended.append(turn)
        ledger.note(event)
        match event:
            case Ready(who) | Answered(who) if ledger.idle.get(who) == now:
                idle[who] = Turn(who, now)
    return [*ended, *idle.values()]


def longest_idle_first(rule: str, hint: str) -> Rule:
    """Nobody is passed over who has certainly been idle longer than who is chosen.

    Certain is: the broker knew of the one before the other became idle, and gave it nothing until
    after the other had got the request: what it got next had not been asked by then.
    """

    def check(history: History) -> Broken | None:
        everybody = turns(history)
        last = Ledger(history)
        odd = [n for n, e in enumerate(history) if isinstance(e, Odd) and e.way == "sent"]
        under_way = min(
            [*odd, *(request.at for request in (*last.open, *last.gone))], default=math.inf
        )
        for chosen in everybody:
            if chosen.request is None:
                continue
            for other in everybody:
                if other.known < chosen.since and _passed_over(other, chosen, under_way):
                    line = sorted(
                        (t for t in everybody if t.since < chosen.until <= t.until),
                        key=lambda turn: turn.since,
                    )
                    names = ", ".join(turn.who for turn in line)
                    evidence = (
                        f"Idle were, the longest first: {names}. The request "
                        f"{brief(chosen.request.body)} went to {chosen.who}."
                    )
                    return Broken(rule, evidence, hint, chosen.request.body[:1])
        return None

    return check


def _passed_over(other: Turn, chosen: Turn, under_way: float) -> bool:
    """Whether somebody who was in the queue got nothing before another was given this.

    under_way: the earliest place of what may still be on its way to a worker.
    """
    if other.until < chosen.until:
        return False
    if other.until == math.inf:
        return under_way > chosen.until
    return other.request is not None and other.request.at > chosen.until


def in_order(rule: str, hint: str) -> Rule:
    """The requests of one client are given out in the order in which it sent them.

    With nobody idle, what no worker has got has not been given out. Of workers that are idle
    together, who has been so for longer gets what was sent earlier.
    """

    def check(history: History) -> Broken | None:
        latest: dict[str, Request] = {}  # by client, of what was given out
        ledger = Ledger()
        for event in history:
            if isinstance(event, Given) and (request := ledger.request(event.body)):
                latest[request.who] = max(
                    request, latest.get(request.who, request), key=lambda one: one.at
                )
            ledger.note(event)
            for request in ledger.open if ledger.busy and not ledger.idle else ():
                later = latest.get(request.who, request)
                if request.at < later.at:
                    evidence = (
                        f"{request.who} had sent {brief(request.body)} before "
                        f"{brief(later.body)}. This went out, and that was waiting."
                    )
                    return Broken(rule, evidence, hint, (*request.body[:1], *later.body[:1]))
        for (first, one), (second, other) in _crossed(history):
            evidence = (
                f"{first.who} had sent {brief(first.body)} before {brief(second.body)}. Idle "
                f"were, the longest first: {other}, {one}. This went to {other}, and that to {one}."
            )
            return Broken(rule, evidence, hint, (*first.body[:1], *second.body[:1]))
        return None

    return check


def _crossed(history: History) -> Iterator[tuple[tuple[Request, str], tuple[Request, str]]]:
    """An earlier request and who got it, a later one and who got that though longer idle."""
    ended = [(turn, turn.request) for turn in turns(history) if turn.request is not None]
    for one, first in ended:
        for other, second in ended:
            crossed = first.at < second.at < one.until and other.known < one.since < other.until
            if crossed and first.who == second.who:
                yield (first, one.who), (second, other.who)
