"""A function on stage in a process of its own, which can be killed and started again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from textwrap import shorten
from typing import Any

from zmqlab.envelope import show
from zmqlab.record.journal import Hop, SocketNote, Way
from zmqlab.run import Lives, eventually
from zmqlab.run.steps import Step

from .report import Finding, failed, undecided
from .subject import MACHINE, Subject

BEGINS = 30.0  # seconds that its process may take to be there
IN_USE = "Address already in use"  # of an endpoint that the system has not let go yet
LETS_GO = 3.0  # seconds in which it does


def told(step: Step) -> str:
    """A step in words."""
    if isinstance(step.what, str):
        return shorten(step.what, 60) or "os.fsync"
    return f"{step.kind} {show(step.what, 'ROUTER')}"


class Living(Subject):
    """The function in a life; `begin_again` is the next one, at the same endpoints.

    kill_before: the step that the first life is killed before; 0: none.
    """

    def __init__(self, name: str, lives: Lives, kill_before: int = 0) -> None:
        super().__init__(name)
        self.lives, self.kill_before = lives, kill_before
        self.how = ""  # how it was killed, in words; "" while it lives
        self.lived = 0  # how many lives it has had
        self._learned = 0  # how many steps of its life the journal has
        self._sockets: dict[str, SocketNote] = {}  # of its life, by endpoint

    def begin(self, endpoints: Mapping[str, str], *more: Any) -> None:
        """Let it begin."""
        self._args = (*endpoints.values(), *more)
        self.begin_again(self.kill_before)

    def begin_again(self, kill_before: int = 0) -> None:
        """Begin the next life."""
        self.how, self.kill_before, self._since = "", kill_before, time.monotonic()
        self.lived += 1
        self._begin()

    def _begin(self) -> None:
        self._learned, self._sockets = 0, {}
        life = self.life = self.lives.begin(*self._args, kill_before=self.kill_before)
        eventually(lambda: life.pid or life.over, BEGINS, "the process of a life")

    @property
    def over(self) -> bool:
        """Whether its process has ended."""
        if not self.life.over:
            return False
        if IN_USE in self.life.failure and time.monotonic() - self._since < LETS_GO:
            self._begin()
            return False
        if step := self.life.killed_before:
            self.how = (
                f"the {self.name} was killed before its step {self.kill_before}: {told(step)}"
            )
        return True

    def learn(self) -> None:
        """Have in the journal what its sockets have done."""
        steps = self.life.steps
        for step in steps[self._learned :]:
            end = step.endpoint
            if end in self._args and not isinstance(step.what, str):
                if end not in self._sockets:
                    self._sockets[end] = self.journal.open_socket(self.name, "ROUTER", bound=[end])
                way: Way = "sent" if step.kind == "send" else "received"
                self.journal.add(
                    Hop(step.moment, self.name, self._sockets[end], way, step.what, step.moment)
                )
        self._learned = len(steps)

    def kill(self) -> None:
        """Kill it now."""
        self.life.kill()
        self.how = f"the {self.name} was killed while it had nothing to do"

    @property
    def pids(self) -> list[int]:
        """Its process."""
        return [self.life.pid] if self.life.pid else []

    def here(self) -> str:
        """No line of it is known."""
        return "some line, in a process of its own."

    def early_end(self) -> Finding | None:
        """Why it has ended though nobody has killed it; None if it has not."""
        if not self.over or self.how:
            return None
        rule = f"{self.name} runs without an error"
        if not self.life.failure:
            return undecided(rule, f"Something has killed the process of {self.name}.", MACHINE)
        return failed(rule, f"{self.name}, in a process of its own: {self.life.failure}")

    def close(self, *error: Any) -> None:
        """Leave nothing of it behind."""
        self.life.kill()
