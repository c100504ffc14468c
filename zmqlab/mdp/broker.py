"""Judge a broker: play its scenes one after the other, and start it anew when it dies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from . import broker_commands, broker_dialogue, broker_invalid, broker_mmi, broker_time
from .frames import DIALECTS, Dialect
from .outcome import (
    FAILED,
    UNDECIDED,
    Death,
    Line,
    Outcome,
    Result,
    first_broken,
    keep_worst,
    not_tried,
)
from .rules import RULES, chosen, of
from .scene import Scene
from .stage import Gone, Stage
from .subject import Fixed, Subject, somebody_at
from .table import Rule

FIRST = "7.B01"  # who fails this at the first handshake is asked nothing more
STARTS = 20.0  # seconds that a command may take until it listens
SHORT = 0.15  # seconds between heartbeats below which a busy machine is soon too slow


def check_broker(
    at: str | Subject,
    *,
    backend: str | None = None,
    dialect: str = "0.1",
    heartbeat: float | None = None,
    expiry: float | None = None,
    patience: float = 2.0,
    discover: float = 10.0,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    require: Iterable[str] = (),
    strict: bool = False,
    first: bool = False,
    limit: float = 120.0,
    progress: Callable[[str], None] = lambda title: None,
) -> Outcome:
    """What a broker of 7/MDP and 8/MMI (dialect "0.2": 18/MDP) keeps of their rules.

    at: its endpoint, or a `Subject` that is started anew when it has died. backend: where workers
    connect, if elsewhere. heartbeat, expiry: the broker's own, in seconds, where known. patience:
    seconds for what takes milliseconds. discover: seconds in which its heartbeats are to show
    their interval. only, skip: rules, or beginnings of their numbers. require: "8", where it must
    be offered. strict: a *should* counts, too. first: end with the first scene in which a rule
    that counts is broken. limit: seconds after which no further scene begins. progress: told each
    scene's title. rules.Unknown: a selection of no rule.
    """
    subject = Fixed(at, backend) if isinstance(at, str) else at
    spoken = DIALECTS[dialect]
    run = _Run(subject, spoken, chosen(of("broker", spoken), only, skip), patience, heartbeat)
    enough = partial(first_broken, strict=strict) if first else lambda results: ""
    outcome = run.play(scenes(discover, expiry), limit, progress, enough)
    outcome.strict = strict
    _leave_out_what_is_not_offered(outcome, set(require))
    return outcome


def scenes(discover: float, expiry: float | None) -> list[Scene]:
    """All scenes, in their order: what kills many brokers last."""
    beats = Scene(
        "heartbeats", partial(broker_time.heartbeats, discover=discover), ("7.B24",), "7.B24"
    )
    old = Scene(
        "a request that expires", partial(broker_time.expired, expiry=expiry), ("7.B08",), "7.B08"
    )
    in_time = broker_time.SCENES
    return [
        *broker_dialogue.SCENES,
        *broker_commands.SCENES,
        *broker_invalid.SCENES,
        *broker_mmi.MMI,
        *broker_mmi.IN_PARTS,
        old,
        beats,
        *in_time[:2],
        *broker_commands.GOODBYES,
        *broker_mmi.MMI_GOODBYE,
        *in_time[2:],
    ]


def _leave_out_what_is_not_offered(outcome: Outcome, required: set[str]) -> None:
    """Rules of 8/MMI that are undecided for want of any answer do not count, unless required."""
    for number, result in list(outcome.results.items()):
        if result.evidence != broker_mmi.NOT_OFFERED:
            continue
        if "8" in required:
            result.verdict = FAILED
        else:
            del outcome.results[number]
            note = f"- 8/MMI: {broker_mmi.NOT_OFFERED}; with --require 8 that counts"
            if note not in outcome.notes:
                outcome.notes.append(note)


class _Run:
    """One run over the scenes, with as many stages as the broker has lives."""

    def __init__(
        self,
        subject: Subject,
        dialect: Dialect,
        rules: list[Rule],
        patience: float,
        interval: float | None,
    ) -> None:
        self.subject, self.dialect, self.rules = subject, dialect, rules
        self.patience, self.interval = patience, interval
        self.selected = frozenset(rule.id for rule in rules)
        self.log: list[Line] = []
        self.began = time.monotonic()
        self.results: dict[str, Result] = {}
        self.died: list[Death] = []
        self.notes: list[str] = []
        self.late = 0.0
        self.endpoint = ""
        self.first: Result | None = None  # where not even the first request got through

    def play(
        self,
        scenes: list[Scene],
        limit: float,
        progress: Callable[[str], None],
        enough: Callable[[Iterable[Result]], str],
    ) -> Outcome:
        """Play the scenes that decide a selected rule, until one of the results is enough."""
        why, absent = "nothing was seen of it", False
        stage: Stage | None = None
        broken = ""  # the rule that was enough
        try:
            for scene in scenes:
                # The heartbeats' scene is played in any case: it measures the interval.
                if not (self.selected & {*scene.rules} or self._measures(scene)):
                    continue
                if time.monotonic() - self.began > limit:
                    why = f"the run had its {limit:g} s"
                    break
                progress(scene.title)
                if stage is None:
                    stage, why = self._begin()
                    if stage is None:
                        absent = why.startswith("nobody")
                        break
                if not self._scene(stage, scene):
                    stage.close()
                    stage = None
                    if not self.subject.restarts:
                        why = f"not tried: the broker was gone after '{scene.title}'"
                        break
                if broken := enough(self.results.values()):
                    why = f"not tried: {broken} was broken first"
                    break
            if stage is not None and not broken:
                self._end(stage)
        finally:
            if stage is not None:
                stage.close()
            self.subject.stop()
        for number, result in not_tried(self.rules, why).items():
            self.results.setdefault(number, result)
        results = {rule.id: self.results[rule.id] for rule in self.rules}
        if self.first is not None:
            results = {FIRST: self.first} | {n: r for n, r in results.items() if n != FIRST}
        if self.interval is not None and self.interval < SHORT:
            self.notes.append(
                f"- heartbeats every {self.interval * 1000:.0f} ms: on a busy machine that is too "
                "short to judge by"
            )
        return Outcome(
            f"broker at {self.endpoint}",
            results,
            self.died,
            self.interval,
            self.late,
            time.monotonic() - self.began,
            notes=self.notes,
            absent=absent,
        )

    def _measures(self, scene: Scene) -> bool:
        """Whether this scene is needed because it finds out the interval."""
        timed = self.selected & {*broker_time.TIMED, *broker_time.TIMED_02}
        return scene.rules == ("7.B24",) and bool(
            timed or any(RULES[rule].timed for rule in self.selected)
        )

    def _begin(self) -> tuple[Stage | None, str]:
        """A stage around a living broker; or None, and why there is none."""
        there = self.subject.start()
        endpoints = (there, there) if isinstance(there, str) else there
        self.endpoint = endpoints[0]
        seconds = STARTS if self.subject.restarts else STARTS / 4
        if not somebody_at(endpoints[0], seconds, self.subject):
            return None, f"nobody speaks ZMTP at {endpoints[0]}. {self.subject.why()}".strip()
        stage = Stage(
            endpoints,
            self.dialect,
            self.interval,
            self.patience,
            self.selected,
            self.log,
            self.began,
        )
        stage.other = self.subject
        try:
            stage.canary()
        except Gone:
            evidence = (
                "a worker said READY for a service and a client asked for it: the request did not "
                f"come there and the reply back. {self.subject.why()}"
            )
            # Said although other rules may have been asked for: it is why they are not tried.
            self.first = Result(RULES[FIRST], FAILED, evidence.strip(), stage.lines(FIRST))
            stage.close()
            return None, f"not tried: {FIRST} first"
        return stage, ""

    def _scene(self, stage: Stage, scene: Scene) -> bool:
        """Play one scene, once more if something came late; whether the broker still serves."""
        for again in (False, True):
            stage.begin_scene(scene.title)
            try:
                scene.play(stage)
                stage.canary()
                stage.settle()
            except Gone:
                why = self.subject.why()
                self.died.append(Death(scene.title, why))
                stage.say(scene.blame, FAILED, f"{scene.title}: it served no longer. {why}".strip())
                self._take(stage)
                return False
            except Exception as error:  # the suite's own fault is nobody else's
                for rule in scene.rules:
                    stage.say(rule, UNDECIDED, f"the suite itself failed: {error!r}")
            if not stage.excused or again:
                break
        self._take(stage)
        return True

    def _take(self, stage: Stage) -> None:
        keep_worst(self.results, stage.found.values())
        self.late = max(self.late, stage.late)
        self.interval = self.interval or stage.interval

    def _end(self, stage: Stage) -> None:
        """Look once more at whoever was to get nothing more."""
        stage.begin_scene("the end")
        if stage.interval and stage.watched:
            stage.wait(2.5 * stage.interval)
        broker_time.regular(stage)
        keep_worst(self.results, [*stage.look_again(), *stage.found.values()])
