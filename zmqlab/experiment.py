"""One `with` per experiment: its Context, its threads and processes, and a sure end.

    with Experiment() as lab:
        endpoint = lab.endpoint()
        lab.start("w1", worker, endpoint)      # runs worker(lab.ctx, endpoint) in a thread
        ...
    # here every thread has ended, every socket is closed, every port is free

Leaving the `with` terminates the Context. That wakes every blocked ZeroMQ call with
`zmq.ContextTerminated`, so workers need no stop flag and no time-out of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import linecache
import math
import os
import pickle
import shutil
import signal
import socket as stdlib_socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

import cloudpickle
import zmq
from zmq.utils.monitor import recv_monitor_message

from .journal import Journal
from .lens import Context, PlainSocket

__all__ = ["Arrivals", "Experiment", "GaveUp", "Process", "Task", "assert_all_quiet", "eventually"]


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


# ------------------------------------------------------------------ where a thread is

_LIBRARIES = (
    os.path.dirname(__file__) + os.sep,
    sysconfig.get_paths()["stdlib"] + os.sep,
    sysconfig.get_paths()["purelib"] + os.sep,
    "<frozen",
)


def _is_library(filename: str) -> bool:
    return (
        filename.startswith(_LIBRARIES)
        or "site-packages" in filename
        or filename.endswith("_zmq.py")  # pyzmq's compiled part names its source so
    )


def _describe(function: str, filename: str, line: int) -> str:
    source = linecache.getline(filename, line).strip()
    return f"line {line} of {function}" + (f": {source}" if source else "")


def place(frame: FrameType | None) -> str:
    """Where the learner's own code is in this stack: "line 4 of worker: while True: pass"."""
    if frame is None:
        return "no longer running"
    frame = _learners_frame(frame) or frame
    return _describe(frame.f_code.co_name, frame.f_code.co_filename, _line(frame))


def in_learners_code(frame: FrameType) -> bool:
    """Whether any of the learner's own code is in this stack."""
    return _learners_frame(frame) is not None


def _learners_frame(innermost: FrameType) -> FrameType | None:
    frame: FrameType | None = innermost
    while frame is not None and _is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _line(frame: FrameType) -> int:
    """The line that a frame is at; its first one where it is between two (f_lineno is None)."""
    return frame.f_lineno or frame.f_code.co_firstlineno


def origin(error: BaseException) -> str:
    """Where in the learner's own code an error came from, in the same words as `place`."""
    found = ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not found or not _is_library(code.co_filename):
            found = _describe(code.co_name, code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def _learners_part(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without this package's frames at its beginning."""
    while (
        traceback is not None
        and traceback.tb_next is not None
        and _is_library(traceback.tb_frame.f_code.co_filename)
    ):
        traceback = traceback.tb_next
    return traceback


# ------------------------------------------------------------------ threads


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
            error.__traceback__ = _learners_part(error.__traceback__)
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


# ------------------------------------------------------------------ processes

_CHILD = """
import os, pickle, sys, threading
sys.path[:], message = pickle.load(sys.stdin.buffer)
function, args = pickle.loads(message)
def end_with_parent():
    os.read(0, 1)
    os._exit(0)
threading.Thread(target=end_with_parent, daemon=True).start()
import zmq
ctx = zmq.Context()
function(ctx, *args)
ctx.destroy()
"""


class Process:
    """A function that runs in a process of its own, with a plain zmq.Context of its own.

    It ends with the experiment, and also when the kernel dies: it watches a pipe to its parent.
    """

    def __init__(self, name: str, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Interrupt in the notebook is not for it
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            message = cloudpickle.dumps((function, args))  # type: ignore[no-untyped-call]
            pickle.dump((sys.path, message), self._process.stdin)
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def failure(self) -> str:
        """The last line that the process wrote of an error that ended it; "" if none did."""
        if (
            self._errors.closed or (self._process.poll() or 0) <= 0
        ):  # still there, ended well, or killed by a signal
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        return lines[-1] if lines else f"exit status {self._process.returncode}"

    def kill(self) -> None:
        """End the process at once, without any chance to clean up; return when it is gone."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Freeze the process (SIGSTOP): it keeps its connections and does nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Kill the process if it is still there, and close the pipe to it."""
        self.kill()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._errors.close()


# ------------------------------------------------------------------ the experiment

_running: weakref.WeakSet[Experiment] = weakref.WeakSet()


class Experiment:
    """A Context with all that runs in it, from the first line of a `with` to its last.

    grace: seconds that threads get to end after the Context has ended.
    limit: seconds after which the Context ends by itself, so that a call that waits for ever in
        the `with` (a send that no peer takes) becomes an error that names its line.
    linger: milliseconds that a closed socket waits for its messages to be fetched (ZMQ_LINGER;
        0 here, where libzmq has -1, for ever). A thread may set it on its own socket; more than
        `grace` is cut to `grace`, so that nothing can keep the experiment open.
    record: False gives plain sockets, without a journal's cost.
    """

    def __init__(
        self,
        name: str = "experiment",
        *,
        grace: float = 2.0,
        limit: float = 60.0,
        linger: int = 0,
        record: bool = True,
    ) -> None:
        self.name = name
        self.grace = grace
        self.journal = Journal()
        self.ctx = Context(self.journal if record else None, longest_linger=int(grace * 1000))
        self.ctx.linger = linger
        self.tasks: list[Task] = []
        self.processes: list[Process] = []
        self.stuck: list[str] = []  # after the end: who did not end by itself, and where it was
        self._ports: list[stdlib_socket.socket] = []
        self._folder: str | None = None
        self._names = 0
        self._ending = threading.Thread(target=self._finish, name=f"end of {name}", daemon=True)
        self._begin = threading.Lock()  # the end is begun once, by the `with` or the timer
        self._ended = threading.Event()  # nothing is left
        self._over = False  # `end` has done what it can
        self._left = threading.Event()  # the thread of the `with` uses its sockets no more
        self.limit = limit
        self._timer = threading.Timer(limit, self._terminate)
        self._timer.name, self._timer.daemon = f"limit of {name}", True

    def __enter__(self) -> Experiment:
        _running.add(self)
        try:
            with put_off_interrupt():
                self._timer.start()
        except BaseException:  # Interrupt, before the `with` is there to end anything
            self.end()
            raise
        return self

    def endpoint(self, transport: str = "tcp") -> str:
        """A fresh endpoint on this machine, ready for `bind` and for `connect`, in any order.

        transport: "tcp" (loopback, a port chosen by the system and held until the end), "ipc"
        or "inproc".
        """
        self._names += 1
        if transport == "tcp":
            return f"tcp://127.0.0.1:{self._hold_port()}"
        if transport == "ipc":
            self._folder = self._folder or tempfile.mkdtemp(prefix="zmqlab-")
            return f"ipc://{self._folder}/{self._names}"
        if transport == "inproc":
            return f"inproc://{self.name}-{self._names}"
        raise ValueError(f"transport is {transport!r}; expected 'tcp', 'ipc' or 'inproc'")

    def _hold_port(self) -> int:
        """A port that nobody else is given while the experiment runs.

        On Linux a socket that is bound but does not listen holds it, and a listener with
        SO_REUSEADDR (libzmq's) may still bind it. Elsewhere it is let go for the listener.
        """
        holder = stdlib_socket.socket()
        holder.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        if sys.platform == "linux":
            self._ports.append(holder)
        else:
            holder.close()
        return port

    def start(self, who: str, function: Callable[..., Any], *args: Any) -> Task:
        """Run `function(ctx, *args)` in a thread named `who`."""
        task = Task(who, function, (self.ctx, *args))
        with put_off_interrupt():
            self.tasks.append(task)
            task.thread.start()
        return task

    def spawn(self, who: str, function: Callable[..., Any], *args: Any) -> Process:
        """Run `function(ctx, *args)` in a process of its own, with a Context of its own."""
        with put_off_interrupt():
            process = Process(who, function, args)
            self.processes.append(process)
        return process

    def until(self, condition: Callable[[], object], within: float = 5.0, what: str = "") -> None:
        """Wait for a condition; a thread's error ends the wait at once and is raised here."""

        def met() -> object:
            self.raise_first_error()
            return condition()

        try:
            eventually(met, within, what or "the condition")
        except GaveUp as error:
            alive = [f"{task.name} is at {task.where()}" for task in self.tasks if not task.done]
            raise GaveUp("\n".join([str(error), *alive])) from None

    def raise_first_error(self) -> None:
        """Raise the error of the first thread that had one."""
        for task in self.tasks:
            if task.error is not None:
                error, task.error = task.error, None
                error.add_note(f"in {task.name}, a thread of this experiment: {origin(error)}")
                raise error
        for process in self.processes:
            if process.failure():
                raise RuntimeError(f"{process.name}, a process, ended with {process.failure()}")

    # ---- the end

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        try:
            failures = [
                f"{process.name}, a process, ended with {process.failure()}"
                for process in self.processes
                if process.failure()
            ]
        finally:
            self.end()
        if isinstance(error, zmq.ContextTerminated):
            raise GaveUp(
                f"the experiment was ended after its limit of {self.limit:g} s; "
                f"it waited in {origin(error)}"
            ) from None
        if error is None:
            self.raise_first_error()
            if failures:
                raise RuntimeError("\n".join(failures))
        for task in self.tasks:
            if error is not None and task.error is not None and task.error is not error:
                error.add_note(f"also in {task.name}: {task.error!r}, {origin(task.error)}")
        for line in self.stuck:
            print(line, file=sys.stderr)

    def end(self) -> None:
        """End everything: Context, threads, sockets, processes, ports. Twice is once.

        Interrupt waits until that is done.
        """
        try:
            with put_off_interrupt():
                self._end()
        except KeyboardInterrupt:
            if not self._over:  # it came before it could be put off
                with put_off_interrupt():
                    self._end()
            raise

    def _end(self) -> None:
        self._timer.cancel()
        self._terminate()
        _close_own_sockets(self.ctx)
        self._left.set()
        try:
            self._join_threads()
        finally:
            for process in self.processes:
                process.end()
            for holder in self._ports:
                holder.close()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
        if all(task.done for task in self.tasks):
            if not self._ended.wait(self.grace / 2):
                _close_lost_sockets(self.ctx)
            self._ended.wait(self.grace / 2 + 1)  # what still lingers
        self._over = True

    def _terminate(self) -> None:
        """Begin the end: every blocked ZeroMQ call of the Context raises ContextTerminated."""
        with self._begin:
            if self._ending.ident is None:
                self._ending.start()

    def _join_threads(self) -> None:
        """Give the threads their grace; stop the others and note where they were."""
        deadline = time.monotonic() + self.grace
        for task in self.tasks:
            task.wait(deadline - time.monotonic())
        for task in self.tasks:
            if not task.done:
                where = task.where()
                task.interrupt()
                after = "was stopped there" if task.wait(0.25) else "is left behind and still runs"
                self.stuck.append(
                    f"{task.name} did not end within {self.grace:g} s of its Context's end; "
                    f"it {after}: {where}"
                )

    def _finish(self) -> None:
        """Terminate the Context; close what ended threads left open. Waits as long as it takes."""
        with self.ctx.connecting:
            self.ctx.ending = True
        term = threading.Thread(target=self.ctx.term, name=f"term of {self.name}", daemon=True)
        term.start()
        self._left.wait()
        pause = 0.01
        while term.is_alive():
            _close_orphans(self.ctx)
            term.join(pause)
            pause = min(2 * pause, 0.5)
        for task in self.tasks:
            task.thread.join()
            task.wait(math.inf)  # where an interrupt has cut another join short
        _running.discard(self)
        self._ended.set()

    def leftovers(self) -> list[str]:
        """What of this experiment is still there: threads with their line, open sockets."""
        left = [f"thread {task.name}, at {task.where()}" for task in self.tasks if not task.done]
        left += [f"process {process.name}" for process in self.processes if process.alive]
        left += [f"socket: {name}" for name in self.ctx.open_sockets()]
        return left


def _close_own_sockets(ctx: Context) -> None:
    """Close the sockets that the calling thread made and left open."""
    me = threading.get_ident()
    for socket in ctx.unclosed():
        if getattr(socket, "_maker", None) == me:
            socket.close(0)


def _close_lost_sockets(ctx: Context) -> None:
    """Close those of the calling thread that its Context never heard of.

    An interrupt may come when a socket is made and before its Context has noted it; then the
    traceback keeps it open.
    """
    for kept in gc.get_objects():
        mine = issubclass(type(kept), PlainSocket) and kept._maker == threading.get_ident()
        if mine and kept.context is ctx and not kept.closed:
            kept.close(0)


def _close_orphans(ctx: Context) -> None:
    """Close what ended threads left open. A socket of a live thread may be in use: not these."""
    sockets = ctx.unclosed()
    alive = threading.enumerate()  # is_alive() may say that a thread has ended: see Task.wait
    for socket in sockets:
        if getattr(socket, "_thread", None) not in alive:
            socket.close(0)


def assert_all_quiet() -> None:
    """Raise AssertionError if an experiment has left a thread, a process or a socket behind."""
    left = [line for lab in list(_running) for line in lab.leftovers() or ["its Context"]]
    if left:
        raise AssertionError("left behind by an experiment:\n  " + "\n  ".join(left))


# ------------------------------------------------------------------ who is there


class Arrivals:
    """How many peers have finished their handshake with a binding socket.

    Counts ZMTP handshakes on the socket's monitor (zmq_socket_monitor(3)), less the peers that
    have left. Make it before `bind`, and use it in the thread of the socket. inproc has no
    handshake and no monitor events.
    """

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        events = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
        self._socket = socket
        self._monitor = socket.get_monitor_socket(events)
        self._count = 0

    @property
    def count(self) -> int:
        """Peers connected now; the socket's next send knows of them."""
        self._read(0)
        # A send looks for news of its peers about once a millisecond; this call always does.
        self._socket.get(zmq.EVENTS)
        return self._count

    def wait(self, n: int, patience: float) -> None:
        """Return when `n` peers are connected; raise TimeoutError after `patience` seconds."""
        deadline = time.monotonic() + patience
        while self.count < n:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"{self._count} of {n} peers connected within {patience:g} s.\n"
                    "Likely: a peer was not started, or connects to another endpoint."
                )
            self._read(left)

    def _read(self, seconds: float) -> None:
        """Take all events that are there; wait for the first at most `seconds`."""
        while self._monitor.poll(max(0, int(seconds * 1000))):
            event = recv_monitor_message(self._monitor)["event"]
            self._count += 1 if event == zmq.EVENT_HANDSHAKE_SUCCEEDED else -1
            seconds = 0
