"""One call of a learner's function, watched: how it ended, when, and at which line."""

from __future__ import annotations

import contextlib
import inspect
import reprlib
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import zmq

from zmqlab.record.lens import Context, Socket
from zmqlab.run.threads import Stopped, Task, stop
from zmqlab.run.where import in_learners_code, origin, place

from .machine import Used, busy_part, used_by_all
from .report import Finding, failed

State = Literal["not started", "running", "returned", "raised", "context ended", "stopped"]

HOLE = "is yours to write"  # what authoring/build.py puts into a hole
TICK = 0.05  # seconds between two looks at a call
ALWAYS_LATE = 0.005  # seconds by which a look may be late on any machine
SPINS = 0.3  # part of the time: a thread that runs more than that is not waiting
MOMENT = 1.0  # seconds that a learner's thread has to end after all else has ended


def brief(value: object) -> str:
    """A short repr of anything, even of what has none."""
    try:
        return _brief.repr(value)
    except Exception:
        return f"<a {type(value).__name__} whose repr fails>"


_brief = reprlib.Repr()
_brief.maxstring = _brief.maxother = 80


def said(error: BaseException) -> str:
    """An error in one line: "ValueError: too few"."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "(its text cannot be shown)"
    kind = type(error).__name__
    return f"{kind}: {text[:300]}" if text else kind


class Call:
    """One call of a learner's function: how it ended, when, and at which line.

    It is called in place of the function (in a thread) and never raises. The sockets that the
    function makes are of `socket_class`, where a scenario needs special ones.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], *, socket_class: type[Socket] = Socket
    ) -> None:
        self.name = name
        self.function = function
        self.socket_class = socket_class
        self.state: State = "not started"
        self.value: Any = None
        self.error: BaseException | None = None
        self.where = ""  # the learner's line where it failed or was stuck
        self.waited = 0.0  # seconds that `wait` has waited in vain; 0 if it ended in time
        self.busy: float | None = None  # then: the part of the time that its thread ran, if known
        self.started = self.ended = 0.0  # seconds on the monotonic clock
        self.cpu = 0.0  # processor time of its thread, seconds
        self.in_line = 0.0  # seconds that its thread stood in line for a processor
        self.late = 0.0  # seconds by which `wait` was woken late, in all: how slow the machine is
        self.left_open: list[str] = []  # sockets of its context that it did not close
        self.context_closed = False  # it ended the context, which is not its own
        self.thread: threading.Thread | None = None  # in which it is called
        self._done = threading.Event()

    def __call__(self, *args: Any) -> None:
        """Call the function and note all about it."""
        self.thread = threading.current_thread()
        ctx = args[0] if args and isinstance(args[0], Context) else None
        if ctx is not None:
            _watch(ctx, self.socket_class)
        self.state, self.started, cpu = "running", time.monotonic(), time.thread_time()
        in_line = _in_line()
        try:
            self.value = self.function(*args)
            state: State = "returned"
        except zmq.ContextTerminated:
            state = "context ended"
        except Stopped as stop:
            state, self.where = "stopped", self.where or origin(stop)
        except BaseException as error:
            self.error, self.where = error, origin(error)
            state = "raised"
        finally:
            self.ended, self.cpu = time.monotonic(), time.thread_time() - cpu
            self.in_line = _in_line() - in_line
        if ctx is not None and state != "stopped":
            self.left_open = _unclosed(ctx)
            self.context_closed = ctx.closed and state != "context ended"
        self.state = state
        self._done.set()

    @property
    def done(self) -> bool:
        """Whether the call has ended, in any way."""
        return self._done.is_set()

    @property
    def seconds(self) -> float:
        """How long the call took; so far, if it has not ended."""
        if not self.started:
            return 0.0
        return (self.ended if self.done else time.monotonic()) - self.started

    def wait(self, within: float) -> bool:
        """Whether the call ends within so many seconds. If not, `where` says where it is."""
        end = time.monotonic() + within
        seen: tuple[float, dict[int, Used]] | None = None  # what its thread had used, and when
        while not self.done and (left := end - (now := time.monotonic())) > 0:
            if seen is None and left <= within / 2:  # what it does now, not how it came here
                seen = now, self._used()
            step = min(left, TICK)
            if not self._done.wait(step):
                self.late += max(0.0, time.monotonic() - now - step - ALWAYS_LATE)
        if self.done:
            self.waited = 0.0
            return True
        self.waited += within
        self.where = self.here()
        if seen is not None and (before := seen[1]):
            self.busy = busy_part(before, self._used(), time.monotonic() - seen[0])
        return False

    def _used(self) -> dict[int, Used]:
        """What its thread has used of a processor so far; {} where the system does not say."""
        number = self.thread and self.thread.native_id
        return {thread: used for thread, used in used_by_all().items() if thread == number}

    def here(self) -> str:
        """The learner's line at which the call is now.

        A function that the check calls again and again may be between two calls: then look again.
        """
        ident = self.thread.ident if self.thread else None
        for _ in range(50):
            frame = sys._current_frames().get(ident or 0)
            if frame is None or in_learners_code(frame):
                break
            self._done.wait(0.001)
        return place(frame)

    def run(self, *args: Any, within: float) -> Call:
        """Call it in a thread of its own, without a context, for so many seconds at most."""
        task = Task(self.name, self, args)
        task.thread.start()
        if not self.wait(within):
            stop([task.thread])
        return self

    # ---- what can be wrong with a call whatever it was for

    def problem(self) -> Finding | None:
        """Why the call has not simply returned; None if it has."""
        if self.state == "returned":
            return self._no_plain_value() or self._left_behind()
        if self.state == "raised":
            return self.raised()
        return failed(
            f"{self.name} returns",
            f"{self.name} had not returned after {self.waited:g} s, and was stopped.\n"
            f"It was at {self.where or 'no line that could be found'}",
            self._what_to_ask(),
        )

    def _what_to_ask(self) -> str:
        """The hint for a call that did not return."""
        if self.busy is None:
            return "What does that line wait for? If for nothing: what is to end the loop it is in?"
        if self.busy > SPINS:
            return "It waits for nothing there: it goes round. What is to end that loop, and when?"
        return "What does that line wait for, and who is to bring it?"

    def early_end(self) -> Finding | None:
        """Why a call that is to go on until its context ends has ended before; None if not.

        Ask before the context ends.
        """
        if not self.done:
            return None
        if self.state == "raised":
            return self.raised()
        if self.state == "returned":
            return self._no_plain_value() or failed(
                f"{self.name} goes on until the context ends",
                f"{self.name} returned {brief(self.value)} while its context was still there.",
                "Which loop ended, and on what?",
            )
        return None

    def late_end(self) -> Finding | None:
        """Why a call did not end with its context; None if it did. Ask after the end."""
        if self.done and self.state != "stopped":
            return None
        return failed(
            f"{self.name} ends with the context",
            f"The context ended and {self.name} went on, at {self.where or self.here()}",
            "zmq.ContextTerminated is the sign to end: let it escape, and close your sockets.",
        )

    def raised(self) -> Finding | None:
        """The finding for a call that raised; None if it did not."""
        if self.error is None:
            return None
        if isinstance(self.error, NotImplementedError):
            return unwritten(self.name)
        return failed(
            f"{self.name} runs without an error",
            f"{self.name} raised {said(self.error)}\nat {self.where}",
        )

    def _no_plain_value(self) -> Finding | None:
        value: Any = self.value
        if not (inspect.isgenerator(value) or inspect.isawaitable(value)):
            return None
        with contextlib.suppress(Exception):
            value.close()  # type: ignore[union-attr]
        return not_plain(self.name, f"calling {self.name} gave a {type(value).__name__}")

    def _left_behind(self) -> Finding | None:
        return self.sockets_left() or self.context_ended()

    def sockets_left(self) -> Finding | None:
        """The finding for sockets that the call made and did not close; None if there are none."""
        if not self.left_open:
            return None
        return failed(
            f"{self.name} closes its sockets",
            f"{self.name} ended and had not closed: {', '.join(self.left_open)}",
            "A caller that ends its context waits for every open socket. "
            "`with ctx.socket(…) as socket:` closes it on every way out.",
        )

    def context_held(self, over: bool) -> Finding | None:
        """The finding for a call that raised and keeps its context open; None if it does not.

        Ask after the end of a context in which nothing has been sent. This finds sockets that
        were made in a shadow of it.
        """
        if self.state != "raised" or over:
            return None
        return failed(
            f"{self.name} closes its sockets",
            f"{self.name} raised {said(self.error or Exception())}\nAfter that its context could "
            "not be ended: a socket in it is still open.",
            "An error keeps the variables of the function that raised it, and with them the "
            "sockets. A monitor is a socket too.",
        )

    def context_ended(self) -> Finding | None:
        """The finding for a call that ended the context; None if it did not."""
        if not self.context_closed:
            return None
        return failed(
            f"{self.name} leaves the context to its caller",
            f"{self.name} ended the context that it was given.",
            "The caller made it, and may have other sockets in it.",
        )


def same(one: Any, other: Any) -> bool:
    """Whether they are equal; what cannot be compared is not."""
    try:
        return bool(one == other)
    except Exception:
        return False


def _in_line() -> float:
    """Seconds that this thread has stood in line for a processor; 0 where nothing tells."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def unwritten(name: str) -> Finding:
    """The finding for a hole that nobody has filled."""
    return failed(f"{name} is written", f"{name} is not done yet.")


def not_plain(name: str, evidence: str) -> Finding:
    """The finding for a coroutine or generator function where a plain function was asked for."""
    return failed(
        f"{name} is a plain function",
        f"{evidence}: nothing of it has run.",
        "No `async`, no `await`, no `yield`: the check calls it in a thread of its own.",
    )


# ------------------------------------------------------------------ sockets left open

_Dropped = list[tuple[threading.Thread, str]]
_dropped: weakref.WeakKeyDictionary[Context, _Dropped] = weakref.WeakKeyDictionary()


def _watch(ctx: Context, kind: type[Socket]) -> None:
    """From now on note what this context's sockets lose: those that nobody closed.

    CPython closes a socket when its last name goes. That is luck, not a promise of the language,
    so it counts as left open: (thread, "feed's PUSH").
    """
    if ctx in _dropped:
        return
    dropped = _dropped[ctx] = []

    class Watched(kind):  # type: ignore[valid-type, misc]
        def __del__(self) -> None:
            if not self.closed:
                if self.note is not None:  # a monitor's reader goes with its socket
                    dropped.append((self.maker, repr(self.note)))
                self.close()

    ctx.base = Watched


def _unclosed(ctx: Context) -> list[str]:
    """The sockets that this thread made in this context and has not closed."""
    me = threading.current_thread()
    still = [
        repr(socket.note)
        for socket in ctx.unclosed()
        if getattr(socket, "note", None) and ctx.maker(socket) is me
    ]
    return still + [name for maker, name in _dropped.get(ctx, ()) if maker is me]
