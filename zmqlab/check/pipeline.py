"""What was seen of a pipeline: a learner's function, workers of the check's own, one history.

A scenario (`cast`) acts and judges nothing. Rules read its history and nothing else, in the order
of blame: each says what it found, and the first that has not passed ends the judging.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from zmqlab.envelope import show
from zmqlab.record.journal import Frames, Hop, Journal, SocketNote

from .call import Call
from .judge import together
from .report import Finding, failed, in_situation, passed, undecided

BUSY = "This may be the machine, not your code. Run it again when it has less to do."


class Mark(NamedTuple):
    """What no message says: a worker was connected, a piece of work was done."""

    time: float  # seconds on the monotonic clock
    who: str
    what: str
    value: Any = None


@dataclass
class History:
    """All that was seen of one scenario, as plain data: hand-written ones serve as well.

    marks: of the check's workers "came", "tried" (nobody was there), "connected" and "gone" (the
        other side has left, and all that it sent has been taken); and what a lab adds.
    """

    call: Call  # how the learner's function ended
    tasks: Any = ()  # what there was to do
    patience: float = 0.0  # for how long the function may wait, seconds
    problem: Finding | None = None  # why it had not simply returned when the scenario was over
    waited: float = 0.0  # for how long that was waited for in vain
    sockets: Sequence[SocketNote] = ()  # the learner's, as far as they were recorded
    own: Journal = field(default_factory=Journal)  # what passed those at the contract's endpoints
    workers: Journal = field(default_factory=Journal)  # what the check's own side saw
    marks: Sequence[Mark] = ()
    late: float = 0.0  # seconds that the machine may have kept the function from its work
    over: float = 0.0  # when the scenario was over, seconds
    ended: float = 0.0  # when the learner's Context had ended after that
    left_open: bool = False  # that Context could not be ended

    def when(self, what: str) -> dict[str, float]:
        """Who was marked so, and when it was last."""
        return {mark.who: mark.time for mark in self.marks if mark.what == what}

    def values(self, what: str) -> list[Any]:
        """What was noted with these marks, in order."""
        return [mark.value for mark in self.marks if mark.what == what]

    def received(self) -> list[Hop]:
        """What the check's side received."""
        return [hop for hop in self.workers if hop.way == "received"]

    def story(self, *frames: bytes) -> Journal:
        """What both sides saw of the messages that carry one of these frames; of all, if none."""
        return together(self.own, self.workers, frames=frames)

    def bound(self) -> str:
        """What the learner has bound, in words; "" if nothing was recorded."""
        return " and ".join(f"a {s.kind} bound at {end}" for s in self.sockets for end in s.bound)


Rule = Callable[[History], Iterable[Finding]]


def all_taken(history: History) -> bool:
    """Whether none of the check's workers can still get anything.

    Each has seen the other side leave, or has looked for it in vain after its end.
    """
    gone, connected, tried = map(history.when, ("gone", "connected", "tried"))
    return all(
        who in gone or (who not in connected and tried.get(who, 0.0) > history.ended)
        for who in history.when("came")
    )


def failed_in_time(
    history: History,
    doubtful: float,
    rule: str,
    evidence: str,
    hint: str = "",
    story: Journal | None = None,
) -> list[Finding]:
    """A rule was broken that is about time; undecided, if the machine may have broken it.

    doubtful: by how many seconds the machine has to be late to be the reason.
    """
    if history.late < doubtful:
        return [failed(rule, evidence, hint, story)]
    evidence += f"\nMeanwhile the machine was late by {history.late:.2f} s."
    return [undecided(rule, evidence, BUSY)]


def ended_well(history: History) -> list[Finding]:
    """What is wrong if the function did not return, or left something open or behind."""
    problem, waited = history.problem, history.waited
    if problem is None or not waited:
        return [problem] if problem else []
    rule, evidence, hint = problem.rule, problem.evidence, problem.hint
    return failed_in_time(history, waited / 4, rule, evidence, hint)


def closed_after_an_error(history: History) -> list[Finding]:
    """What is wrong if the function has raised and left a socket open."""
    left = history.call.sockets_left() or history.call.context_held(not history.left_open)
    return [left] if left else []


def each_once(history: History, rule: str, came: Iterable[Frames]) -> list[Finding]:
    """Each task came to a worker once, as the one frame that it was, and nothing else came."""
    tasks, got = history.tasks, Counter(came)
    wanted: Counter[Frames] = Counter((task,) for task in tasks)
    if more := list(got - wanted):
        frames = next((frames for frames in more if frames in wanted), more[0])
        evidence, hint = f"{_show(frames)} arrived {got[frames]} times.", ""
        if frames not in wanted:
            evidence = f"{_show(frames)} arrived, and was never handed in."
            hint = "A task is one message of one frame, as it was given."
        return [failed(rule, evidence, hint, history.story(*frames[:1]))]
    missing = wanted - got
    if not missing:
        return [passed(rule, f"{len(tasks)} of {len(tasks)} tasks, none twice")]
    first = next(task for task in tasks if (task,) in missing)
    evidence = f"{missing.total()} of {len(tasks)} tasks never arrived, {_show([first])} first"
    if all_taken(history):
        hint = "The workers took all that came. Was it sent, and did it leave your process?"
        return [failed(rule, evidence + ".", hint, history.story(first))]
    return [undecided(rule, f"{evidence}; a worker may still have had some on the way.")]


def _show(frames: Sequence[bytes]) -> str:
    more = f" | … ({len(frames)} frames)" if len(frames) > 3 else ""
    return show(frames[:3], "PUSH") + more


def again(situation: str, *rules: Rule) -> Rule:
    """Rules that were stated before, in another situation: one line of the report if all hold."""
    return lambda history: in_situation(situation, judged(history, rules))


def judged(history: History, rules: Iterable[Rule]) -> list[Finding]:
    """One rule after the other, up to the first that has not passed."""
    findings: list[Finding] = []
    for rule in rules:
        findings += rule(history)
        if any(finding.verdict != "passed" for finding in findings):
            break
    return findings


def broken(history: History, *rules: Rule) -> bool:
    """Whether one of these rules has not passed."""
    return any(finding.verdict != "passed" for finding in judged(history, rules))
