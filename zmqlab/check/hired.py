"""A worker under check: the queue that it has, the work that it is given, and rules about both.

The queue is a ROUTER of the stage. What came of which socket of the worker's is told by its routing
id, so that each new socket is somebody new in the history.
"""

from __future__ import annotations

import math
import time
from typing import Any

import zmq

from zmqlab.envelope import show_frame

from .dispatch import (
    Answered,
    Beat,
    Event,
    Frames,
    Given,
    History,
    Odd,
    Ready,
    Work,
    brief,
    carried,
)
from .heartbeats import HEARTBEAT, READY, Beating
from .labour import Labour
from .peer import Peer, done
from .report import failed
from .rules import Broken, Rule
from .stage import Wrong

PLAIN, HELD, LONG = b"plain", b"held", b"long"  # how a body begins that is done so
OFTEN = 0.002  # seconds from one call of `beat` to the next
QUEUE = "queue"  # the role of a desk
LIMIT = 20.0  # seconds after which work ends that nobody has released


def reading(role: str, way: str, who: str, frames: Frames) -> Event | None:
    """The contract's table, for a worker at its own end of the line."""
    match role, way, frames:
        case "worker", "sent", (b"\x01",):
            return Ready(who)
        case "worker", _, (b"\x02",):
            return Beat(who, way)
        case "client" | "worker", _, _:
            return carried(role, way, who, frames)
    return None


def named(routing_id: bytes) -> str:
    """What a socket of a worker's is called in the history."""
    return f"socket {show_frame(routing_id)}"


def at_the_queue(role: str, way: str, who: str, frames: Frames) -> Event | None:
    """The same, as the queue's ROUTER sees it: what it gets, a worker has sent."""
    if role != QUEUE:
        return None
    other = {"sent": "received", "received": "sent"}[way]
    return reading("worker", other, named(frames[0]), frames[1:])


class Desk:
    """A queue of the check's with one worker: a ROUTER, and what has said READY there.

    It heartbeats to all that has, as long as it `talks`.
    """

    def __init__(self, stage: Hired, name: str) -> None:
        self.stage, self.name = stage, name
        self.work = Labour(name, stage.mark)
        self.talks = True
        self.known: list[bytes] = []  # the routing ids that have said READY, the latest last

    def open(self) -> None:
        """Bind."""
        stage = self.stage
        socket = stage.others.ctx.socket(zmq.ROUTER)
        socket.bind(stage.where[self.name])
        stage.chronicle.names[socket.note] = self.name
        stage.chronicle.roles[self.name] = QUEUE
        self.peer = Peer(stage, QUEUE, self.name, socket, True)
        stage.peers.append(self.peer)

    def give(self, *request: bytes) -> None:
        """Send the worker a request, envelope and all, at its latest socket."""
        self.peer.send(self.known[-1], *request)

    @property
    def who(self) -> list[str]:
        """What its worker's sockets are called in the history, the latest last."""
        return [named(routing_id) for routing_id in self.known]


class Hired(Beating):
    """A stage for workers: the subject connects, and the check has a desk for each."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.desks = {name: Desk(self, name) for name in self.lab.ends.values()}
        self._beat_at, self._seen = 0.0, 0

    def __exit__(self, *error: Any) -> None:
        for desk in self.desks.values():
            desk.work.release()
        super().__exit__(*error)

    def told(self) -> tuple[Any, ...]:
        """The work of each, and the rest."""
        return ([desk.work for desk in self.desks.values()], *super().told())

    def open(self, rule: str) -> None:
        """Bind all, and wait until all workers have come; else this rule is broken."""
        for desk in self.desks.values():
            desk.open()
        if not self.until(lambda: all(desk.known for desk in self.desks.values())):
            raise Wrong(self.trouble(rule, "The queue is there, and nobody has said [01]."))

    def receive(self, seconds: float) -> None:
        """Heartbeat to those that have come, where it is due, then take in what comes."""
        if (now := time.monotonic()) >= self._beat_at:
            self._beat_at = now + self.pulse.interval
            for desk in self.desks.values():
                for routing_id in desk.known if desk.talks else ():
                    desk.peer.socket.send_multipart([routing_id, HEARTBEAT])
        super().receive(seconds)
        if self._seen == (seen := len(self.others.journal)):
            return
        for hop in self.others.journal.hops[self._seen :]:
            if hop.way == "received" and hop.frames[1:] == (READY,):
                self.desks[self.chronicle.names[hop.socket]].known.append(hop.frames[0])
        self._seen = seen

    def begun(self, rule: str, hint: str, *desks: Desk) -> None:
        """Wait until work has begun at these desks; else this rule is broken."""
        if not self.until(lambda: all(desk.work.at_once for desk in desks)):
            self.judge()
            raise Wrong(self.trouble(rule, "A request came, and work was not called.", hint))

    def stays(self, rule: str, hint: str, desk: Desk) -> None:
        """That this worker has come once, on one socket; else this rule is broken."""
        self.judge()
        if len(desk.known) > 1:
            evidence = "The queue was heard of, and the worker came on another socket."
            raise Wrong(failed(rule, evidence, hint, self.chronicle.story(*desk.known)))

    def answered(self, rule: str, hint: str = "", within: float = math.inf) -> None:
        """Wait until every request has its answer, then judge; else this rule is broken."""

        def missing() -> list[Given]:
            open_ = [event for event in self.history if isinstance(event, Given)]
            for event in self.history:
                if isinstance(event, Answered):
                    mine = [g for g in open_ if (g.who, g.to) == (event.who, event.to)]
                    open_ = [given for given in open_ if given is not next(iter(mine), None)]
            return open_

        came = self.until(lambda: not missing(), within=within)
        self.judge()
        if not came:
            given = missing()[0]
            asked = brief((*given.to, *given.body))
            raise Wrong(self.trouble(rule, f"The worker was given {asked}: no reply.", hint))


def ready_first(rule: str, hint: str) -> Rule:
    """The first message of each socket is READY, and it is said once."""

    def check(history: History) -> Broken | None:
        there: set[str] = set()
        for event in history:
            match event:
                case Ready(who) if who in there:
                    evidence = f"The {who} had said [01], and said it again."
                    return Broken(rule, evidence, hint)
                case Ready(who):
                    there.add(who)
                case Beat(who, "sent") | Answered(who) | Odd("worker", who, "sent"):
                    if who not in there:
                        said = "[02]" if isinstance(event, Beat) else brief(event[-1])
                        return Broken(rule, f"The first that the {who} sent was {said}.", hint)
        return None

    return check


def one_answer_each(rule: str, hint: str) -> Rule:
    """Each request has at most one answer, from the same socket: its envelope, and the work's."""

    def check(history: History) -> Broken | None:
        open_: list[Given] = []
        for event in history:
            match event:
                case Given():
                    open_.append(event)
                case Odd("worker", who, "sent", frames):
                    evidence = (
                        f"The worker sent {brief(frames)}, which has not the form of a reply."
                    )
                    return Broken(rule, evidence, hint, frames)
                case Answered(who, to, body):
                    mine = [g for g in open_ if (g.who, g.to, done(g.body)) == (who, to, body)]
                    if not mine:
                        evidence = f"The worker answered {brief((*to, *body))}."
                        for given in open_[:1]:
                            asked = brief((*given.to, *given.body))
                            evidence += f"\nIt had been given {asked}, and work had returned "
                            evidence += f"{brief(done(given.body))}."
                        return Broken(rule, evidence, hint, (*to, *body))
                    open_.remove(mine[0])
        return None

    return check


def one_at_a_time(rule: str, given: str, hint: str) -> Rule:
    """Work is called for one request at a time, with its body; given: the rule for that."""

    def check(history: History) -> Broken | None:
        at: dict[str, Frames] = {}
        bodies: list[Frames] = []
        for event in history:
            match event:
                case Given(_, _, body):
                    bodies.append(body)
                case Work(who, body, True):
                    if who in at:
                        evidence = f"work was called with {brief(body)} while it was at "
                        return Broken(rule, f"{evidence}{brief(at[who])}.", hint)
                    at[who] = body
                    if body not in bodies:
                        was = f"\nThe body was {brief(bodies[-1])}." if bodies else ""
                        return Broken(given, f"work was called with {brief(body)}.{was}", hint)
                case Work(who, _, False):
                    at.pop(who, None)
        return None

    return check
