"""Rules about what a broker says that it could not deliver: over a whole history, as in `rules`.

They judge only what is certain. How many replies a queue takes is not: the system has buffers of
its own, and a queue that was full may have room again. It certainly has for a reply that was sent
when its client had all earlier ones. And a client is certainly there as long as it has not left.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from zmqlab.envelope import show_frame

from .dispatch import (
    Answered,
    Asked,
    Frames,
    Given,
    Got,
    History,
    Left,
    Lost,
    Odd,
    behind,
    brief,
)
from .rules import Broken, Rule

GONE, FULL = "gone", "full"


@dataclass
class Reply:
    """What a worker has sent to a client, and what has become of it."""

    worker: str
    address: bytes  # as the worker wrote it
    who: str  # whose request it answers; "" if it answers none
    frames: Frames  # behind the address
    alone: bool = False  # whether its client had all earlier ones when it was sent
    fate: str = ""  # "has arrived" or "was reported …"; "": neither is known

    def is_for(self, said: Lost) -> bool:
        """Whether it goes to the client of which this was said."""
        return said.client == self.address or said.who == self.who != ""

    def __str__(self) -> str:
        return f"{brief(self.frames)} for {self.who or show_frame(self.address)}"


def followed(history: History) -> Iterator[tuple[int, Lost | Got, Reply | None, list[Reply]]]:
    """Each report and each answer that came: its place, the reply that it is about, all so far.

    Of several that are alike it is about one without a fate, if there is one; the fate is as it
    was before. None: no worker has sent it.
    """
    asked: dict[Frames, str] = {}  # who has asked this
    given: dict[tuple[str, Frames], str] = {}  # by worker and address: who has asked that
    replies: list[Reply] = []
    alike: defaultdict[Frames, list[Reply]] = defaultdict(list)  # by their bodies
    under_way: Counter[str] = Counter()  # by client
    for now, event in enumerate(history):
        match event:
            case Asked(who, body):
                asked[body] = who
            case Given(worker, to, body):
                given[worker, to] = asked.get(body, "")
            case Answered(worker, (address, *route), body):
                who = given.get((worker, event.to), "")
                reply = Reply(worker, address, who, (*route, *body), not under_way[who])
                replies.append(reply)
                alike[body].append(reply)
                under_way[who] += 1
            case Odd("worker", worker, "sent", (address, *rest)):
                replies.append(Reply(worker, address, "", tuple(rest)))
                alike[behind(tuple(rest))].append(replies[-1])
            case Got(who, body) | Lost(who, _, body):
                if isinstance(event, Lost):
                    fits = [r for r in alike[behind(body)] if r.frames == body and r.is_for(event)]
                    fate = f'was reported as "{event.why}"'
                else:
                    fits = [r for r in alike[body] if r.who == who]
                    fate = "has arrived"
                about = min(fits, key=lambda reply: reply.fate != "", default=None)
                yield now, event, about, replies
                if about is not None and not about.fate:
                    about.fate = fate
                    under_way[about.who] -= 1


def said_as_agreed(rule: str, hint: str) -> Rule:
    """A report has the form of the contract."""

    def check(history: History) -> Broken | None:
        for event in history:
            if isinstance(event, Lost) and event.fault:
                return Broken(rule, event.fault, hint)
        return None

    return check


def as_it_was_answered(rule: str, hint: str) -> Rule:
    """What is reported is what a worker has sent: these frames, to this client."""

    def check(history: History) -> Broken | None:
        for _, event, about, replies in followed(history):
            if isinstance(event, Lost) and about is None:
                said = Reply("", event.client, event.who, event.reply)
                evidence, frames = f"Reported was {said}.", said.frames
                open_ones = [reply for reply in replies if not reply.fate]
                meant = [r for r in replies if behind(r.frames) == behind(said.frames)]
                meant += [reply for reply in open_ones if reply.is_for(event)]
                for sent in [*meant, *open_ones][:1]:
                    evidence += f"\n{sent.worker} had sent {sent}."
                    frames = (*frames, *sent.frames)
                return Broken(rule, evidence, hint, frames)
        return None

    return check


def either_or(rule: str, hint: str) -> Rule:
    """A reply is reported once, or it arrives."""

    def check(history: History) -> Broken | None:
        for _, event, about, _ in followed(history):
            if about is None or not about.fate:
                continue
            if isinstance(event, Lost) or about.fate != "has arrived":
                then = f'was reported as "{event.why}"' if isinstance(event, Lost) else "arrived"
                evidence = f"The reply {about} {about.fate}, and then {then}."
                return Broken(rule, evidence, hint, about.frames)
        return None

    return check


def why_it_is_lost(rule: str, hint: str) -> Rule:
    """Who has gone has left before; whose queue is full had not all earlier replies."""

    def check(history: History) -> Broken | None:
        left = {event.who: at for at, event in enumerate(history) if isinstance(event, Left)}
        for now, event, about, _ in followed(history):
            if not isinstance(event, Lost) or about is None or not about.who:
                continue
            there = left.get(about.who, now) >= now
            if event.why == GONE and there:
                seen = f"{about.who} had not left"
            elif event.why == FULL and about.alone:
                had = "had read all earlier ones, and its queue was empty"
                seen = f"{about.who} {had if there else 'had left, and nothing was in its queue'}"
            else:
                continue
            evidence = f'The reply {about} was reported as "{event.why}". {seen}.'
            return Broken(rule, evidence, hint, event.reply)
        return None

    return check
