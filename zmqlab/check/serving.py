"""`serve` on stage: clients that the check plays, the `do` that it is given, one history.

A script lets clients ask and waits; the rules of its play judge the whole history after each step.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any, NamedTuple

import zmq

from zmqlab.envelope import show
from zmqlab.record.journal import Frames, Journal, SocketNote

from .ask import as_code
from .asking import split
from .call import Call
from .judge import Trial
from .machine import Watch
from .peer import on_the_wire
from .report import LONGEST_STORY, Finding, failed, passed, undecided
from .stage import ENDED
from .subject import MACHINE, Function

PATIENCE = 2.0  # seconds for anything that takes a few milliseconds, if all threads wait by then
LATE = 15.0  # seconds, if others have the processor
ENOUGH = 1.0  # seconds of processor time in which any server does what takes milliseconds
LOOKS = 5  # how often in a row all threads must be seen to wait


class Asked(NamedTuple):
    """A client has sent a copy."""

    who: str
    addresses: Frames
    request_id: bytes
    body: Frames


class Began(NamedTuple):
    """`do` was called."""

    call: int  # the first, second … call of all
    request_id: bytes
    body: Frames


class Ended(NamedTuple):
    """That call of `do` has returned these frames; None: it has raised."""

    call: int
    request_id: bytes
    frames: Frames | None


class Got(NamedTuple):
    """A client has got a reply."""

    who: str
    addresses: Frames
    request_id: bytes
    frames: Frames


class Misused(NamedTuple):
    """`do` was called with something else than an id and a list of frames."""

    call: str  # as one could type it


class Odd(NamedTuple):
    """A message of or to a client that has not the form of these."""

    who: str
    way: str
    frames: Frames


class Left(NamedTuple):
    """A client is gone, or has no right to a reply to what it has asked so far."""

    who: str


class Outcome(NamedTuple):
    """A call of the learner's ask has ended."""

    who: str
    request_id: bytes
    call: Call


Event = Asked | Began | Ended | Got | Misused | Odd | Left | Outcome
History = Sequence[Event]


class Broken(NamedTuple):
    """A rule that was broken: what was seen, where to look, the id that it is about."""

    rule: str
    evidence: str
    hint: str
    about: bytes


Rule = Callable[[History], Broken | None]


class Failed(Exception):
    """An error of `do` that no server knows by name."""


class Wrong(Exception):
    """Ends a play: something is wrong, or cannot be known."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


def reading(who: str, way: str, frames: Frames) -> Event:
    """What a client has sent or got on the wire, as an event."""
    found = split(frames)
    if found is None or not found[1] or not found[1][0]:
        return Odd(who, way, frames)
    addresses, (request_id, *rest) = found
    kind = Asked if way == "sent" else Got
    return kind(who, addresses, request_id, tuple(rest))


def owed(history: History) -> list[Asked]:
    """The copies that are to have a reply by now and have none, the earliest first.

    A copy that came before `do` raised may be left without one: the next is tried again.
    """
    waiting: list[Asked] = []
    odd: set[str] = set()
    for event in history:
        match event:
            case Odd(who, "sent"):
                odd.add(who)
            case Asked():
                waiting.append(event)
            case Ended(_, request_id, None):
                waiting = [copy for copy in waiting if copy.request_id != request_id]
            case Left(who):
                waiting = [copy for copy in waiting if copy.who != who]
            case Got(who, addresses, request_id):
                one = (copy for copy in waiting if copy[:3] == (who, addresses, request_id))
                if (copy := next(one, None)) is not None:
                    waiting.remove(copy)
    return [copy for copy in waiting if copy.who not in odd]


class Serving:
    """`serve` among clients of the check; leaving the `with` ends them all.

    promise: the rule that is broken where what a script waits for does not come.
    """

    def __init__(self, serve: Any, rules: Sequence[Rule], promise: str) -> None:
        self.rules, self.promise = rules, promise
        self.watch = Watch()
        self.subject = Function("serve", serve)
        self.others = Trial("clients", linger=0)
        self.others.ctx.reconnect_ivl = 10  # milliseconds
        self.names: dict[SocketNote, str] = {}
        self.clients: dict[str, Any] = {}  # sockets by name
        self.marks: list[tuple[float, Event]] = []
        self.replies: dict[bytes, Frames] = {}  # what `do` returns for an id; else it is made up
        self.raises: dict[bytes, int] = {}  # how often `do` raises for an id, before it returns
        self.gates: dict[bytes, threading.Event] = {}  # `do` returns when that is set,
        self.takes: dict[bytes, float] = {}  # or after so many seconds
        self._calls = 0
        self._late = False  # whether the last `until` gave up because others had the processor
        self._lock = threading.Lock()
        self._exits = ExitStack()

    def __enter__(self) -> Serving:
        with ExitStack() as exits:
            exits.enter_context(self.others)
            self.endpoint = self.others.endpoint()
            exits.push(self.subject.close)
            exits.callback(self.open_gates)
            self.subject.begin({"server": self.endpoint}, self.do)
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._exits.__exit__(*error)

    def do(self, *args: Any) -> list[bytes]:
        """What serve is to do once for each id; may be called in any thread."""
        match args:
            case (bytes() as request_id, list() | tuple() as body):
                pass
            case _:
                self.mark(Misused(f"do({', '.join(map(as_code, args))})"))
                raise TypeError("do takes an id, which is bytes, and a list of frames")
        with self._lock:
            self._calls += 1
            call = self._calls
            self.mark(Began(call, request_id, tuple(body)))
            raises = self.raises.get(request_id, 0)
            self.raises[request_id] = raises - 1
        if request_id in self.gates:
            self.gates[request_id].wait(self.takes.get(request_id))
        if raises > 0:
            self.mark(Ended(call, request_id, None))
            raise (Failed if raises == 1 else RuntimeError)("do could not do it")
        frames = self.replies.get(request_id, (b"result %d" % call, *body))
        self.mark(Ended(call, request_id, frames))
        return list(frames)

    def open_gates(self) -> None:
        """Let `do` return for all ids."""
        for gate in self.gates.values():
            gate.set()

    def mark(self, event: Event) -> None:
        """Put into the history what no message says."""
        self.marks.append((time.monotonic(), event))

    # ---- clients

    def client(self, name: str, kind: int = zmq.DEALER, **options: Any) -> None:
        """A client that is connected, or about to be."""
        socket = self.clients[name] = self.others.ctx.socket(kind)
        self.names[socket.note] = name
        for option, value in options.items():
            setattr(socket, option, value)
        socket.connect(self.endpoint)

    def send(self, who: str, *frames: bytes) -> None:
        """Let a client send these frames; a REQ puts the delimiter before them by itself."""
        self.clients[who].send_multipart(frames)

    def ask(self, who: str, request_id: bytes, *body: bytes, addresses: Frames = ()) -> None:
        """Let a client send a copy of this request."""
        delimiter = () if self.clients[who].note.kind == "REQ" else (*addresses, b"")
        self.send(who, *delimiter, request_id, *body)

    def leave(self, who: str) -> None:
        """Let a client be gone."""
        self.mark(Left(who))
        self.clients.pop(who).close()

    def _receive(self, seconds: float) -> None:
        poller = zmq.Poller()
        for socket in self.clients.values():
            poller.register(socket, zmq.POLLIN)
        for socket, _ in poller.poll(int(seconds * 1000)):
            with suppress(zmq.Again):  # poll also tells of what CORRELATE throws away
                while socket.poll(0):
                    socket.recv_multipart(zmq.NOBLOCK)

    # ---- the history

    @property
    def history(self) -> list[Event]:
        """All that has happened so far, in order."""
        moments = list(self.marks)
        for hop in self.others.journal:
            who = self.names.get(hop.socket, hop.who)
            frames = on_the_wire(hop.socket.kind, hop.frames)
            moments.append((hop.moment, reading(who, hop.way, frames)))
        return [event for _, event in sorted(moments, key=lambda moment: moment[0])]

    def story(self, about: bytes = b"") -> Journal:
        """The latest that was seen of messages with this frame, or of any."""
        both = Journal.joined(self.subject.journal, self.others.journal, names=self.names)
        hops = [hop for hop in both if not about or about in hop.frames]
        return both.only(hops[-LONGEST_STORY if about else -8 :])

    # ---- waiting and judging

    def until(self, condition: Callable[[], object], within: float = LATE) -> bool:
        """Whether the condition comes true; clients receive meanwhile.

        It does not where serve has ended, where all threads wait after PATIENCE, or where serve's
        own have had the processor for long enough.
        """
        began = time.monotonic()
        lap, looks = self.watch.lap(self.subject.threads() or None), 0
        self._late = False
        while True:
            self._receive(0)
            if condition():
                return True
            if self.subject.over:
                self._receive(0.02)
                return bool(condition())
            waited = time.monotonic() - began
            if waited > within:
                self._late = within == LATE
                return False
            if waited > PATIENCE:
                looks = looks + 1 if self.watch.rests() else 0
                if looks >= LOOKS or lap.ran > ENOUGH:
                    return False
            self._receive(0.02)

    def step(self, hint: str = "") -> None:
        """Wait until no copy is owed a reply, then judge."""
        came = self.until(lambda: not owed(self.history))
        self.judge()
        if not came:
            copy = owed(self.history)[0]
            raise Wrong(self.trouble(self._missing(copy), hint, copy.request_id))

    def _missing(self, copy: Asked) -> str:
        told = f"{copy.who} sent {brief((copy.request_id, *copy.body))} and has no reply."
        done = [e for e in self.history if isinstance(e, Ended) and e.request_id == copy.request_id]
        if any(event.frames is not None for event in done):
            return f"{told} do has returned for that id."
        began = any(isinstance(e, Began) and e.request_id == copy.request_id for e in self.history)
        return f"{told} do was {'called' if began else 'not called'} with that id."

    def judge(self) -> None:
        """Judge all that has happened. Wrong: a rule is broken."""
        history = self.history
        for rule in self.rules:
            if broken := rule(history):
                story = self.story(broken.about)
                raise Wrong(failed(broken.rule, broken.evidence, broken.hint, story))

    def trouble(self, evidence: str, hint: str = "", about: bytes = b"") -> Finding:
        """The finding for what did not happen: why serve ended, or where it is."""
        if (ended := self.subject.early_end()) is not None:
            if not ended.rule.endswith(ENDED):
                return ended
            return replace(ended, rule=self.promise, evidence=f"{evidence}\n{ended.evidence}")
        if self._late:
            return undecided(
                self.promise, f"{evidence}\nOthers had the processor all the time.", MACHINE
            )
        evidence += f"\nserve was at {self.subject.here()}"
        return failed(self.promise, evidence, hint, self.story(about))

    def quiet(self, rule: str, seconds: float, most: float) -> None:
        """Wait so long. Wrong: serve was at work for more than this part of the time."""
        lap = self.watch.lap(self.subject.threads() or None)
        while lap.seconds < seconds or (lap.seconds < seconds + 2 and lap.starved):
            threading.Event().wait(max(0.05, seconds - lap.seconds))
        if (ended := self.subject.early_end()) is not None:
            raise Wrong(ended)
        if (busy := lap.busy) > most:
            evidence = f"For {seconds:g} s nobody asked, and serve was at work for {busy:.0%} of "
            evidence += f"the time, at {self.subject.here()}"
            hint = "A call that waits costs nothing. Which one returns at once, and why?"
            raise Wrong(failed(rule, evidence, hint))

    def end(self) -> None:
        """Have serve end with its context. Wrong: how it did that."""
        for finding in self.subject.end(self.watch.lap()):
            raise Wrong(finding)


class Play(NamedTuple):
    """One scenario: a script that acts, what is broken where it does not come, and the rules."""

    title: str
    script: Callable[[Serving], None]
    promise: str
    evidence: str
    rules: Sequence[Rule]
    also: Sequence[tuple[str, str]] = ()  # reported as kept as well

    def perform(self, serve: Any) -> list[Finding]:
        """The findings of this play with a server."""
        try:
            with Serving(serve, self.rules, self.promise) as stage:
                self.script(stage)
                stage.judge()
                stage.open_gates()
                stage.end()
        except Wrong as wrong:
            return [wrong.finding]
        return [passed(*kept) for kept in ((self.promise, self.evidence), *self.also)]


def brief(frames: Frames) -> str:
    """The first frames of a message, in words."""
    more = f" and {len(frames) - 4} more frames" if len(frames) > 4 else ""
    return show(frames[:4], "REQ") + more
