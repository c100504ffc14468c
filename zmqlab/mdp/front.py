"""The broker that the suite plays, for a worker or a client under test."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import zmq
from zmq.utils.monitor import recv_monitor_message

from .frames import HEARTBEAT, READY, Command, Dialect, Frames, Letter
from .outcome import FAILED, PASSED, RANK, UNDECIDED, Line, Result
from .rules import RULES
from .subject import fresh_endpoint

LINES = 8  # messages that are shown with a result
STEP = 0.01  # seconds that a step waits at most
FORGIVEN = 2.0  # intervals by which the suite's own heartbeats may be late
AGAIN = 3.0  # seconds in which an endpoint that was just closed can be bound again


class Message(NamedTuple):
    """What came: when, from whom, the frames behind the address, the peer's socket type."""

    time: float
    peer: bytes
    frames: Frames
    socket: str


class Front:
    """A ROUTER with a monitor, and what has come to it.

    interval: seconds between its heartbeats to workers that have said READY. `beats`: whether it
    sends them. `came`, `gone`: connections with a handshake, and those that have ended.
    """

    def __init__(self, dialect: Dialect, interval: float, selected: frozenset[str]) -> None:
        self.dialect, self.interval, self.selected = dialect, interval, selected
        self.endpoint = fresh_endpoint()
        self.ctx: zmq.Context[Any] = zmq.Context()
        self.began = time.monotonic()
        self.log: list[Line] = []
        self.results: dict[str, Result] = {}
        self.names: dict[bytes, str] = {}
        self.inbox: list[Message] = []
        self.registered: list[bytes] = []
        self.came = self.gone = 0
        self.beats, self.beat_at, self.late = True, 0.0, 0.0
        self.begin_scene("the beginning")
        self.open()

    def open(self) -> None:
        """Listen; nobody is registered."""
        self.registered = []
        self.router = self.ctx.socket(zmq.ROUTER)
        self.router.linger = 0
        self.router.router_handover = True  # who comes back may have its old routing id
        self.monitor = self.router.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
        )
        end = time.monotonic() + AGAIN
        while True:
            try:
                self.router.bind(self.endpoint)
                return
            except zmq.ZMQError:
                if time.monotonic() > end:
                    raise
                time.sleep(STEP)

    def close(self) -> None:
        """Listen no longer."""
        self.router.disable_monitor()
        self.monitor.close(0)
        self.router.close(0)

    def end(self) -> None:
        """Close, and end the Context."""
        self.close()
        self.ctx.term()

    # ---- messages

    def send(self, peer: bytes, *frames: bytes) -> None:
        """Send exactly these frames to a peer."""
        self._note(peer, "←", frames)
        self.router.send_multipart([peer, *frames])

    def step(self) -> None:
        """Heartbeat where it is due; take in what has come."""
        now = time.monotonic()
        if self.beats and now >= self.beat_at:
            if self.beat_at:
                self.late = max(self.late, now - self.beat_at)
            for peer in self.registered:
                self.send(peer, *self.dialect.command(HEARTBEAT))
            self.beat_at = now + self.interval
        self.router.poll(int(STEP * 1000))
        while self.router.poll(0):
            parts = self.router.recv_multipart(copy=False)
            peer, *frames = (part.bytes for part in parts)
            kind = str(parts[0].get("Socket-Type"))
            message = Message(time.monotonic(), peer, tuple(frames), kind)
            self._note(peer, "→", message.frames)
            self.inbox.append(message)
            if self.begins(message, READY) and peer not in self.registered:
                self.registered.append(peer)
        while self.monitor.poll(0):
            event = recv_monitor_message(self.monitor)["event"]
            self.came += event == zmq.EVENT_HANDSHAKE_SUCCEEDED
            self.gone += event == zmq.EVENT_DISCONNECTED

    def until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Whether a condition comes true; the time in which this process did not run is no time."""
        before = time.monotonic()
        while not condition():
            if seconds <= 0:
                return False
            self.step()
            now = time.monotonic()
            seconds -= min(now - before, 5 * STEP)
            before = now
        return True

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step()

    def command(self, message: Message) -> Command | None:
        """What a worker's message says; None: it is no valid command."""
        found = self.dialect.with_worker(message.frames)
        return found if isinstance(found, Command) else None

    def kind_of(self, message: Message) -> str:
        """The kind of a valid command, or nothing."""
        command = self.command(message)
        return command.kind if command else ""

    def letter(self, message: Message) -> Letter | None:
        """What a client's message says; None: it is no valid request."""
        found = self.dialect.with_client(message.frames, to_broker=True)
        return found if isinstance(found, Letter) else None

    def of_kind(self, kind: str, since: int = 0) -> list[Message]:
        """The commands of a kind that have come since the inbox was that long."""
        return [message for message in self.inbox[since:] if self.kind_of(message) == kind]

    def begins(self, message: Message, kind: str) -> bool:
        """Whether a message begins as a command of this kind, whatever follows."""
        beginning = self.dialect.command(kind)
        return message.frames[: len(beginning)] == beginning

    def readys(self, since: int = 0) -> list[Message]:
        """The messages that begin as READY, with more frames or fewer than it has."""
        return [message for message in self.inbox[since:] if self.begins(message, READY)]

    # ---- verdicts

    def begin_scene(self, title: str) -> None:
        """From now on evidence belongs to this scene."""
        self.title, self.scene_from = title, len(self.log)
        self.scene_began, self.late = time.monotonic(), 0.0

    def say(self, rule: str, verdict: str, evidence: str = "") -> None:
        """Note what was seen of a rule; the worst verdict stays."""
        if rule not in self.selected:
            return
        if verdict == FAILED and RULES[rule].timed and self.late > FORGIVEN * self.interval:
            verdict = UNDECIDED
            evidence = f"the suite's heartbeats were {self.late:.2f} s late: {evidence}"
        old = self.results.get(rule)
        if old is None or RANK[verdict] > RANK[old.verdict]:
            beat = self.dialect.command(HEARTBEAT)
            shown = [line for line in self.log[self.scene_from :] if line.frames != beat]
            lines = shown[-LINES:] if verdict != PASSED else []
            seconds = time.monotonic() - self.scene_began
            self.results[rule] = Result(RULES[rule], verdict, evidence, lines, self.title, seconds)

    def check(self, rule: str, kept: object, evidence: str = "") -> bool:
        """Note whether a rule was kept; the evidence says what was seen where it was not."""
        self.say(rule, PASSED if kept else FAILED, "" if kept else evidence)
        return bool(kept)

    def _note(self, peer: bytes, way: str, frames: Frames) -> None:
        name = self.names.setdefault(peer, f"peer{len(self.names) + 1}")
        self.log.append(Line(time.monotonic() - self.began, name, way, tuple(frames)))

    def __enter__(self) -> Front:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(zmq.ZMQError):
            self.end()
