"""A stage whose peers say once per interval that they are there, until they fall silent.

What it judges by time it judges by what it has sent itself, and when. By how much that was late is
noted, and for how long a thread of the experiment stood in line for a processor, where the system
says so. Nothing else excuses a program.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import zmq
from zmq.sugar import poll

from zmqlab.record.lens import Socket

from .dispatch import Beat, Dead, Read, Silent, Stretch
from .lab import Pulse
from .peer import Peer
from .report import Finding, undecided
from .stage import Stage, Wrong
from .subject import MACHINE, Function

READY, HEARTBEAT = b"\x01", b"\x02"  # one frame each (6/PPP)
SLOW = Pulse(5.0, 4)  # where nobody is to be evicted
SLACK = 0.05  # seconds between two turns that are nobody's lateness
LOOK = 0.1  # seconds between two looks at who stands in line for a processor
EXCUSE = 0.3  # part of the patience, or
EXCUSED = 2.0  # intervals: later than either, and nothing is proved by time


class Beating(Stage):
    """Workers that heartbeat by themselves, from the moment when they have said READY.

    late: how late the machine was, in seconds: the longest that a turn of its own loop was late, or
    that a thread waited for a processor. timed: the rules that depend on when something was said.
    """

    def __init__(self, *args: Any, timed: Collection[str] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.timed = timed
        self.pulse = self.play.pulse or SLOW
        self.rhythm: dict[str, float] = {}  # of who heartbeats: seconds from one to the next
        self.signs: dict[str, Iterator[bytes]] = {}  # what they say then
        self.due: dict[str, float] = {}
        self.late, self._next = 0.0, math.inf
        self._in_line: dict[int, float] = {}  # by thread: seconds so far
        self._looked = 0.0
        self.goes = threading.Event()  # cleared: the subject stands still where it has read
        self.goes.set()
        self.moves = lambda: (sum(not isinstance(e, Beat | Read) for e in self.history),)
        if isinstance(self.subject, Function):
            self.subject.call.socket_class = self.held = _stands_still_by(self.goes)

    def __exit__(self, *error: Any) -> None:
        self.goes.set()
        super().__exit__(*error)

    def told(self) -> tuple[Any, ...]:
        """What the subject is given behind its endpoints."""
        return self.pulse.interval, self.pulse.liveness

    def receive(self, seconds: float) -> None:
        """Send what heartbeats are due, then take in what comes."""
        now = time.monotonic()
        self.late = max(self.late, now - self._next - SLACK)
        for peer in self.peers:
            if peer.name in self.rhythm and now >= self.due[peer.name]:
                self.late = max(self.late, now - self.due[peer.name] - SLACK)
                self.beat(peer, next(self.signs[peer.name]))
                self.due[peer.name] = now + self.rhythm[peer.name]
        if now - self._looked > LOOK:
            self.look(now)
        self._next = time.monotonic() + seconds
        super().receive(seconds)

    def look(self, now: float) -> None:
        """Note who has stood in line meanwhile; a long wait is told when it has come to its end."""
        before, self._looked = self._in_line, now
        self._in_line = {thread: used.in_line for thread, used in self.watch.look().items()}
        waits = [line - before.get(thread, line) for thread, line in self._in_line.items()]
        self.late = max(self.late, *waits, 0.0)

    def beat(self, peer: Peer, sign: bytes = HEARTBEAT) -> None:
        """Have it send a heartbeat, or another sign that it is alive."""
        peer.socket.send(sign)

    def hire(self, *names: str, kind: int = zmq.DEALER, routing_id: bytes = b"") -> None:
        """Workers that come one after the other, and heartbeat from then on."""
        for name in names:
            self.speak(name)  # before it is there: nobody knows how long that takes
            super().hire(name, kind=kind, routing_id=routing_id)

    def speak(self, *names: str, every: float = 1.0, signs: Sequence[bytes] = (HEARTBEAT,)) -> None:
        """From now on these heartbeat, each so many intervals after its last; or give other signs.

        signs: what they say, in turn, again and again.
        """
        for name in names:
            self.signs[name] = cycle(signs)
            self.rhythm[name] = every * self.pulse.interval
            self.due[name] = time.monotonic() + self.rhythm[name]

    def hush(self, *names: str) -> None:
        """These say nothing more by themselves; all, if nobody is named."""
        for name in names or tuple(self.rhythm):
            self.rhythm.pop(name, None)

    def named(self, who: str) -> Peer:
        """The peer of this name."""
        return next(peer for peer in self.peers if peer.name == who)

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass, heartbeats and all."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end)

    def replied(self, rule: str, hint: str) -> None:
        """Wait until all replies are where they belong; where one is not, this rule is broken."""
        if not self.until(lambda: not self.ledger.due):
            self.judge()
            raise Wrong(self.trouble(rule, "\n".join(self.owed()[:1]), hint))

    def bury(self, *names: str, beside: str, since: float) -> None:
        """Wait until the subject has to know that these are dead: they are silent since then.

        It knows when it goes on to send heartbeats to the one beside them, and none to these. Two
        patiences and a half are more than enough, whatever comes.
        """
        patience, interval = self.pulse.patience, self.pulse.interval
        self.pass_time(since + 0.8 * patience - time.monotonic())
        for name in names:
            self.mark(Silent(name))
        self.pass_time(0.2 * patience + interval)
        to_them, beats = -1, 0

        def knows() -> bool:
            nonlocal to_them, beats
            if to_them != (to_them := self._heard(*names)):
                beats = self._heard(beside)
            return self._heard(beside) > beats + 1

        self.until(knows, within=1.5 * patience - interval)
        for name in names:
            self.mark(Dead(name))

    def _heard(self, *names: str) -> int:
        return sum(isinstance(e, Beat) and e.who in names and e.way != "sent" for e in self.history)

    def count(self, rule: str, since: float, until: float, *who: str, silent: bool = False) -> None:
        """Judge by this rule how many heartbeats these had, or sent, from then to then."""
        for at, begins in (since, True), (until, False):
            self.chronicle.marks.append((at, Stretch(at, begins, rule, who, silent)))
        self.judge()

    def stand_still(self, peer: Peer, seconds: float) -> None:
        """Stop the subject's thread for so long, where it has just read something of this peer."""
        self.goes.clear()
        try:
            self.beat(peer)
            self.pass_time(seconds)
        finally:
            self.goes.set()

    def poll_late(self, end: str, seconds: float) -> None:
        """Stop the subject's thread for so long, before it looks whether something came there."""
        looks = threading.Event()
        with _before_polls(self.held, self.where[end], looks):
            try:
                self.pass_time(seconds)
            finally:
                looks.set()

    def excused(self, findings: Sequence[Finding]) -> list[Finding]:
        """Undecided, where a rule of time seems to be broken, and the check itself was late."""
        self.look(time.monotonic())
        if self.late <= min(EXCUSE * self.pulse.patience, EXCUSED * self.pulse.interval):
            return list(findings)
        late = f"\nThe machine was late by {self.late:.2f} s, of {self.pulse.patience:g} s."
        return [
            undecided(found.rule, found.evidence + late, MACHINE)
            if found.verdict == "failed" and found.rule in self.timed
            else found
            for found in findings
        ]


def _stands_still_by(goes: threading.Event) -> type[Socket]:
    """A class of sockets that receive, and return only when this is set."""

    class Held(Socket):
        def recv(self, *args: Any, **more: Any) -> Any:
            frame = super().recv(*args, **more)
            goes.wait()
            return frame

    return Held


@contextmanager
def _before_polls(kind: type[Socket], endpoint: str, looks: threading.Event) -> Iterator[None]:
    """Whoever waits in a poll of a socket of this kind and endpoint stops before, until it is set.

    Not who asks and does not wait: that may be in the middle of its reading.
    """
    module = vars(poll)
    polls = module["zmq_poll"]  # by which Poller.poll, Socket.poll and select look

    def waits_first(sockets: Any, timeout: int = -1) -> Any:
        for socket, _ in sockets if timeout else ():
            if isinstance(socket, kind) and socket.last_endpoint == endpoint.encode():
                looks.wait()
        return polls(sockets, timeout)

    module["zmq_poll"] = waits_first
    try:
        yield
    finally:
        module["zmq_poll"] = polls
