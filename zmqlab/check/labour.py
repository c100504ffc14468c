"""The work that a check gives to workers, and several of a learner's workers at once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from .call import Call
from .dispatch import Event, Frames, Work
from .machine import Lap
from .peer import done
from .report import Finding
from .subject import Function

PLAIN, HELD, LONG = b"plain", b"held", b"long"  # how a body begins that is done so
OFTEN = 0.002  # seconds from one call of `beat` to the next
LIMIT = 20.0  # seconds after which work ends that nobody has released


class Labour:
    """`work(body, beat)`: plain work, work that is held up, and long work that calls `beat`.

    The first word of the body says which. What is held up goes on when it is released; when it is
    done for the second time it is not held up. mark: puts into the history what is worked on.
    """

    def __init__(self, name: str, mark: Callable[[Event], None]) -> None:
        self.name, self.mark = name, mark
        self.released = {HELD: threading.Event(), LONG: threading.Event()}
        self.begun: Counter[Frames] = Counter()  # how often each body
        self.at_once = 0
        self._lock = threading.Lock()

    def __call__(self, body: Any, beat: Any) -> list[bytes]:
        """Do it: the answer to this body."""
        frames = body if isinstance(body, list | tuple) else [body]
        body = tuple(f if isinstance(f, bytes) else repr(f).encode() for f in frames)
        with self._lock:
            self.begun[body] += 1
            self.at_once += 1
        self.mark(Work(self.name, body, True))
        try:
            self._take_time(body, beat)
        finally:
            with self._lock:
                self.at_once -= 1
            self.mark(Work(self.name, body, False))
        return list(done(body))

    def _take_time(self, body: Frames, beat: Any) -> None:
        kind = body[0].partition(b" ")[0] if body else PLAIN
        released = self.released.get(kind)
        if released is None or (kind == HELD and self.begun[body] > 1):
            return
        end = time.monotonic() + LIMIT
        while not released.wait(OFTEN) and time.monotonic() < end:
            if kind == LONG:
                beat()

    def release(self) -> None:
        """Let all work come back."""
        for released in self.released.values():
            released.set()


class Several(Function):
    """Several calls of one function, each with an endpoint of its own, in one Context.

    Each is given the endpoint that is its, then its own of the first that comes behind them.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(name, function)
        self.calls = [self.call]

    def begin(self, endpoints: Mapping[str, str], *more: Any) -> None:
        """Call it for each endpoint."""
        (end, own), *others = zip(endpoints.items(), more[0], strict=True)
        super().begin(dict([end]), own, *more[1:])
        for (name, endpoint), own in others:
            self.calls.append(Call(self.name, self.call.function))
            self.trial.start(name, self.calls[-1], endpoint, own, *more[1:])

    @property
    def over(self) -> bool:
        """Whether one of them has ended."""
        return any(call.done for call in self.calls)

    def early_end(self) -> Finding | None:
        """Why the first that has ended has; None if none has."""
        return next(filter(None, (call.early_end() for call in self.calls)), None)

    def end(self, lap: Lap) -> list[Finding]:
        """End their Context; what is wrong with how they took that."""
        found = super().end(lap)
        for call in self.calls[1:]:
            found = found or list(filter(None, [call.late_end() or call.sockets_left()]))
        return found
