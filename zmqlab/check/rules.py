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
    Asked,
    Dead,
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
    Silent,
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


def at_most(credit: int, rule: str, hint: str) -> Rule:
    """Nobody is given anything more while it holds so many requests that it has not answered."""

    def check(history: History) -> Broken | None:
        for ledger, event in each(history):
            match event:
                case Given(who, _, frames) | Odd("worker", who, "received", frames):
                    tasks = [task[-1] for task in ledger.busy.get(who, ())]
                    if len(tasks) < credit:
                        continue
                    evidence = (
                        f"{who} was given {brief(frames)} while it was at "
                        f"{' and '.join(map(brief, tasks))}. {ledger.crew(credit)}"
                    )
                    return Broken(rule, evidence, hint, (*frames, *tasks[0]))
        return None

    return check


def unread(
    rule: str, hint: str, credit: int = 1, says: Frames = (b"", b"READY"), beat: Frames = ()
) -> Rule:
    """A request is read only when somebody may hold one more.

    A worker's first READY makes room for so many, each of its answers for one, its heartbeats for
    none. says, beat: the frames of those.
    """

    def check(history: History) -> Broken | None:
        room, here = 0, set()
        for event in history:
            match event:
                case Read("worker", (_, *frames)) if (*frames,) == beat:
                    pass
                case Read("worker", (who, *frames)) if (*frames,) == says:
                    room += 0 if who in here else credit
                    here.add(who)
                case Read("worker"):
                    room += 1
                case Read("client", frames):
                    room -= 1
                    if room < 0:
                        nobody = "was idle" if credit == 1 else "could hold one more"
                        evidence = f"The broker read {show(frames)} while no worker {nobody}."
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
            case Silent(who) | Dead(who):
                idle.pop(who, None)
        ledger.note(event)
        match event:
            case Ready(who) | Answered(who) if ledger.idle.get(who) == now:
                idle[who] = Turn(who, now)
    return [*ended, *idle.values()]


def longest_idle_first(rule: str, hint: str) -> Rule:
    """Nobody is passed over who has certainly been idle longer than who is chosen.

    Certain is: the broker knew of the one before the request was asked and before the other
    became idle, and gave it nothing until after the other had got the request: what it got next
    had not been asked by then.
    """

    def check(history: History) -> Broken | None:
        everybody = turns(history)
        under_way = _under_way(history)
        for chosen in everybody:
            if chosen.request is None:
                continue
            for other in everybody:
                if other.known < min(chosen.since, chosen.request.at) and _passed_over(
                    other, chosen, under_way
                ):
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


def _under_way(history: History) -> float:
    """The earliest place of what may still be on its way to a worker."""
    last = Ledger(history)
    odd = [n for n, e in enumerate(history) if isinstance(e, Odd) and e.way == "sent"]
    return min([*odd, *(request.at for request in (*last.open, *last.gone))], default=math.inf)


def _passed_over(other: Turn, chosen: Turn, under_way: float) -> bool:
    """Whether somebody who was in the queue got nothing before another was given this."""
    if other.until < chosen.until:
        return False
    if other.until == math.inf:
        return under_way > chosen.until
    return other.request is not None and other.request.at > chosen.until


def fewest_outstanding(rule: str, hint: str) -> Rule:
    """Nobody is given a request who certainly holds more than somebody else.

    The one holds at least what has come to it and is not answered. The other holds at most what
    was sent to it by then, without the answers that the broker knew when the request was asked.
    """

    def check(history: History) -> Broken | None:
        came: dict[str, list[tuple[int, float]]] = {}  # by worker: when, and when that was asked
        known: dict[str, int] = {}  # by worker that the broker knows of: answers that it has read
        knew: dict[int, dict[str, int]] = {}  # the same when a request was asked, by its place
        answers: dict[int, int] = {}  # how many a worker had sent, by the place of the last
        given: list[tuple[int, str, int, Request]] = []
        for ledger, event in each(history):
            now = ledger.now + 1
            match event:
                case Asked():
                    knew[now] = dict(known)
                case Read("worker") if ledger.unread <= 1:
                    known = {who: len(came.get(who, ())) - n for who, n in ledger.held().items()}
                case Answered(who):
                    answers[now] = len(came.get(who, ())) - len(ledger.busy.get(who, ())) + 1
                case Got(who, body) if due := ledger.expected(who, body):
                    known[due.worker] = max(known.get(due.worker, 0), answers[due.at])
                case Given(who) | Odd("worker", who, "received"):
                    request = ledger.request(event.body) if isinstance(event, Given) else None
                    if request is not None:
                        given.append((now, who, len(ledger.busy.get(who, ())), request))
                    came.setdefault(who, []).append((now, request.at if request else -1))
        under_way = _under_way(history)
        for now, who, holds, request in given:
            for other, read in knew.get(request.at, {}).items():
                most = _sent(came.get(other, []), now, under_way) - read
                if most < holds:
                    evidence = (
                        f"{who} was given {brief(request.body)}. It held {holds}, and {other} held "
                        f"{most:g}."
                    )
                    return Broken(rule, evidence, hint, request.body[:1])
        return None

    return check


def _sent(came: list[tuple[int, float]], now: int, under_way: float) -> float:
    """How many messages the broker had at most sent to a worker by now, of those that came to it.

    came: when each did, and when it had been asked. What comes after one that had not been asked
    by now was not sent by now.
    """
    for number, (at, asked) in enumerate(came):
        if at > now and asked > now:
            return number
    return len(came) if under_way > now else math.inf


def in_order(rule: str, hint: str, credit: int = 1) -> Rule:
    """The requests of one client are given out in the order in which it sent them.

    With everybody full, what no worker has got has not been given out; what one worker gets, it
    was given in that order. Of workers that are idle together, who has been so for longer gets
    what was sent earlier.
    """

    def check(history: History) -> Broken | None:
        latest: dict[str, Request] = {}  # by client, of what was given out
        to_one: dict[tuple[str, str], Request] = {}  # by worker and client
        ledger = Ledger()
        for event in history:
            behind: list[tuple[Request, Request]] = []  # a request, and a later one before it
            if isinstance(event, Given) and (request := ledger.request(event.body)):
                behind.append((request, to_one.get((event.who, request.who), request)))
                to_one[event.who, request.who] = request
                latest[request.who] = max(
                    request, latest.get(request.who, request), key=lambda one: one.at
                )
            ledger.note(event)
            if ledger.busy and not ledger.room(credit):
                behind += [(one, latest.get(one.who, one)) for one in ledger.open]
            for request, later in behind:
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
            crossed = first.at < second.at < one.until and one.since < other.until
            if crossed and other.known < min(first.at, one.since) and first.who == second.who:
                yield (first, one.who), (second, other.who)
