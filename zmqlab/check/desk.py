"""The stage of a store: clients that ask one question at a time, and a server that may die.

When the server was killed, what it had sent is read, its peers end with it, the next one begins
at the same endpoints, and new peers come in their place: workers under new names, which say
READY, and clients, which ask again what was not answered.
"""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import zmq

from . import ready
from .dispatch import Event, Frames, Odd
from .living import Living
from .machine import Watch
from .peer import Peer
from .promises import FETCHED, HINTS, KEPT, REPLY, WAIT, Promises
from .stage import Stage, Wrong

AGAIN = 5  # milliseconds after which a peer tries again to connect
GONE = 1000  # milliseconds in which the end of a connection is seen
PAUSE = 0.01  # seconds from one question for a reply to the next, at first
BROKEN = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED | zmq.EVENT_CONNECT_RETRIED


def reading(role: str, way: str, who: str, frames: Frames) -> Event | None:
    """The contract's table: workers as those that say READY; a client's messages as they are."""
    if role == "client":
        return Odd(role, who, way, frames)
    return ready.reading(role, way, who, frames)


class Desk(Stage):
    """A store among its clients and workers."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.others.ctx.reconnect_ivl = self.others.ctx.reconnect_ivl_max = AGAIN
        self._replies, self._workers = count(1), count(1)
        if isinstance(self.subject, Living):
            self.watch = Watch(here=False)  # others play beside it

    @property
    def promises(self) -> Promises:
        """What follows from the history so far."""
        return Promises(self.history)

    def owed(self) -> list[str]:
        """What has to happen without the peers' doing, in words."""
        return self.promises.owed()

    # ---- what peers do

    def peer(
        self, role: str, name: str, kind: int = zmq.DEALER, routing_id: bytes = b"", **more: Any
    ) -> Peer:
        """A peer; one of a server that may die goes by its name, so that its end can be told."""
        if isinstance(self.subject, Living):
            routing_id = routing_id or name.encode()
        return super().peer(role, name, kind, routing_id, **more)

    def worker(self, kind: int = zmq.DEALER, routing_id: bytes = b"") -> Peer:
        """A worker that comes and says READY; it answers when it is told to."""
        peer = self.peer("worker", f"w{next(self._workers)}", kind, routing_id)
        peer.send(*ready.SAYS)
        return peer

    def at_once(self, worker: Peer) -> None:
        """From now on this worker replies at once, each time something else."""
        self.automatic[worker.name] = self.another_reply

    def another_reply(self, body: Frames) -> Frames:
        """A reply unlike all others."""
        return (b"reply %d to " % next(self._replies) + body[0][:64], *body[1:])

    def answer_all(self) -> None:
        """Let all workers that hold a request reply."""
        for who in list(self.promises.holds):
            self.answer(who)

    def ask(self, client: Peer, command: bytes, id: bytes, *body: bytes) -> Frames:
        """Let a client ask, and wait until nothing is owed; returns its answer."""
        client.ask(command, id, *body)
        self.step()
        return self.promises.told[client.name]

    def fetch(self, client: Peer, id: bytes) -> None:
        """Let a client ask for a reply until it gets one."""
        self.ask(client, REPLY, id)
        asked, pause = time.monotonic(), PAUSE

        def has_come() -> bool:
            nonlocal asked, pause
            promises = self.promises
            if client.name in promises.asked:
                return False
            if promises.told[client.name][:1] == (WAIT,):
                if time.monotonic() > asked + pause:
                    client.ask(REPLY, id)
                    asked, pause = time.monotonic(), 2 * pause
                return False
            return True

        while not self.until(has_come):
            if not self.rise():
                self.judge()
                died = self.promises.died
                raise self.wrong(
                    KEPT if died else FETCHED, f"{client.name} has got no reply, only [300].", id
                )
        self.judge()

    # ---- waiting

    def step(self, rule: str = "", hint: str = "") -> None:
        """Wait until nothing is owed, then judge; a server that was killed begins again."""
        seen = self.chronicle.size

        def nothing_owed() -> bool:
            nonlocal seen
            if not self.owed():
                return True
            if seen != (seen := self.chronicle.size):
                self.judge()
            return False

        while not self.until(nothing_owed):
            self.judge()
            if not self.rise():
                asked = [question.id for question in self.promises.asked.values()]
                ids = asked or list(self.promises.waiting)[:1]
                owed = "\n".join(self.owed()[:3])
                raise self.wrong(rule or self.play.promise, owed, *ids, hint=hint)
        self.judge()

    def judge(self) -> None:
        """As on any stage; what the server did in its own process belongs to the story."""
        if isinstance(self.subject, Living) and self.promises.broken:
            self.subject.learn()
        super().judge()

    def wrong(self, rule: str, evidence: str, *ids: bytes, hint: str = "") -> Wrong:
        """That something has not come."""
        if isinstance(self.subject, Living):
            self.subject.learn()
        if died := self.promises.died:
            evidence, hint = f"{evidence}\nBefore that, {died}.", hint or HINTS[KEPT]
        return Wrong(self.trouble(rule, evidence, hint, *ids))

    # ---- the death of the server

    def kill(self) -> None:
        """Kill the server when it has nothing to do; the next one begins."""
        assert isinstance(self.subject, Living)
        self.calm()
        self.subject.kill()
        self.rise()
        self.step()

    def rise(self) -> bool:
        """Begin again a server that was killed, with new peers; False if it was not."""
        server = self.subject
        if not isinstance(server, Living) or not server.over or not server.how:
            return False
        self._read_out()
        server.learn()
        unanswered = self.promises.asked
        self.mark(Odd("server", server.how, "killed", ()))
        before, self.peers = self.peers, []
        kinds = {peer: peer.socket.get(zmq.TYPE) for peer in before}
        for peer in before:
            peer.socket.close()
        server.begin_again()
        self.watch.pids = server.pids
        for peer, kind in kinds.items():
            if peer.role == "worker":
                worker = self.worker(kind)
                if peer.name in self.automatic:
                    self.at_once(worker)
                continue
            peer.socket = self.client(peer.name, kind).socket
            self.peers[-1] = peer
            if peer.name in unanswered:
                command, id, body = unanswered[peer.name]
                peer.ask(command, id, *body)
        return True

    def _read_out(self) -> None:
        """Take in what the dead server had sent: all of it is there when the connection is not."""
        monitors = [peer.socket.get_monitor_socket(BROKEN) for peer in self.peers]
        for peer, monitor in zip(self.peers, monitors, strict=True):
            monitor.poll(GONE)
            peer.socket.disable_monitor()
            monitor.close(0)
        self.receive(0)
