"""A program on stage, among peers that the check plays; one history of it all; rules over that.

The peers are sockets of one thread, the check's, so that what happens happens in the order that a
script wants: a worker answers only when told to. They have a Context of their own and reach the
program over tcp; nothing is asked of it but what its peers can see. A script only acts and waits:
`step` waits until nothing is owed, and everything that went on is read, by the lab's table, as
one history, which the play's rules judge after every step. What is wrong ends the play: `Wrong`.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import zmq

from zmqlab.run.threads import Task
from zmqlab.wire.tap import Tap

from .chronicle import Chronicle
from .dispatch import Event, Frames, Given, Ledger, Odd, Ready
from .judge import Trial
from .machine import Watch
from .peer import Peer, done, on_the_wire
from .report import Finding, failed, undecided
from .rules import Broken
from .subject import MACHINE, Subject

if TYPE_CHECKING:
    from .lab import Lab, Play

PATIENCE = 5.0  # seconds for anything that takes a few milliseconds
SETTLED = 0.3  # seconds after which what has not come on a quiet stage is not coming
LIMIT = 55.0  # seconds for all plays of a check; a few more pass before all has ended
RETRY = (10, 1000)  # milliseconds after which a peer tries again to connect, at first and at most
LOOKS = 5  # how often in a row all threads must be seen to wait
MOMENT = 1.0  # seconds after which a wait is long
ENOUGH = 1.0  # seconds of processor time in which any broker does what takes milliseconds

GOES_ON = "the broker is there until its context ends"
ENDS = "the broker ends with its context and closes its sockets"
ENDED = ("without an error", "until the context ends", "until it is told to end")  # end of a rule
IN_TIME = "the check comes to its end"

# Why something has not come: all threads wait, the subject runs on, or it could not run.
Why = Literal["waits", "spins", "late"]


class Wrong(Exception):
    """Ends a play: something is wrong, or cannot be known."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(*findings)
        self.findings = findings


class Stage:
    """A subject with peers around it; leaving the `with` ends them all.

    where: each endpoint by its name, as peers connect to it. links: the taps in it, by the same
    names, where the play has a plan of faults or `tapped` is set: they cut, stall and delay.
    """

    def __init__(
        self,
        lab: Lab,
        play: Play,
        make: Callable[[], Subject],
        deadline: float = math.inf,
        *,
        tapped: bool = False,
    ) -> None:
        self.lab, self.play, self.deadline = lab, play, deadline
        self.watch = Watch()
        self.subject = make()
        self.others = Trial("peers", linger=0)
        self.others.ctx.reconnect_ivl, self.others.ctx.reconnect_ivl_max = RETRY
        self.tapped = tapped or play.faults is not None
        self.bound: dict[str, str] = {}  # each endpoint as the subject binds it
        self.where: dict[str, str] = {}
        self.links: dict[str, Tap] = {}
        self.peers: list[Peer] = []
        self.automatic: dict[str, Callable[[Frames], Frames]] = {}  # see `by_themselves`
        self.last: tuple[str, Frames] = ("nobody had sent anything", ())  # in words; its frames
        self._judged: tuple[int, ...] = ()  # how long the history was that was judged last
        self.gave_up: Why = "waits"  # of the last `until` that was false: what was to be seen
        self.restless = False  # whether the subject is known never to wait
        self.moves: Callable[[], object] = lambda: self.chronicle.size  # when nothing does: equal
        self._exits = ExitStack()

    def __enter__(self) -> Stage:
        with ExitStack() as exits:  # `judge` lets Interrupt wait until it is entered, and left
            self._begin(exits)
            self._exits = exits.pop_all()
        return self

    def _begin(self, exits: ExitStack) -> None:
        exits.enter_context(self.others)
        for name in self.lab.ends.values():
            self.bound[name] = self.subject.endpoints.get(name) or self.others.endpoint()
        exits.push(self.subject.close)
        self.chronicle = Chronicle(self.lab, self.others.journal, self.subject, self.bound)
        self.subject.begin(self.bound, *self.lab.more(self))
        self.watch.pids = self.subject.pids
        for name, endpoint in self.bound.items():
            self.where[name] = endpoint
            if self.tapped:
                tap = Tap(endpoint, between=("peers", name), faults=self.play.faults)
                self.links[name] = exits.enter_context(tap)
                self.where[name] = tap.endpoint

    def __exit__(self, *error: Any) -> None:
        self._exits.__exit__(*error)

    # ---- peers

    def client(
        self, name: str, kind: int = zmq.DEALER, routing_id: bytes = b"", **more: Any
    ) -> Peer:
        """A client that is connected, or about to be; for more see `peer`."""
        return self.peer("client", name, kind, routing_id, **more)

    def peer(
        self,
        role: str,
        name: str,
        kind: int = zmq.DEALER,
        routing_id: bytes = b"",
        *,
        reads: bool = True,
        **options: Any,
    ) -> Peer:
        """A peer in this role, at the endpoint where this role speaks; options as `rcvhwm=1`.

        reads: False for one that takes nothing in. What it does is no part of the history.
        """
        socket = self.others.ctx.socket(kind)
        self.chronicle.names[socket.note] = name
        self.chronicle.roles[name] = role if reads else ""
        if routing_id:
            socket.routing_id = routing_id
        for option, value in options.items():
            setattr(socket, option, value)
        socket.connect(self.where[self.lab.ends[role]])
        peer = Peer(self, role, name, socket, reads)
        self.peers.append(peer)
        return peer

    def hire(self, *names: str, kind: int = zmq.DEALER, routing_id: bytes = b"") -> None:
        """Workers that come one after the other, each when the subject knows of the one before."""
        for name in names:
            peer = self.peer("worker", name, kind, routing_id)
            if self.lab.says:
                peer.send(*self.lab.says)
                self.calm(lambda: not self.ledger.unread)
            else:
                self.mark(Ready(name))

    def start(self, role: str, name: str, function: Callable[..., Any], *args: Any) -> Task:
        """A peer in a thread of its own: `function(ctx, endpoint, *args)`."""
        self.chronicle.roles[name] = role
        return self.others.start(name, function, self.where[self.lab.ends[role]], *args)

    def answer(self, who: str, *reply: bytes, which: int = 0) -> None:
        """Let a worker answer the first request that it has; by default `done` of its body.

        which: its place among those that it has, where it is not the first.
        """
        task = [task for task in self.ledger.busy[who] if isinstance(task, Given)][which]
        peer = next(peer for peer in self.peers if peer.name == who)
        peer.answered += 1
        peer.send(*self.lab.reply(task.to, reply or done(task.body)))

    def by_themselves(self, reply: Callable[[Frames], Frames] | None = done) -> None:
        """From now on workers answer at once with this of a body; None: only when told to."""
        names = [peer.name for peer in self.peers if peer.role == "worker"]
        self.automatic = dict.fromkeys(names, reply) if reply is not None else {}

    def answer_all(self) -> None:
        """Let all workers answer all that they have, the latest first."""
        for who, tasks in reversed(list(self.ledger.busy.items())):
            for _ in range(sum(isinstance(task, Given) for task in tasks)):
                self.answer(who)

    # ---- the history

    def mark(self, event: Event) -> None:
        """Put into the history what no message says."""
        self.chronicle.marks.append((time.monotonic(), event))

    @property
    def history(self) -> list[Event]:
        """All that has happened so far, in order, in the lab's words."""
        return self.chronicle.events

    @property
    def ledger(self) -> Ledger:
        """What follows from the history so far."""
        return self.chronicle.ledger

    # ---- waiting

    def receive(self, seconds: float) -> None:
        """Take in what comes to the peers; wait for it so long."""
        by_socket = {peer.socket: peer for peer in self.peers if peer.reads}
        if not by_socket:  # pyzmq's poll would return at once, whatever its time-out
            threading.Event().wait(seconds)
            return
        poller = zmq.Poller()
        for socket in by_socket:
            poller.register(socket, zmq.POLLIN)
        for socket, _ in poller.poll(int(seconds * 1000)):
            while socket.poll(0):
                self._take(by_socket[socket], tuple(socket.recv_multipart()))

    def _take(self, peer: Peer, frames: Frames) -> None:
        """Let a worker answer what it got where it does so by itself, and what is no request."""
        frames = on_the_wire(peer.kind, frames)
        answer: Frames | None = None
        match self.lab.reading(peer.role, "received", peer.name, frames):
            case Given(who, to, body):
                if who in self.automatic:
                    answer = self.lab.reply(to, self.automatic[who](body))
                    peer.answered += 1
            case Odd("worker"):
                answer = self.lab.makes_do(frames)
        if answer is not None:
            last = self.last
            peer.send(*answer)
            self.last = last  # what it answers by itself is no news

    def until(
        self, condition: Callable[[], object], within: float = math.inf, every: float = 0.02
    ) -> bool:
        """Whether the condition comes true, within so many seconds; the peers receive meanwhile.

        A subject that has ended brings nothing more. After PATIENCE it does not come where all
        threads wait, or where the subject's own have had the processor for long enough; where
        others have it, the wait goes on. Wrong: the check has used its own time.
        """
        began = time.monotonic()
        lap, looks = None, 0
        self.gave_up = "waits"
        while True:
            self.receive(0)
            if condition():
                return True
            if self.subject.over:
                self.receive(0.02)
                return bool(condition())
            now = time.monotonic()
            if now > self.deadline:
                raise Wrong(self._out_of_time())
            if lap is None and now - began > MOMENT:  # it takes long
                lap = self.watch.lap(self.subject.threads() or None)
            if now - began > within:
                return False
            if now - began > PATIENCE:
                looks = looks + 1 if self.watch.rests() else 0
                if looks >= LOOKS:
                    return False
                if lap is not None and lap.ran > ENOUGH:
                    self.gave_up = "spins"
                    return False
                if now - began > 3 * PATIENCE:
                    self.gave_up = "late"
                    return False
            self.receive(every)

    def step(self, rule: str = "", hint: str = "") -> None:
        """Wait until nothing is owed, then judge; what does not come breaks the play's promise.

        rule: what it breaks where it is not that; hint: where to look then.
        """
        seen = self.chronicle.size

        def nothing_owed() -> bool:
            nonlocal seen
            if not self.owed():
                return True
            if seen == (seen := self.chronicle.size):
                self.judge()  # if what has come is wrong, the rest need not be waited for
            return False

        came = self.until(nothing_owed)
        self.judge()
        if not came:
            owed, ledger = self.owed(), self.ledger
            evidence = "\n".join(owed[:3])
            if len(owed) > 3:
                evidence += f"\n… and {len(owed) - 3} more like that."
            if not any(isinstance(event, Given) for event in self.history):
                evidence += f"\nThe broker has bound {self.chronicle.ends()}."
            bodies = [*(one.body for one in ledger.due), *(one.body for one in ledger.open)]
            frames = [frame for body in bodies[:3] for frame in body[:1]]
            raise Wrong(self.trouble(rule or self.play.promise, evidence, hint, *frames))

    @property
    def credit(self) -> float:
        """How many requests a worker may hold."""
        return math.inf if self.lab.to_anybody else self.play.credit

    def owed(self) -> list[str]:
        """What has to happen without the peers' doing, in words."""
        deaf = [peer.name for peer in self.peers if not peer.reads]
        return self.ledger.owed(self.credit, deaf)

    def calm(self, enough: Callable[[], object] | None = None) -> None:
        """Wait until nothing moves any more, or it is enough, then judge: nothing wrong came."""
        self.settle(enough)
        self.judge()
        if self.subject.over:
            raise Wrong(self.trouble(self.play.promise, ""))

    def settle(self, enough: Callable[[], object] | None = None) -> None:
        """Wait until nothing moves any more, or it is enough.

        Nothing moves where all threads wait; one that never does has had its time all the same.
        Where threads cannot be seen, nothing comes for a while.
        """
        lap = self.watch.lap(self.subject.threads() or None)
        seen: object = ()
        since, looks = 0.0, 0
        in_sight = bool(self.subject.threads() or self.subject.pids) and bool(self.watch.look())

        def still() -> bool:
            nonlocal seen, since, looks
            if enough is not None and enough():
                return True
            if seen != (seen := self.moves()):
                since, looks = time.monotonic(), 0
            if self.restless or self.watch.rests():
                looks += 1
            else:
                looks, self.restless = 0, lap.ran > SETTLED
            return looks > LOOKS and (in_sight or time.monotonic() - since > SETTLED)

        self.until(still, within=PATIENCE, every=0.01)

    def judge(self) -> None:
        """Judge all that has happened by the play's rules. Wrong: one of them is broken.

        Where the subject has ended, that is what is wrong; `step` and `end` say why.
        """
        if self.chronicle.size == self._judged or self.subject.over:
            return
        if self._broken():
            with suppress(Wrong):
                self.settle()  # until all of it is there: then the rule that comes first is blamed
        if broken := self._broken():
            story = self.chronicle.story(*broken.frames)
            raise Wrong(failed(broken.rule, broken.evidence, broken.hint, story))
        self._judged = self.chronicle.size

    def _broken(self) -> Broken | None:
        return next(filter(None, (rule(self.history) for rule in self.play.rules)), None)

    # ---- what is said of it

    def trouble(self, rule: str, evidence: str, hint: str = "", *frames: bytes) -> Finding:
        """The finding for what did not happen: why the subject ended, or where it is."""
        last, sent = self.last
        story = self.chronicle.story(*frames, *sent)
        if (ended := self.subject.early_end()) is not None:
            if not ended.rule.endswith(ENDED):
                return ended
            evidence = f"{ended.evidence}\nBefore that, {last}."
            return replace(ended, rule=rule, evidence=evidence, story=story)
        if self.gave_up == "late":
            evidence += "\nThere was more to do, and others had the processor all the time."
            return undecided(rule, evidence, MACHINE)
        evidence += f"\nLast, {last}. The {self.subject.name} was at {self.subject.here()}"
        hint = hint or (SPINS if self.gave_up == "spins" else WAITS_FOR)
        return failed(rule, evidence, hint, story)

    def _out_of_time(self) -> Finding:
        """Nothing is known of what was not tried."""
        return undecided(
            IN_TIME,
            f"Its {LIMIT:g} s were over. The {self.subject.name} was at {self.subject.here()}",
            "Every message took long. Where does it wait?",
        )

    def excused(self, findings: Sequence[Finding]) -> list[Finding]:
        """What was found wrong, as far as it was not the machine."""
        return list(findings)

    def end(self) -> None:
        """Have the subject end. Wrong: how it did that."""
        if findings := self.subject.end(self.watch.lap()):
            raise Wrong(*findings)


WAITS_FOR = "What does it wait for there, and who is to bring it?"
SPINS = "It does not wait there, it goes round and round: what is to end that?"
