"""A function that lives many times, each time in a process that may be killed before any step.

    with Lives(server) as lives:
        for n in count(1):
            life = lives.begin(frontend, backend, path, kill_before=n)
            …                                       # peers do what they do, until life.over
            life.killed_before                      # the step that it did not come to
            life = lives.begin(frontend, backend, path)     # and what has it kept?

A helper process imports what the function needs, once, has no Context, and forks for each life.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from itertools import count
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple, Self

import cloudpickle
import zmq

from .interrupt import put_off_interrupt
from .process import Process
from .steps import KILL, Counter, Killed, Step
from .threads import eventually
from .where import origin

FORKS = hasattr(os, "fork")
PATIENCE = 30.0  # seconds for the end of a process that is killed
_HELPER = """
import sys
from multiprocessing.connection import Connection
orders = Connection(int(sys.argv[1]))
sys.path[:] = orders.recv()
from zmqlab.run.lives import serve
serve(orders)
"""


class Lives:
    """A function to be run in processes of its own: `function(ctx, *args)`, ctx a zmq.Context.

    It may come from a notebook; what it prints goes nowhere. Leaving the `with` kills them all.
    forks: False to start a process anew for each life, as it is where there is no fork.

    Raises what cloudpickle raises of a function that cannot be taken to another process.
    """

    def __init__(self, function: Callable[..., Any], *, forks: bool = FORKS) -> None:
        self.forks = forks
        self._lives: list[Life] = []
        self._numbers = count(1)
        self._function: bytes = cloudpickle.dumps(function)  # type: ignore[no-untyped-call]

    def __enter__(self) -> Self:
        with put_off_interrupt():
            self._folder = Path(tempfile.mkdtemp(prefix="zmqlab-"))
            self._made: _Forked | _Started
            self._made = _Forked(self._function) if self.forks else _Started(self._function)
        return self

    def __exit__(self, *_: object) -> None:
        with put_off_interrupt():
            self._made.end()
            for life in self._lives:
                life.keep()
            shutil.rmtree(self._folder, ignore_errors=True)

    def begin(self, *args: Any, kill_before: int = 0) -> Life:
        """Begin a life. It kills itself before its step of this number; 1 is the first, 0 none."""
        with put_off_interrupt():
            log = self._folder / str(next(self._numbers))  # also when two threads begin at once
            life = Life(self._made, self._made.begin(Order(args, kill_before, str(log))), log)
            self._lives.append(life)
            return life


class Order(NamedTuple):
    """How a life is to be: the function's arguments, when it ends, and where its steps are kept."""

    args: tuple[Any, ...]
    kill_before: int
    log: str


class Life:
    """One run of the function in a process."""

    def __init__(self, made: _Forked | _Started, number: int, log: Path) -> None:
        self._made, self._number, self._log = made, number, log
        self._kept: bytes | None = None

    def keep(self) -> None:
        """Keep what is known of it, now that its log goes; it can be asked for afterwards."""
        self._kept = self._written()

    @property
    def over(self) -> bool:
        """Whether its process has ended, in any way."""
        return self._made.ended(self._number) is not None

    def kill(self) -> None:
        """End it at once, without any chance to clean up; return when it is gone."""
        self._made.kill(self._number)
        eventually(lambda: self.over, PATIENCE, "the end of a process that was killed")

    @property
    def pid(self) -> int | None:
        """Its process id; None until it is there."""
        return next((entry for entry in self._entries() if isinstance(entry, int)), None)

    @property
    def steps(self) -> list[Step]:
        """The steps that it has taken so far."""
        return [entry for entry in self._entries() if isinstance(entry, Step)]

    @property
    def killed_before(self) -> Step | None:
        """The step before which it has killed itself; None if it has not."""
        return next((entry.step for entry in self._entries() if isinstance(entry, Killed)), None)

    @property
    def failure(self) -> str:
        """How it ended that nobody has killed: "ValueError: too few, at line 4 of server"."""
        if said := next((entry for entry in self._entries() if isinstance(entry, str)), ""):
            return said
        status = self._made.ended(self._number) or 0
        by_itself = status < 0 and -status != KILL
        return f"it ended by {signal.Signals(-status).name}" if by_itself else ""

    def _entries(self) -> Iterator[object]:
        log = io.BytesIO(self._written() if self._kept is None else self._kept)
        with contextlib.suppress(EOFError, pickle.UnpicklingError):  # the last may be half there
            while True:
                yield pickle.load(log)

    def _written(self) -> bytes:
        return self._log.read_bytes() if self._log.exists() else b""


# ------------------------------------------------------------------ how processes are made


class _Forked:
    """Lives that a helper forks; the orders go to it, and it says who has ended."""

    def __init__(self, function: bytes) -> None:
        self._orders, theirs = Pipe()
        self._lock = threading.Lock()
        self._begun = 0
        self._ended: dict[int, int] = {}  # exit status by number; less than 0: minus the signal
        self._helper = subprocess.Popen(
            [sys.executable, "-c", _HELPER, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # Interrupt in the notebook is not for it
        )
        theirs.close()
        self._orders.send(sys.path)
        self._orders.send_bytes(function)

    def begin(self, order: Order) -> int:
        with self._lock:
            self._begun += 1
            self._send((self._begun, order))
            return self._begun

    def kill(self, number: int) -> None:
        with self._lock:
            self._send((number, None))

    def _send(self, order: tuple[int, Order | None]) -> None:
        self._orders.send_bytes(cloudpickle.dumps(order))  # type: ignore[no-untyped-call]

    def ended(self, number: int) -> int | None:
        """The exit status of a life; None while it goes on."""
        with self._lock:
            while not self._orders.closed and self._orders.poll():
                ended, status = self._orders.recv()
                self._ended[ended] = status
            return self._ended.get(number, -KILL if self._orders.closed else None)

    def end(self) -> None:
        self._orders.close()  # at which it kills them all, and ends
        try:
            self._helper.wait(PATIENCE)
        finally:
            self._helper.kill()
            self._helper.wait()


def serve(orders: Connection) -> None:
    """Be the helper: fork a process for each life that is ordered, until nobody is there any more.

    What is ordered is (number, Order), or (number, None): kill it.
    """
    counter = Counter()
    counter.count()
    function = _loaded(orders.recv_bytes())
    pids: dict[int, int] = {}
    lives: dict[int, int] = {}  # by a pipe that closes when the process ends: its number
    while True:
        for ready in wait([orders, *lives]):
            if isinstance(ready, int):
                number = lives.pop(ready)
                os.close(ready)
                _, status = os.waitpid(pids.pop(number), 0)
                with contextlib.suppress(OSError):  # nobody is there any more
                    orders.send((number, os.waitstatus_to_exitcode(status)))
                continue
            try:
                number, order = pickle.loads(orders.recv_bytes())
            except EOFError:
                for pid in pids.values():
                    os.kill(pid, KILL)
                    os.waitpid(pid, 0)
                return
            if order is None:
                if number in pids:
                    os.kill(pids[number], KILL)
                continue
            until_it_ends, held = os.pipe()
            pid = os.fork()
            if not pid:
                orders.close()
                _live(counter, function, order)
            os.close(held)
            pids[number], lives[until_it_ends] = pid, number


class _Started:
    """Lives that are each a process that imports anew."""

    def __init__(self, function: bytes) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._processes: list[Process] = []

    def begin(self, order: Order) -> int:
        process = Process("a life", _start, (self._function, order))
        with self._lock:
            self._processes.append(process)
            return len(self._processes)

    def kill(self, number: int) -> None:
        self._processes[number - 1].kill()

    def ended(self, number: int) -> int | None:
        return self._processes[number - 1].status

    def end(self) -> None:
        for process in self._processes:
            process.end()


def _start(_: Any, function: bytes, order: Order) -> None:
    """Live in a process that was made for one life; its Context stays unused."""
    counter = Counter()
    counter.count()
    _live(counter, _loaded(function), order)


def _loaded(function: bytes) -> Callable[..., Any]:
    """The function; one that raises why it cannot be had here, if it cannot."""
    try:
        loaded: Callable[..., Any] = pickle.loads(function)
        return loaded
    except Exception as error:
        missing = error

        def cannot(*_: Any) -> None:
            raise missing

        return cannot


def _live(counter: Counter, function: Callable[..., Any], order: Order) -> None:
    """Call the function in this process, note how that ended, and be gone."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for printed in (1, 2):
            os.dup2(nowhere, printed)
        counter.begin(order.log, order.kill_before)
        counter.note(os.getpid())
        function(zmq.Context(), *order.args)
        counter.note("it returned")
    except BaseException as error:
        counter.note(f"{type(error).__name__}: {error}, at {origin(error)}")
    finally:
        os._exit(0)
