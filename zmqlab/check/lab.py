"""A lab whose subject is a broker, on a page: how its messages are read, its rules, its plays."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import zmq

from zmqlab.wire.faults import Fault

from .dispatch import Event, Frames
from .judge import Scenario, judge
from .report import Finding, Report, passed
from .rules import Rule
from .stage import ENDS, LIMIT, Stage, Wrong
from .subject import Function, Subject

Plan = Callable[[int, str, int], Fault | None]  # a plan of faults, such as Faults(seed=6, cut=0.1)


class Pulse(NamedTuple):
    """How often peers say that they are there, and how long they may be silent."""

    interval: float  # seconds
    liveness: int  # intervals

    @property
    def patience(self) -> float:
        """Seconds of silence after which a peer counts as dead."""
        return self.interval * self.liveness


class Hand(NamedTuple):
    """A worker that is there from the beginning of a play."""

    name: str
    kind: int = zmq.DEALER
    routing_id: bytes = b""


@dataclass(frozen=True)
class Play:
    """One scenario of a lab.

    crew: workers that come first. script: what the peers do, step by step, with
    findings of its own if it has some.
    promise: the rule that is broken when a step of it does not come; evidence: said if all do.
    rules: hold over its whole history, in the order of blame. also: reported as kept as well.
    faults: a plan for the links between the peers and the subject.
    credit: how many requests a worker may hold.
    pulse: of the heartbeats, where peers send them.
    """

    title: str
    script: Callable[[Any], Iterable[Finding] | None]  # of the stage of its lab
    promise: str
    evidence: str
    rules: Sequence[Rule] = ()
    also: Mapping[str, str] | None = None
    crew: Sequence[Hand] = ()
    faults: Plan | None = None
    credit: int = 1
    pulse: Pulse | None = None


@dataclass(frozen=True)
class Lab:
    """What a lab on a broker adds to a stage: its words, and its plays.

    ends: the endpoint at which each role speaks to the subject, in the order of its arguments.
    reading: role, way, who, frames on the wire → the event that this is; None: of no interest.
    says: what a worker says when it comes, on the wire; (): nothing.
    reply: address and body → what a worker answers on the wire.
    makes_do: what a worker answers to what is no request; None: nothing.
    work: a worker in a thread, `work(ctx, endpoint)`.
    to_anybody: a request goes to a worker at once, idle or not.
    more: what the subject is given behind its endpoints, made for each play.
    stage: what a play is played on.
    """

    name: str
    contract: str
    ends: Mapping[str, str]
    reading: Callable[[str, str, str, Frames], Event | None]
    says: Frames
    reply: Callable[[Frames, Frames], Frames]
    makes_do: Callable[[Frames], Frames | None]
    work: Callable[..., None]
    plays: Sequence[Play]
    to_anybody: bool = False
    more: Callable[[Any], tuple[Any, ...]] = lambda stage: ()
    stage: Callable[..., Stage] = Stage

    def check(self, function: Any) -> Report:
        """Judge a learner's function."""
        deadline = time.monotonic() + LIMIT

        def run(play: Play, function: Any) -> list[Finding]:
            return self.perform(play, lambda: Function("broker", function), deadline)

        scenarios = [Scenario(play.title, partial(run, play)) for play in self.plays]
        return judge(self.name, {self.contract: function}, scenarios)

    def perform(
        self, play: Play, make: Callable[[], Subject], deadline: float = math.inf
    ) -> list[Finding]:
        """The findings of one play with a subject that is made for it.

        deadline: when the check's time is over, seconds on the monotonic clock.
        """
        with self.stage(self, play, make, deadline) as stage:
            try:
                for name, kind, routing_id in play.crew:
                    stage.hire(name, kind=kind, routing_id=routing_id)
                found = list(play.script(stage) or ())
                stage.judge()
                stage.end()
            except Wrong as wrong:
                return stage.excused(wrong.findings)
        kept = {play.promise: play.evidence} | dict(play.also or {})
        if play is self.plays[0]:
            kept[ENDS.replace("broker", stage.subject.name)] = "and not before"
        return [*found, *(passed(rule, evidence) for rule, evidence in kept.items())]
