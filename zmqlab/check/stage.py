"""A learner's broker on stage, among clients and workers that the check plays by hand.

All of them are sockets of one thread, the check's, so that what happens happens in the order that
a scenario wants: a worker answers only when told to. They have a Context of their own and reach
the broker over tcp; nothing is asked of the broker but what its peers can see.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import zmq

from zmqlab.envelope import show
from zmqlab.record.journal import Journal, SocketNote
from zmqlab.record.stories import story

from .call import Call, said
from .judge import Trial, learners_threads
from .machine import Used, busy_part, out_of_turn, starved, used_by, used_by_all
from .report import Finding, failed, passed, undecided

PATIENCE = 5.0  # seconds for anything that takes a few milliseconds
SETTLED = 0.3  # seconds after which what has not come on a quiet stage is not coming
LIMIT = 55.0  # seconds for all scenarios of a check; a few more pass before all has ended
MOMENT = 1.0  # seconds after which a wait is long
BUSY = 0.2  # part of the time that a thread may run that has nothing to do

WAITS = "while there is nothing to do, the broker waits without using the processor"
GOES_ON = "the broker is there until its context ends"
ENDS = "the broker ends with its context and closes its sockets"
ENDED = {"broker runs without an error", "broker goes on until the context ends"}  # says a Call
ONE_THREAD = "a socket is used in one thread only"
IN_TIME = "the check comes to its end"

Frames = tuple[bytes, ...]


class Peer:
    """One client or worker: a socket, what it has received, and what it has not yet answered."""

    def __init__(self, stage: Stage, name: str, socket: Any) -> None:
        self.stage, self.name, self.socket = stage, name, socket
        self.inbox: list[Frames] = []  # all that came, in order
        self.answered = 0  # how many of them it has answered
        self.asked = 0  # how many requests it has sent

    def __repr__(self) -> str:
        return f"{self.name}, a {self.socket.note.kind}"

    def send(self, *frames: bytes) -> None:
        """Send one message, as it is."""
        self.stage.last = f"{self!r}, had sent {show(frames, self.socket.note.kind)}"
        self.socket.send_multipart(frames)

    def ask(self, *body: bytes) -> None:
        """Send a request as a REQ would put it on the wire."""
        self.asked += 1
        self.send(*body) if self.socket.note.kind == "REQ" else self.send(b"", *body)

    @property
    def answers(self) -> list[Frames]:
        """The bodies of the answers that a client got."""
        return [body_of(frames, self.socket.note.kind)[1] for frames in self.inbox]

    @property
    def waiting(self) -> list[Frames]:
        """What a worker has been given and has not answered."""
        return self.inbox[self.answered :]

    def answer(self) -> None:
        """Answer the first of what is waiting, whatever it is, with `done` of its body."""
        frames = self.inbox[self.answered]
        self.answered += 1
        route, body = body_of(frames, self.socket.note.kind)
        self.send(*route, *done(body))

    def leave(self) -> None:
        """Disconnect and be gone."""
        self.stage.leave(self)


class OutOfTime(Exception):
    """Ends a scenario: the check has used its time. Its words say where the broker was."""

    def finding(self) -> Finding:
        """Nothing is known of what was not tried."""
        return undecided(
            IN_TIME,
            f"Its {LIMIT:g} s were over. The broker was at {self}",
            "Every message took long. Where does it wait?",
        )


def wrong_of(findings: Iterable[Finding]) -> list[Finding]:
    """Those that have not passed."""
    return [finding for finding in findings if finding.verdict != "passed"]


def up_to_failure(*steps: Callable[[], list[Finding] | None]) -> Iterator[Finding]:
    """The findings of one step after the other, up to the first that has a failure among them."""
    for step in steps:
        findings = step() or []
        yield from findings
        if wrong_of(findings):
            return


def done(body: Sequence[bytes]) -> Frames:
    """The body of the answer to a request with this body: one frame to one, more to more.

    A body with nothing in it, no frame or an empty one, is answered by the same.
    """
    if tuple(body) in ((), (b"",)):
        return tuple(body)
    answer = (b"done: " + body[0], *body[1:])
    return answer if len(body) == 1 else (*answer, b"")


def body_of(frames: Frames, kind: str) -> tuple[Frames, Frames]:
    """The envelope, its delimiter included, and the body of what a peer of this kind received."""
    if kind in ("REQ", "REP"):
        return (), frames
    end = frames.index(b"") + 1 if b"" in frames else len(frames)
    return frames[:end], frames[end:]


def _says_that_it_is_over(error: BaseException) -> bool:
    """Whether it is ContextTerminated, or a group of that (and of what asyncio cancelled)."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_says_that_it_is_over, error.exceptions))
    if isinstance(error, zmq.ZMQError):  # unbind raises it without the name of its own
        return error.errno == zmq.ETERM
    return isinstance(error, asyncio.CancelledError)


class Stage:
    """A broker in a thread, with peers around it; leaving the `with` ends them all.

    deadline: when the check's time is over, seconds on the monotonic clock.
    """

    def __init__(self, broker: Callable[..., Any], deadline: float = math.inf) -> None:
        self.deadline = deadline
        self.before = set(threading.enumerate())
        self.call = Call("broker", broker)
        self.trial, self.others = Trial("broker"), Trial("peers", linger=0)
        self.peers: list[Peer] = []
        self.names: dict[SocketNote, str] = {}
        self.last = "nobody had sent anything"
        self.over = False
        self.out_of_turn = 0.0  # seconds that a thread stood in line while `until` gave up

    def __enter__(self) -> Stage:
        self.others.__enter__()
        self.trial.__enter__()
        self.frontend, self.backend = self.trial.endpoint(), self.trial.endpoint()
        self.trial.start("broker", self.call, self.frontend, self.backend)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.trial.__exit__(kind, error, trace)
        finally:  # it may raise: the limit of an experiment is over
            self.others.__exit__(kind, error, trace)

    def client(self, name: str, kind: int = zmq.DEALER, routing_id: bytes = b"") -> Peer:
        """A client that is connected, or about to be."""
        return self._peer(name, kind, routing_id, self.frontend)

    def worker(self, name: str, kind: int = zmq.DEALER, routing_id: bytes = b"") -> Peer:
        """A worker that is connected, or about to be."""
        return self._peer(name, kind, routing_id, self.backend)

    def _peer(self, name: str, kind: int, routing_id: bytes, endpoint: str) -> Peer:
        socket = self.others.ctx.socket(kind)
        self.names[socket.note] = name
        if routing_id:
            socket.routing_id = routing_id
        socket.connect(endpoint)
        peer = Peer(self, name, socket)
        self.peers.append(peer)
        return peer

    def leave(self, peer: Peer) -> None:
        """Close a peer's socket."""
        self.peers.remove(peer)
        peer.socket.close()

    # ---- waiting

    def until(self, condition: Callable[[], object], within: float = PATIENCE) -> bool:
        """Whether the condition comes true in time; the peers receive meanwhile.

        A broker that has ended brings nothing more: then it does not. OutOfTime: the check has
        used its own time.
        """
        began = time.monotonic()
        deadline = min(began + within, self.deadline)
        self.out_of_turn, before = 0.0, None
        while True:
            self._receive(0)
            if condition():
                return True
            left = deadline - (now := time.monotonic())
            if before is None and now - began > MOMENT:  # it takes long: is it the machine?
                before, since = used_by_all(), now
            if left <= 0 and before is not None:
                self.out_of_turn = out_of_turn(before, used_by_all(), now - since)
            if left <= 0 or self.call.done:
                self._receive(0.02)
                came = bool(condition())
                if not came and not self.call.done and deadline == self.deadline:
                    raise OutOfTime(self.call.here())
                return came
            self._receive(min(left, 0.02))

    def settle(self, seconds: float = SETTLED) -> None:
        """Wait until nothing has come for so long."""
        seen = -1
        while seen != (seen := sum(len(peer.inbox) for peer in self.peers)):
            self.until(lambda: False, seconds)

    def _receive(self, seconds: float) -> None:
        if not self.peers:  # pyzmq's poll would return at once, whatever its time-out
            threading.Event().wait(seconds)
            return
        poller = zmq.Poller()
        by_socket = {peer.socket: peer for peer in self.peers}
        for socket in by_socket:
            poller.register(socket, zmq.POLLIN)
        for socket, _ in poller.poll(int(seconds * 1000)):
            while socket.poll(0):
                by_socket[socket].inbox.append(tuple(socket.recv_multipart()))

    # ---- what was seen

    def story(self, *frames: bytes) -> Journal:
        """What broker and peers saw of the stories in which these frames are carried."""
        whole = Journal.joined(self.trial.journal, self.others.journal, names=self.names)
        return story(whole, *frames)

    def trouble(self, rule: str, evidence: str, hint: str = "", *frames: bytes) -> Finding:
        """The finding for what did not happen: why the broker ended, or where it is."""
        if (ended := self.call.early_end()) is not None:
            if ended.rule not in ENDED:
                return ended
            return replace(
                ended, rule=rule, evidence=f"{ended.evidence}\nBefore that, {self.last}."
            )
        if self.out_of_turn:
            return self.slow(rule, evidence)
        evidence += f"\nThe broker was at {self.call.here()}"
        return failed(rule, evidence, hint, self.story(*frames) if frames else None)

    def slow(self, rule: str, evidence: str) -> Finding:
        """The finding for what may not have happened because the machine was at other work."""
        return undecided(
            rule,
            f"{evidence}\nFor {self.out_of_turn:.1f} s others had the processor.",
            "This may be the machine, not your code. Run it again when it has less to do.",
        )

    def bound(self) -> str:
        """What the broker has bound, in words; of sockets that were recorded."""
        known = {self.frontend: "the frontend", self.backend: "the backend"}
        ends = [
            f"a {note.kind} at {known.get(end, end)}"
            for note in self.trial.journal.sockets
            for end in note.bound
        ]
        return " and ".join(ends) or "nothing"

    def quiet(self, seconds: float, where: str) -> list[Finding]:
        """Whether the broker uses the processor although nothing happens on the stage."""
        rule = f"{WAITS}: {where}"
        began, before = time.monotonic(), self._used()
        elapsed = 0.0
        while elapsed < seconds or (
            elapsed < seconds + 2 and starved(before, self._used(), elapsed)
        ):
            threading.Event().wait(max(0.05, seconds - elapsed))
            elapsed = time.monotonic() - began
        used = busy_part(before, self._used(), elapsed)
        if self.call.done:
            return [self.trouble(GOES_ON, "")]
        if used <= BUSY:
            return [passed(rule, f"at work for less than {BUSY:.0%} of the time")]
        return [
            failed(
                rule,
                f"For {seconds:g} s nothing happened, and the broker was at work for "
                f"{used:.0%} of the time, at {self.call.here()}",
                "A call that waits costs nothing. One that asks again and again takes the "
                "processor from the workers: which one returns at once, and why?",
            )
        ]

    def _used(self) -> dict[int, Used]:
        """What each thread that runs the broker has used of the processor so far."""
        threads = {self.call.thread, *learners_threads(self.before)}
        return {t.ident: used_by(t) for t in threads if t is not None and t.ident and t.is_alive()}

    # ---- the end

    def end(self) -> list[Finding]:
        """End the broker's context; what is to be said of how the broker took that."""
        if problem := self.call.early_end():
            return [problem]
        began, before = time.monotonic(), used_by_all()
        self.trial.end()
        self.out_of_turn = out_of_turn(before, used_by_all(), time.monotonic() - began)
        call = self.call
        if self.out_of_turn and (late := call.late_end()):
            return [self.slow(late.rule, late.evidence)]
        findings = [
            call.late_end(),
            self._raised_at_the_end(),
            call.sockets_left(),
            *self._used_by_two(),
        ]
        wrong = [finding for finding in findings if finding is not None]
        return wrong or [passed(ENDS, "and not before")]

    def _raised_at_the_end(self) -> Finding | None:
        """The finding for another error than the one that says that the context has ended."""
        error = self.call.error
        if error is None or _says_that_it_is_over(error):
            return None
        return failed(
            "broker ends with the context",
            f"The context ended, and broker raised {said(error)}\nat {self.call.where}",
            "zmq.ContextTerminated is the sign to end, and the one error that a caller expects: "
            "let it escape.",
        )

    def _used_by_two(self) -> Iterator[Finding]:
        """Sockets of the broker that another thread than its maker has used."""
        for hop in self.trial.journal:
            if hop.who != hop.socket.who:
                yield failed(
                    ONE_THREAD,
                    f"{hop.socket!r} was made by the thread {hop.socket.who} and {hop.way} a "
                    f"message in the thread {hop.who}.",
                    "A socket is not safe in two threads: messages of several frames come out "
                    "mixed, or the process dies. One loop can serve both sockets.",
                )
                return
