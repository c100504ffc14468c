"""What the judges of clients share: a client is started for each scene, and the suite answers it.

A client under test is a command: it asks so many questions, one after the other, prints the first
frame of each reply on a line of its own and exits with 0 when all were answered; 127: it cannot do
that.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .frames import Dialect, Frames, Letter
from .front import Front, Message
from .outcome import Outcome, first_broken, not_tried
from .subject import Asking
from .table import Rule

CANNOT = 127  # exit status: not supported
QUESTIONS = 3
ENDED = 0.2  # seconds after the client's end in which what it sent still arrives


class Asked(NamedTuple):
    """A question as it came."""

    number: int  # from 1
    message: Message
    letter: Letter | None  # None: it is no valid request


Answer = Callable[[list[Asked]], Sequence[Frames]]  # all questions so far → what to send back


class Scenes(ABC):
    """One client, started once for each scene, within `patience` seconds a scene."""

    def __init__(self, front: Front, client: Asking, service: bytes, patience: float) -> None:
        self.front, self.client, self.service, self.patience = front, client, service, patience
        self.cannot = False

    @property
    def d(self) -> Dialect:
        """The dialect that is spoken."""
        return self.front.dialect

    @abstractmethod
    def scenes(self) -> list[Callable[[], None]]:
        """What is tried, in this order."""

    def run(self, answer: Answer, requests: int = QUESTIONS) -> tuple[list[Asked], list[str], str]:
        """Start the client and answer it; its questions, what it printed, and how it ended."""
        front, asked = self.front, list[Asked]()
        first = len(front.inbox)
        names = {"service": self.service.decode(), "requests": str(requests)}
        self.client.start(endpoint=front.endpoint, **names)

        def goes_on() -> bool:
            while first + len(asked) < len(front.inbox):
                message = front.inbox[first + len(asked)]
                asked.append(Asked(len(asked) + 1, message, front.letter(message)))
                for frames in answer(asked):
                    front.send(message.peer, *frames)
            return self.client.over

        if not front.until(goes_on, self.patience):
            how = f"it had not ended after {self.patience:g} s"
        else:
            front.until(goes_on, ENDED)
            status = self.client.status
            how = "" if status == 0 else f"exit status {status}, {self.client.why()}"
            self.cannot = self.cannot or (status == CANNOT and not asked)
        said = self.client.said()
        self.client.stop()
        return asked, said, how

    def seen(self, asked: list[Asked], said: list[str], how: str) -> str:
        """What it did, in words."""
        return f"it asked {len(asked)} times and printed {said}; {how or 'exit status 0'}"

    def judge(
        self,
        who: str,
        rules: list[Rule],
        strict: bool,
        limit: float,
        progress: Callable[[str], None],
        first: bool = False,
    ) -> Outcome:
        """Play all scenes, as long as the limit in seconds allows, and say what was seen.

        first: end with the first scene in which a rule that counts is broken.
        """
        front, began = self.front, time.monotonic()
        try:
            for scene in self.scenes():
                if time.monotonic() - began > limit:
                    break
                front.begin_scene((scene.__doc__ or "").rstrip("."))
                progress(front.title)
                scene()
                if self.cannot or (first and first_broken(front.found.values(), strict)):
                    break
        finally:
            self.client.stop()
        why = "the client says that it cannot do that" if self.cannot else "nothing was seen of it"
        results = not_tried(rules, why) | front.found
        return Outcome(
            who,
            {rule.id: results[rule.id] for rule in rules},
            [],
            seconds=time.monotonic() - began,
            strict=strict,
            absent=not front.inbox,
        )
