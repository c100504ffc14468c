"""What a learner's code prints while it is judged: kept, up to a limit."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Iterator

import zmq

from zmqlab.run.threads import Stopped
from zmqlab.run.where import origin

from .call import said

PRINTED_AT_MOST = 4000  # characters


class _Printed(io.TextIOBase):
    """Keeps the beginning of what is printed, counts the rest."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._room = PRINTED_AT_MOST
        self._more = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Keep it, as far as there is room."""
        kept = text[: max(0, self._room)]
        if kept:
            self._kept.append(kept)
        self._room -= len(text)
        self._more += len(text) - len(kept)
        return len(text)

    def text(self) -> str:
        """All that was kept."""
        more = f"\n… and {self._more} more characters" if self._more else ""
        return "".join(self._kept).rstrip("\n") + more


@contextlib.contextmanager
def captured() -> Iterator[_Printed]:
    """Catch what threads print, and in one line each the errors that they die of."""
    printed = _Printed()

    def note(args: threading.ExceptHookArgs) -> None:
        ended = (zmq.ContextTerminated, Stopped, SystemExit)
        if args.exc_value is not None and not isinstance(args.exc_value, ended):
            name = args.thread.name if args.thread else "a thread"
            printed.write(f"{name} died of {said(args.exc_value)}, at {origin(args.exc_value)}\n")

    hook, threading.excepthook = threading.excepthook, note
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield printed
    finally:
        threading.excepthook = hook
