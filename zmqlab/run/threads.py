"""A function in a thread: how it ended, how it is waited for, and how it is made to end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import zmq

from .where import is_library, learners_part, place


class GaveUp(TimeoutError):
    """A condition did not come true in time."""


def eventually(
    condition: Callable[[], object], within: float, what: str, *, every: float = 0.002
) -> None:
    """Return as soon as `condition()` is true; raise GaveUp after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise GaveUp(f"gave up after {within:g} s waiting for {what}")
        time.sleep(every)


STOPPED = 1.0  # seconds that threads get to end when they are stopped


class Stopped(BaseException):
    """Raised inside a thread that did not end with its experiment."""


class _StoppedAtEachLine(Stopped):
    """For code that catches everything: where this is caught, the next line raises it anew."""

    def __init__(self) -> None:  # where it is raised
        super().__init__()
        # Its number: asked for itself in its last moments, a thread is made anew, as a dummy.
        self._thread = threading.get_ident()
        _raise_at_next_line(sys._getframe().f_back)

    def __del__(self) -> None:  # where it was caught; elsewhere, if it was kept
        if self._thread == threading.get_ident():
            _raise_at_next_line(sys._getframe().f_back)


def _raise_at_next_line(frame: FrameType | None) -> None:
    """Trace the learner's own code in this stack, and no call that follows."""
    while frame is not None:
        if not is_library(frame.f_code.co_filename):
            frame.f_trace = _raise_here
        frame = frame.f_back
    sys.settrace(lambda *_: None)


def _raise_here(frame: FrameType, event: str, arg: Any) -> Any:
    if event == "line":
        raise _StoppedAtEachLine
    return _raise_here


def _raise(error: type[Stopped], thread: threading.Thread) -> None:
    """Raise an error in a thread, at its next Python instruction."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(error)
    )


def stop(threads: Iterable[threading.Thread], within: float = STOPPED) -> None:
    """Raise Stopped in threads, as often as it takes until they have ended or the time is over.

    One that waits in a call of the system does not notice it before that call returns; an event
    loop of asyncio is woken.
    """
    deadline, pause = time.monotonic() + within, 0.05
    while (left := _alive(threads)) and time.monotonic() < deadline:
        for thread in left:  # twice as if it were the first time: who cleans up is let to
            _raise(Stopped if pause < 0.2 else _StoppedAtEachLine, thread)
            _wake_loop(thread)
        again = min(time.monotonic() + pause, deadline)
        while _alive(left) and time.monotonic() < again:
            time.sleep(0.002)
        pause *= 2


def _alive(threads: Iterable[threading.Thread]) -> list[threading.Thread]:
    """Those that run. Not by is_alive, which may say that a thread has ended: see Task.wait."""
    running = threading.enumerate()
    return [thread for thread in threads if thread in running]


def _wake_loop(thread: threading.Thread) -> None:
    """Let the event loop that a thread runs, if there is one, go on to its next instruction."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        loop = frame.f_locals.get("self") if frame.f_code.co_name == "run_forever" else None
        if isinstance(loop, asyncio.AbstractEventLoop):
            with contextlib.suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(int)
        frame = frame.f_back


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
        except Stopped:
            pass  # it came when the function had ended

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
