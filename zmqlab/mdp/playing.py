"""What every role of the suite has: its messages, its loop, and what it has seen of the rules."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from .frames import HEARTBEAT, Dialect
from .outcome import FAILED, PASSED, UNDECIDED, Line, Result, keep_worst
from .rules import RULES

LINES = 8  # messages that are shown with a result
BEAT = 0.1  # seconds between the suite's heartbeats while the other's interval is not known
FORGIVEN = 2.0  # intervals by which a heartbeat may be late before failures count no more
STEP = 0.01  # seconds that a step waits at most
LAST = 0.1  # seconds that what has ended is waited for: what it sent may be under way


class Playing(ABC):
    """A part that the suite plays, in one thread: `step` is its loop, scene after scene.

    What it waits for has its patience by `now`, a clock that stands still while this process waits
    for the processor: on a busy machine all that is looked at has to wait, too.

    interval: seconds between heartbeats; None: not known yet. patience: seconds for an answer.
    selected: the rules that are asked for. found: what was seen of them.
    """

    interval: float | None

    def __init__(
        self,
        dialect: Dialect,
        selected: frozenset[str],
        log: list[Line],
        began: float,
        patience: float,
    ) -> None:
        self.dialect, self.selected, self.patience = dialect, selected, patience
        self.log, self.began = log, began
        self.found: dict[str, Result] = {}
        self.other: object = None  # what is under test; it may say that it is `over`
        self.latest = 0.0  # seconds by which a heartbeat of the suite came late at all, at most
        self.lost = 0.0  # seconds in which this process waited for the processor
        self.begin_scene("the beginning")

    # ---- the loop

    @abstractmethod
    def take_in(self, seconds: float) -> None:
        """Heartbeat where it is due, and take in what comes; wait for it so long at most."""

    def step(self, seconds: float = STEP) -> None:
        """Take in what comes, and note by how much longer that took than it was to."""
        began = time.monotonic()
        self.take_in(seconds)
        self.lost += max(0.0, time.monotonic() - began - seconds)

    @property
    def now(self) -> float:
        """Seconds, the time that was lost left out."""
        return time.monotonic() - self.lost

    def until(self, condition: Callable[[], object], seconds: float | None = None) -> bool:
        """Whether a condition comes true within so many seconds, or within the patience.

        Time that was lost does not count. Who has ended is not waited for.
        """
        end = self.now + (self.patience if seconds is None else seconds)
        while not condition():
            if getattr(self.other, "over", False):
                end = min(end, self.now + LAST)
            if self.now >= end:
                return False
            self.step()
        return True

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.step(min(left, STEP))

    # ---- scenes

    def begin_scene(self, title: str) -> None:
        """From now on evidence belongs to this scene."""
        self.title = title
        self.scene_from, self.scene_began = len(self.log), time.monotonic()
        self.own_late = 0.0  # seconds by which a heartbeat of the suite came late in it, at most
        self.excused = False  # whether a failure was forgiven for what came late

    def was_late(self, seconds: float) -> None:
        """A heartbeat of the suite's own came so late."""
        self.own_late = max(self.own_late, seconds)
        self.latest = max(self.latest, seconds)

    @property
    def late(self) -> float:
        """Seconds by which heartbeats came late in this scene, at most."""
        return self.own_late

    def lines(self, rule: str = "") -> list[Line]:
        """The last messages of the scene; heartbeats where they are the point."""
        beat = self.dialect.command(HEARTBEAT)
        return [
            line for line in self.log[self.scene_from :] if rule == "7.B24" or line.frames != beat
        ][-LINES:]

    # ---- verdicts

    def say(self, rule: str, verdict: str, evidence: str = "") -> None:
        """Note what was seen of a rule; of two verdicts the worse one stays."""
        if rule not in self.selected:
            return
        late = self.late
        excused = verdict == FAILED and RULES[rule].timed
        if excused and late > FORGIVEN * (self.interval or BEAT):
            verdict, self.excused = UNDECIDED, True
            evidence = f"heartbeats came {late:.2f} s late meanwhile: {evidence}"
        kept = verdict == PASSED and RULES[rule].binding  # of what is open the frames say more
        lines = [] if kept else self.lines(rule)
        seconds = time.monotonic() - self.scene_began
        result = Result(RULES[rule], verdict, evidence, lines, self.title, seconds)
        keep_worst(self.found, [result])

    def check(self, rule: str, kept: object, evidence: str = "") -> bool:
        """Note whether a rule was kept; the evidence says what was seen where it was not."""
        self.say(rule, PASSED if kept else FAILED, "" if kept else evidence)
        return bool(kept)
