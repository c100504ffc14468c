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
import enum
import gc
import math
import shutil
import socket as stdlib_socket
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Self

import zmq

from zmqlab.record.journal import Journal
from zmqlab.record.lens import Context

from .interrupt import WholeWiths, put_off_interrupt
from .process import Process
from .threads import STOPPED, GaveUp, Task, eventually, stop
from .where import origin

_running: weakref.WeakSet[Experiment] = weakref.WeakSet()


class End(enum.IntEnum):
    """How far the end of an experiment has come: each is reached once, and none is left out."""

    NOT_BEGUN = 0
    BEGUN = 1  # by its `with` or by its limit: the Context is told to end, and wakes who waits
    LEFT = 2  # the thread of the `with` uses its sockets no more: what threads leave is closed
    OVER = 3  # the Context has ended, and so have the threads


class _State:
    """The one thing that the `with`, the limit and the thread that ends the Context share."""

    def __init__(self) -> None:
        self.now = End.NOT_BEGUN
        self._news = threading.Condition()

    def reach(self, state: End) -> bool:
        """Whether it was not reached before."""
        with self._news:
            if self.now >= state:
                return False
            self.now = state
            self._news.notify_all()
            return True

    def wait(self, state: End, within: float | None = None) -> bool:
        """Whether it is reached in time."""
        with self._news:
            return self._news.wait_for(lambda: self.now >= state, within)


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
        self.ctx = Context(
            journal=self.journal if record else None, longest_linger=int(grace * 1000)
        )
        self.ctx.linger = linger
        self.tasks: list[Task] = []
        self.processes: list[Process] = []
        self.stuck: list[str] = []  # after the end: who did not end by itself, and where it was
        self._ports: list[stdlib_socket.socket] = []
        self._folder: str | None = None
        self._names = 0
        self._state = _State()
        self._interrupt = WholeWiths()
        self.limit = limit
        self._timer = threading.Timer(limit, self._terminate)
        self._timer.name, self._timer.daemon = f"limit of {name}", True

    def __enter__(self) -> Self:
        self._interrupt.on()
        try:
            _running.add(self)
            self._timer.start()
        except BaseException:  # the `with` is not there yet to end anything
            self.end()
            self._interrupt.off(sys._getframe(1))
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
            try:
                self.end()
            finally:
                self._interrupt.off(sys._getframe(1))
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

    @property
    def over(self) -> bool:
        """Whether nothing of it is left; False after `end`: a thread or a socket goes on."""
        return self._state.now == End.OVER

    def end(self) -> None:
        """End everything: Context, threads, sockets, processes, ports. Twice is once.

        Interrupt waits until that is done.
        """
        with put_off_interrupt():
            self._timer.cancel()
            self._terminate()
            _close_own_sockets(self.ctx)
            self._state.reach(End.LEFT)
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
                if not self._state.wait(End.OVER, self.grace / 2):
                    gc.collect()  # what an event loop has kept in a circle
                self._state.wait(End.OVER, self.grace / 2 + 1)  # what still lingers

    def _terminate(self) -> None:
        """Begin the end: every blocked ZeroMQ call of the Context raises ContextTerminated."""
        if self._state.reach(End.BEGUN):
            threading.Thread(target=self._finish, name=f"end of {self.name}", daemon=True).start()

    def _join_threads(self) -> None:
        """Give the threads their grace; stop the others and note where they were."""
        deadline = time.monotonic() + self.grace
        for task in self.tasks:
            task.wait(deadline - time.monotonic())
        late = {task: task.where() for task in self.tasks if not task.done}
        stop([task.thread for task in late])
        for task, where in late.items():
            after = (
                "was stopped there"
                if task.done
                else f"could not be stopped within {STOPPED:g} s, is left behind and still runs"
            )
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
        self._state.wait(End.LEFT)
        pause = 0.01
        while term.is_alive():
            _close_orphans(self.ctx)
            term.join(pause)
            pause = min(2 * pause, 0.5)
        for task in self.tasks:
            task.thread.join()
            task.wait(math.inf)  # where an interrupt has cut another join short
        _running.discard(self)
        self._state.reach(End.OVER)

    def leftovers(self) -> list[str]:
        """What of this experiment is still there: threads with their line, open sockets."""
        left = [f"thread {task.name}, at {task.where()}" for task in self.tasks if not task.done]
        left += [f"process {process.name}" for process in self.processes if process.alive]
        left += [f"socket: {name}" for name in self.ctx.open_sockets()]
        return left


def _close_own_sockets(ctx: Context) -> None:
    """Close the sockets that the calling thread made and left open."""
    for socket in ctx.unclosed():
        if ctx.maker(socket) is threading.current_thread():
            with contextlib.suppress(Exception):  # of a class of somebody's own
                socket.close(0)
            zmq.Socket.close(socket, 0)


def _close_orphans(ctx: Context) -> None:
    """Close what ended threads left open. A socket of a live thread may be in use: not these."""
    sockets = ctx.unclosed()
    alive = threading.enumerate()  # is_alive() may say that a thread has ended: see Task.wait
    for socket in sockets:
        if ctx.maker(socket) not in alive:
            zmq.Socket.close(socket, 0)  # and nothing that would need its thread


def assert_all_quiet() -> None:
    """Raise AssertionError if an experiment has left a thread, a process or a socket behind."""
    left = [line for lab in list(_running) for line in lab.leftovers() or ["its Context"]]
    if left:
        raise AssertionError("left behind by an experiment:\n  " + "\n  ".join(left))
