"""Interrupt (SIGINT): raised where it leaves nothing half done, and a moment later elsewhere.

KeyboardInterrupt may come between any two calls: also when `__exit__` has begun and has not come to
its `try`, or when `__enter__` has returned into the code that opened the `with` for somebody else
(contextlib). What the `with` was to end then stays for the life of the kernel.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

from .where import is_library

AGAIN = 0.01  # seconds after which an interrupt that was put off comes again

_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_HALF_DONE = ("__enter__", "__exit__", "_release_save", "_acquire_restore")  # two: of a Condition
_put_off: list[int] = []  # the signals that have come and have not been raised


class WholeWiths:
    """While it is on, Interrupt is not raised where this package enters or leaves a `with`.

    It comes again a moment later. Only in the main thread: others are not interrupted.
    """

    def __init__(self) -> None:
        self._before: Any = None  # the handler that raises it
        self._over = False  # from then on all goes to that one: others that are on may still ask

    def on(self) -> None:
        """Begin."""
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(before):
            self._before, self._over = before, False
            signal.signal(signal.SIGINT, self._take)

    def off(self, frame: FrameType) -> None:
        """End, and raise what was put off if it may be raised in this frame."""
        if self._before is None:
            return
        self._over = True
        if signal.getsignal(signal.SIGINT) == self._take:  # not if others are on that began later
            signal.signal(signal.SIGINT, self._before)
        if _put_off:
            signum = _put_off.pop()
            _put_off.clear()
            self._before(signum, frame)

    def __enter__(self) -> None:
        self.on()

    def __exit__(self, *_: object) -> None:
        self.off(sys._getframe(1))

    def _take(self, signum: int, frame: FrameType | None) -> None:
        _put_off.clear()
        if not self._over and self._keeps(frame):
            _put_off.append(signum)
        else:
            self._before(signum, frame)

    def _keeps(self, frame: FrameType | None) -> bool:
        if not _at_a_with(frame):
            return False
        _thread.start_new_thread(_raise_again, ())  # threading's own locks may be held here
        return True


class put_off_interrupt(WholeWiths):
    """Let Interrupt wait for the end of the block, so that nothing is done by halves."""

    def _keeps(self, frame: FrameType | None) -> bool:
        return True


def _at_a_with(frame: FrameType | None) -> bool:
    """Whether code of this package enters or leaves a `with` there, its own or a library's."""
    at_a_with = False
    while frame is not None:
        name, file = frame.f_code.co_name, frame.f_code.co_filename
        at_a_with = at_a_with or name in _HALF_DONE
        if at_a_with and file.startswith(_PACKAGE):
            return True
        if not is_library(file):
            at_a_with = False  # the learner's own
        frame = frame.f_back
    return False


def _raise_again() -> None:
    time.sleep(AGAIN)
    if not _put_off:
        return
    if hasattr(signal, "pthread_kill"):  # it also ends a wait in the main thread
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
