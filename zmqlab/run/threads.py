"""A function in a thread: how it ended, how it is waited for, and how it is made to end."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import zmq

from .where import learners_part, place


class GaveUp(TimeoutError):
    """A condition did not come true in time."""


class Stopped(BaseException):
    """Raised inside a thread that did not end with its experiment."""


def eventually(
    condition: Callable[[], object], within: float, what: str, *, every: float = 0.002
) -> None:
    """Return as soon as `condition()` is true; raise GaveUp after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise GaveUp(f"gave up after {within:g} s waiting for {what}")
        time.sleep(every)


@contextlib.contextmanager
def put_off_interrupt() -> Iterator[None]:
    """Let Interrupt (SIGINT) wait for the end of the block, so that nothing is done by halves."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield  # it is no KeyboardInterrupt here
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *what: came.append(what))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(*came[0])


class Task:
    """A function that runs in a thread of an experiment."""

    def __init__(self, name: str, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.name = name
        self.error: BaseException | None = None
        self.value: Any = None
        self.done = False  # whether the function has returned or raised
        self._under_way = threading.Lock()  # held until then
        self._under_way.acquire()
        self.thread = threading.Thread(
            target=self._run, args=(function, args), name=name, daemon=True
        )

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            self.value = function(*args)
        except (zmq.ContextTerminated, Stopped):
            pass  # the experiment is over: this is how a thread ends
        except BaseException as error:
            error.__traceback__ = learners_part(error.__traceback__)
            self.error = error
        finally:
            self.done = True
            self._under_way.release()

    def wait(self, within: float) -> bool:
        """Whether the function ends within so many seconds.

        Not with Thread.join: before Python 3.13 a thread counts as ended when Interrupt comes
        while it is waited for (python/cpython#90882).
        """
        deadline = time.monotonic() + within
        while not self.done and (left := deadline - time.monotonic()) > 0:
            # In parts: Interrupt may come when the lock is taken, and then nobody gives it back.
            if self._under_way.acquire(timeout=min(left, 0.5)):
                self._under_way.release()
        return self.done

    def where(self) -> str:
        """The line of the learner's code at which the thread is now."""
        return place(sys._current_frames().get(self.thread.ident or 0))

    def result(self, within: float) -> Any:
        """What the function returned; raises what it raised, and GaveUp after `within` seconds."""
        if not self.wait(within):
            raise GaveUp(
                f"gave up after {within:g} s waiting for {self.name}, which is at {self.where()}"
            )
        if self.error is not None:
            raise self.error
        return self.value

    def interrupt(self) -> None:
        """Raise Stopped in the thread, at its next Python instruction."""
        if self.thread.ident is not None and self.thread in threading.enumerate():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self.thread.ident), ctypes.py_object(Stopped)
            )
