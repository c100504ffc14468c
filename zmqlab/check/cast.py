"""The cast of a pipeline: the learner's function, and workers that come, take tasks and go."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple

import zmq
from zmq.utils.monitor import recv_monitor_message

from zmqlab.record.journal import Journal
from zmqlab.record.lens import Socket
from zmqlab.record.place import place_of
from zmqlab.run.threads import GaveUp, eventually

from .call import ALWAYS_LATE, Call
from .judge import Scenario, Trial, judge, learners_threads
from .machine import Lap, Used, Watch, out_of_turn, used_by_all
from .pipeline import History, Mark, Rule, all_taken, judged
from .report import Finding, Report

TICK = 0.005  # seconds between two looks at what a scenario waits for
ENOUGH = 0.5  # seconds of processor time in which any function does what takes milliseconds

Note = Callable[..., None]  # note(what, value=None) puts a mark into the history


class Cast:
    """The learner's function and the check's workers, each side with a Context of its own.

    Leaving the `with` ends the learner's Context, lets the workers take what is still on its way,
    and ends theirs. From then on `history` is what was seen.
    """

    history: History

    def __init__(self, grace: float = 1.0) -> None:
        self.own, self.others = Trial("lab", grace=grace), Trial("workers", linger=0)
        self.calls: list[Call] = []
        self.tasks: Any = ()  # for the history
        self.patience = 0.0
        self.marks: list[Mark] = []
        self.reading = threading.Event()  # workers take what has come only when this is set
        self.reading.set()
        self.over = threading.Event()  # nothing more is going to happen
        self.exits = contextlib.ExitStack()  # what is to be closed when the workers have taken all
        self._endpoints: list[str] = []
        self._threads: list[threading.Thread] = []
        self._before = set(threading.enumerate())
        self._watch, self._late = Watch(), 0.0
        self._began, self._used = time.monotonic(), used_by_all()

    def __enter__(self) -> Cast:
        with contextlib.ExitStack() as exits:
            exits.enter_context(self.others)
            exits.enter_context(self.own)
            exits.callback(self.reading.set)
            exits.callback(self.over.set)
            self.exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._end()
        finally:
            self.exits.__exit__(kind, error, trace)

    def endpoint(self, transport: str = "tcp") -> str:
        """A place where the learner's function and the workers meet."""
        self._endpoints.append(self.own.endpoint(transport))
        return self._endpoints[-1]

    def meets(self, endpoints: Iterable[str]) -> bool:
        """Whether one of these endpoints is such a place."""
        return not {place_of(end) for end in self._endpoints}.isdisjoint(map(place_of, endpoints))

    def call(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        who: str = "",
        among: Trial | None = None,
        socket_class: type[Socket] = Socket,
    ) -> Call:
        """Call a function of the learner's in a thread of its own.

        who: the thread's name, if it is not the function's. among: whose Context it gets, if not
        that of the learner's side.
        """
        call = Call(name, function, socket_class=socket_class)
        self.calls.append(call)
        self._threads.append((among or self.own).start(who or name, call, *args).thread)
        return call

    def come(self, who: str, worker: Callable[..., Any], *args: Any) -> None:
        """Let a worker of the check's come: worker(ctx, note, *args) in a thread of its own.

        It calls note(what) for what no message says.
        """
        self.mark(who, "came")
        self.others.start(who, worker, partial(self.mark, who), *args)

    def mark(self, who: str, what: str, value: Any = None) -> None:
        """Note what no message says."""
        self.marks.append(Mark(time.monotonic(), who, what, value))

    def marked(self, what: str) -> set[str]:
        """Who has been marked so."""
        return {mark.who for mark in list(self.marks) if mark.what == what}

    def until(self, condition: Callable[[], object], within: float) -> bool:
        """Whether the condition comes true in time; how late the machine is, is noted."""
        last = time.monotonic()

        def look() -> object:
            nonlocal last
            now = time.monotonic()
            self._late += max(0.0, now - last - TICK - ALWAYS_LATE)
            last = now
            return condition()

        try:
            eventually(look, within, "", every=TICK)
        except GaveUp:
            return False
        return True

    def lap(self) -> Lap:
        """What the threads with code of the learner's do from now on."""
        return self._watch.lap([*self._threads, *learners_threads(self._before)])

    def _end(self) -> None:
        problem = next((found for call in self.calls if (found := call.problem())), None)
        over, late = time.monotonic(), self._late
        late += sum(call.late for call in self.calls) + max(call.in_line for call in self.calls)
        used = used_by_all()  # also by threads that came since
        late += out_of_turn(
            dict.fromkeys(used, Used(0.0, 0.0)) | self._used, used, over - self._began
        )
        waited = max(call.waited for call in self.calls)
        if waited and max((used.ran for used in self.lap().before.values()), default=0.0) > ENOUGH:
            late = 0.0  # it has had the processor, and keeps it from others
        # Who does not read yet begins when the end has begun: what would not wait for it, is lost.
        if not self.reading.is_set():
            threading.Timer(0.25, self.reading.set).start()
        self.own.end()
        self.reading.wait()
        journal = self.own.journal
        notes = [note for note in journal.sockets if self.meets([*note.bound, *note.connected])]
        self.history = History(
            self.calls[0],
            self.tasks,
            self.patience,
            problem,
            waited,
            journal.sockets,
            Journal.of((hop for hop in journal if hop.socket in notes), notes),
            marks=self.marks,
            late=late,
            over=over,
            ended=time.monotonic(),
            left_open=not self.own.over,
        )
        if self.marked("tried") | self.marked("connected"):
            self.until(lambda: all_taken(self.history), 3.0 if self.own.over else 0.5)
        self.history.workers = self.others.journal


def follow(
    socket: Any, endpoint: str, note: Note, reading: threading.Event
) -> Iterator[list[bytes]]:
    """Connect; then each message that comes, until the other side has gone and all is taken."""
    monitor = socket.get_monitor_socket(
        zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED
    )
    socket.connect(endpoint)
    return _messages(socket, monitor, note, reading)


def _messages(
    socket: Any, monitor: Any, note: Note, reading: threading.Event
) -> Iterator[list[bytes]]:
    connected = False
    while True:
        if connected:
            reading.wait()
        if monitor not in zmq.select([monitor, socket] if connected else [monitor], [], [])[0]:
            yield socket.recv_multipart()
            continue
        event = recv_monitor_message(monitor)["event"]
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            connected = True
            note("connected")
        elif event == zmq.EVENT_CONNECT_RETRIED:
            note("tried")
        elif connected:
            while socket.poll(100):
                yield socket.recv_multipart()
            note("gone")
            return


class Act(NamedTuple):
    """One scenario: a script, and the rules in the order of blame."""

    title: str  # shown as not tried when an earlier one has not passed
    script: Callable[..., None]  # script(cast, *the learner's functions)
    rules: Sequence[Rule]
    grace: float = 1.0  # seconds that what was sent has to leave when the Context ends

    def play(self, *functions: Any) -> list[Finding]:
        """Act, then judge."""
        with Cast(self.grace) as cast:
            self.script(cast, *functions)
        return judged(cast.history, self.rules)


def check(lab: str, functions: Mapping[str, Any], acts: Sequence[Act]) -> Report:
    """Play the acts as long as they pass, and report; see `judge`."""
    return judge(lab, functions, [Scenario(act.title, act.play, again=True) for act in acts])
