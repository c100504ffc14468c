"""The broker that the suite plays, for a worker or a client under test."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, NamedTuple

import zmq
from zmq.utils.monitor import recv_monitor_message

from .frames import HEARTBEAT, READY, Command, Dialect, Frames, Letter
from .outcome import Line
from .playing import STEP, Playing
from .subject import fresh_endpoint

AGAIN = 3.0  # seconds in which an endpoint that was just closed can be bound again


class Message(NamedTuple):
    """What came: when, from whom, the frames behind the address, the peer's socket type."""

    time: float
    peer: bytes
    frames: Frames
    socket: str


class Front(Playing):
    """A ROUTER with a monitor, and what has come to it.

    interval: seconds between its heartbeats to workers that have said READY. `beats`: whether it
    sends them. `came`, `gone`: connections with a handshake, and those that have ended.
    """

    def __init__(
        self, dialect: Dialect, interval: float, selected: frozenset[str], patience: float
    ) -> None:
        super().__init__(dialect, selected, [], time.monotonic(), patience)
        self.interval: float = interval
        self.endpoint = fresh_endpoint()
        self.ctx: zmq.Context[Any] = zmq.Context()
        self.names: dict[bytes, str] = {}
        self.inbox: list[Message] = []
        self.registered: list[bytes] = []
        self.came = self.gone = 0
        self.beats, self.beat_at = True, 0.0
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

    def take_in(self, seconds: float) -> None:
        """Heartbeat where it is due, and take in what comes; wait for it so long at most."""
        now = time.monotonic()
        if self.beats and now >= self.beat_at:
            if self.beat_at:
                self.was_late(now - self.beat_at)
            for peer in self.registered:
                self.send(peer, *self.dialect.command(HEARTBEAT))
            self.beat_at = now + self.interval
        self.router.poll(int(seconds * 1000))
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

    def _note(self, peer: bytes, way: str, frames: Frames) -> None:
        name = self.names.setdefault(peer, f"peer{len(self.names) + 1}")
        self.log.append(Line(time.monotonic() - self.began, name, way, tuple(frames)))

    def __enter__(self) -> Front:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(zmq.ZMQError):
            self.end()
