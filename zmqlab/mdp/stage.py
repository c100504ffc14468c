"""Clients and workers that the suite plays against a broker, in one thread.

They have one Context and one loop: `step` lets the workers that shall heartbeat do so and takes in
what has come. A scene acts, waits with `until`, and says what it saw with `check`. A broker that no
longer carries a request of a fresh client to a fresh worker and back is gone (`canary`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any

import zmq

from .frames import DISCONNECT, HEARTBEAT, REPLY, REQUEST, Command, Dialect, Frames, show
from .outcome import FAILED, Line, Result
from .playing import BEAT, LINES, Playing
from .rules import RULES

TRIES = 4  # requests of a canary

_numbers = count(1)


class Gone(Exception):
    """The broker serves no longer."""


class Peer:
    """A client or a worker of the suite; its messages are as a DEALER has them."""

    def __init__(self, stage: Stage, name: str, kind: int, routing_id: bytes, at: str) -> None:
        self.stage, self.name, self.kind = stage, name, kind
        self.socket = stage.ctx.socket(kind)
        self.socket.linger = 0
        self.socket.rcvhwm = self.socket.sndhwm = 0
        if routing_id:
            self.socket.routing_id = routing_id
        self.socket.connect(at)
        self.inbox: list[Frames] = []  # without heartbeats
        self.taken = 0  # how many of them `take` has returned
        self.beats: list[float] = []  # when heartbeats came
        self.odd_beats: list[Frames] = []  # those of another form
        self.other_end = ""  # the broker's socket type, once something has come
        self.heartbeats = False  # whether it sends them
        self.beat_at = 0.0  # when the next is due
        stage.peers.append(self)

    def __repr__(self) -> str:
        return self.name

    def send(self, *frames: bytes) -> None:
        """Send exactly these frames; a REQ puts its empty one before them."""
        self.stage.note(self, "→", (b"", *frames) if self.kind == zmq.REQ else frames)
        self.socket.send_multipart(frames)

    def receive(self) -> None:
        """Take in what has come."""
        while True:
            try:
                parts = self.socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.ZMQError:  # nothing more, or a REQ that has not asked
                return
            frames = tuple(part.bytes for part in parts)
            if self.kind == zmq.REQ:
                frames = (b"", *frames)
            if not self.other_end:
                self.other_end = str(parts[0].get("Socket-Type"))
            self.stage.note(self, "←", frames)
            d = self.stage.dialect
            beat = d.command(HEARTBEAT)
            if frames[: len(beat)] == beat:
                self.beats.append(time.monotonic())
                self.odd_beats += [frames] if frames != beat else []
            else:
                self.inbox.append(frames)

    @property
    def news(self) -> list[Frames]:
        """What has come since the last `take`, heartbeats left out."""
        return self.inbox[self.taken :]

    def take(self) -> list[Frames]:
        """The news, which are none then."""
        found, self.taken = self.news, len(self.inbox)
        return found

    def close(self) -> None:
        """Leave."""
        self.socket.close(0)
        self.stage.peers.remove(self)

    # ---- a client

    def ask(self, service: bytes, *body: bytes) -> None:
        """Send a request."""
        frames = self.stage.dialect.ask(service, body)
        self.send(*(frames[1:] if self.kind == zmq.REQ else frames))

    # ---- a worker

    def command(self, kind: str, *rest: bytes) -> None:
        """Send a worker's command."""
        self.send(*self.stage.dialect.command(kind, *rest))

    def ready(self, service: bytes) -> None:
        """Register, and heartbeat from now on."""
        self.send(*self.stage.dialect.ready(service))
        self.heartbeats, self.beat_at = True, 0.0

    def reply(self, request: Command, *body: bytes, kind: str = REPLY) -> None:
        """Answer a request."""
        self.send(*self.stage.dialect.reply(request.client, body, kind))

    def silent(self) -> None:
        """Send no heartbeats from now on."""
        self.heartbeats = False


@dataclass
class Watched:
    """A worker that is to be sent nothing more; how many heartbeats it had when that began."""

    rule: str
    worker: Peer
    title: str
    beats: int | None = None


class Stage(Playing):
    """The peers around one broker, from its start to its death or the end of the run.

    interval: seconds between the broker's heartbeats; None: not known yet. patience: seconds for
    what takes a broker milliseconds. selected: the rules that are asked for.
    """

    def __init__(
        self,
        endpoints: tuple[str, str],
        dialect: Dialect,
        interval: float | None,
        patience: float,
        selected: frozenset[str],
        log: list[Line],
        began: float,
    ) -> None:
        self.frontend, self.backend = endpoints
        super().__init__(dialect, selected, log, began, patience)
        self.interval = interval
        self.given = interval is not None
        self.mute = False  # whether the broker is known to have no 8/MMI
        self.ctx: zmq.Context[Any] = zmq.Context()
        self.peers: list[Peer] = []
        self.watched: list[Watched] = []
        self.metronome = self.newcomer(self.service())

    def close(self) -> None:
        """End all peers."""
        for peer in list(self.peers):
            peer.close()
        self.ctx.term()

    # ---- scenes

    def begin_scene(self, title: str) -> None:
        """From now on evidence and findings belong to this scene."""
        super().begin_scene(title)
        self.found = {}

    @property
    def late(self) -> float:
        """Seconds by which heartbeats came late in this scene: the suite's own, or the broker's."""
        since = self.scene_began - (self.interval or 1)
        beats = [beat for beat in self.metronome.beats if beat > since]
        gaps = [after - before - (self.interval or 1e9) for before, after in pairwise(beats)]
        return max(self.own_late, *gaps, 0.0)

    def watch(self, rule: str, worker: Peer) -> None:
        """Look at this worker again at the end: it is to be sent nothing more."""
        worker.silent()
        self.watched.append(Watched(rule, worker, self.title))

    # ---- peers

    def service(self) -> bytes:
        """The name of a service that nobody else uses; one letter less is nobody's, either."""
        return b"Suite-%d-%d-end" % (os.getpid(), next(_numbers))

    def client(self, kind: int = zmq.DEALER, routing_id: bytes = b"") -> Peer:
        """A client."""
        return Peer(self, f"c{next(_numbers)}", kind, routing_id, self.frontend)

    def newcomer(self, service: bytes | None = None, routing_id: bytes = b"") -> Peer:
        """A worker; it says READY where a service is given."""
        peer = Peer(self, f"w{next(_numbers)}", zmq.DEALER, routing_id, self.backend)
        if service is not None:
            peer.ready(service)
        return peer

    def worker(self, service: bytes) -> Peer:
        """A worker whose READY the broker has dealt with."""
        peer = self.newcomer(service)
        self.canary()
        return peer

    # ---- the loop

    def note(self, peer: Peer, way: str, frames: Frames) -> None:
        """Write a message down."""
        self.log.append(Line(time.monotonic() - self.began, peer.name, way, frames))

    def take_in(self, seconds: float) -> None:
        """Heartbeat where it is due, and take in what comes."""
        now = time.monotonic()
        every = self.interval / 3 if self.interval else BEAT
        for peer in self.peers:
            if peer.heartbeats and now >= peer.beat_at:
                if peer.beat_at:
                    self.was_late(now - peer.beat_at)
                    peer.command(HEARTBEAT)
                peer.beat_at = now + every
        zmq.select([peer.socket for peer in self.peers], [], [], seconds)
        for peer in list(self.peers):
            peer.receive()

    # ---- what scenes have in common

    def given_to(self, worker: Peer, seconds: float | None = None) -> Command | None:
        """The next REQUEST for this worker, or None; what came before it is left out."""
        found: list[Command] = []

        def looked() -> bool:
            while worker.news and not found:
                command = self.dialect.with_worker(worker.inbox[worker.taken])
                worker.taken += 1
                if isinstance(command, Command) and command.kind == REQUEST:
                    found.append(command)
            return bool(found)

        return found[0] if self.until(looked, seconds) else None

    def requests_to(self, worker: Peer) -> list[Frames]:
        """The REQUESTs among the worker's news, which are none then."""
        commands = [(frames, self.dialect.with_worker(frames)) for frames in worker.take()]
        return [f for f, c in commands if isinstance(c, Command) and c.kind == REQUEST]

    def asked(self, client: Peer, worker: Peer, service: bytes, *body: bytes) -> Command | None:
        """Let a client ask; the REQUEST that the worker gets, or None."""
        client.ask(service, *(body or (b"x",)))
        return self.given_to(worker)

    def answered(self, client: Peer) -> list[Frames]:
        """What the client has got, once something has come or the patience is over."""
        self.until(lambda: client.news)
        return client.take()

    def canary(self) -> None:
        """A fresh client asks a fresh worker. Gone: the answer does not come.

        It orders, too: what the broker was sent before has been dealt with.
        """
        service = self.service()
        worker, client = self.newcomer(service), self.client()
        try:
            request, tries = None, 0
            while request is None:
                if tries == TRIES:
                    raise Gone
                client.ask(service, b"canary")  # again: a request that came first may be dropped
                request = self.given_to(worker, self.patience / TRIES)
                tries += 1
            worker.reply(request, b"alive")
            if not self.answered(client):
                raise Gone
        finally:
            worker.close()
            client.close()

    def told_to_go(self, rule: str, worker: Peer, what: str) -> None:
        """That DISCONNECT comes, and nothing after it; the last is looked at again at the end."""
        goodbye = self.dialect.command(DISCONNECT)
        if not self.until(lambda: worker.news):
            self.say(rule, FAILED, f"{what}: no DISCONNECT within {self.patience:g} s")
        else:
            came = worker.take()
            self.check(
                rule, all(frames == goodbye for frames in came), f"{what}: came {shown(came)}"
            )
        self.watch(rule, worker)

    def settle(self) -> None:
        """What has come to watched workers until now was under way, and does not count."""
        for seen in self.watched:
            if seen.beats is None:
                seen.worker.take()
                seen.beats = len(seen.worker.beats)

    def look_again(self) -> list[Result]:
        """What the watched workers were sent since, apart from another DISCONNECT."""
        goodbye = self.dialect.command(DISCONNECT)
        found = []
        for seen in self.watched:
            rule, worker, title = seen.rule, seen.worker, seen.title
            later = [frames for frames in worker.news if frames != goodbye]
            if seen.beats is not None and len(worker.beats) > seen.beats:
                later.append(self.dialect.command(HEARTBEAT))
            if later and rule in self.selected:
                evidence = f"{title}: {worker} was to get nothing more, and then got {shown(later)}"
                lines = [line for line in self.log if line.who == worker.name][-LINES:]
                found.append(Result(RULES[rule], FAILED, evidence, lines, title))
        return found


def shown(messages: Sequence[Frames]) -> str:
    """Messages in one line; of many, the first."""
    more = [f"and {len(messages) - LINES} more"] if len(messages) > LINES else []
    return "; ".join([*map(show, messages[:LINES]), *more]) or "nothing"
