"""`ask` on stage: calls of it side by side, each with a server that answers by a plan."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import zmq

from zmqlab.record.journal import Frames, Hop, Journal
from zmqlab.record.place import place_of
from zmqlab.run.threads import GaveUp, eventually
from zmqlab.wire.faults import Fault
from zmqlab.wire.tap import Tap

from .call import ALWAYS_LATE, Call
from .judge import Trial
from .report import Finding, passed

TICK = 0.005  # seconds between two looks at the calls
GRACE = 3.0  # seconds for which a socket may keep its Context from ending
TOO_LONG = 1.5  # seconds more than twice what a call may take

LIMIT = 20.0  # seconds for the calls of a play, however late the machine is
CHAIN = 3  # threads that one waits for, each for the next

# What a server does with copy n (1, 2 …): after so many seconds, these frames behind the addresses.
# The tap is the link between the call and the server.
Plan = Callable[[int, Tap], Iterable[tuple[float, Frames]]]


class Question(NamedTuple):
    """One call of ask, and what its server does; without a plan there is no server."""

    request_id: bytes
    body: Frames
    plan: Plan | None
    patience: float  # seconds
    tries: int
    faults: Callable[[int, str, int], Fault | None] | None = None  # of the link

    @property
    def most(self) -> float:
        """Seconds that the call takes if nothing is answered."""
        return self.patience * self.tries


@dataclass
class Asking:
    """One call of ask, and all that was seen of it."""

    question: Question
    call: Call
    where: str  # the endpoint that it was given
    own: list[Hop] = field(default_factory=list)  # what its sockets did, where recorded
    server: list[Hop] = field(default_factory=list)  # what its server's socket did
    journals: tuple[Journal, ...] = ()  # in which all that stands
    stuck_at: str = ""  # the learner's line at which it was when it had to be ended
    waited: float = 0.0  # seconds that it was given until then
    late: float = 0.0  # seconds by which the machine may have delayed what it did
    lingered: float = 0.0  # seconds that the Context needed to end after all calls

    @property
    def took(self) -> float:
        """Seconds from its beginning to its end, or until it had to be ended."""
        return self.waited if self.stuck_at else self.call.ended - self.call.started

    @property
    def sent(self) -> list[Hop]:
        """The copies that it has sent, where its sockets are recorded."""
        return [hop for hop in self.own if hop.way == "sent"]

    @property
    def came(self) -> list[Frames]:
        """The copies that its server has got, without the routing id."""
        return [hop.frames[1:] for hop in self.server if hop.way == "received"]

    @property
    def copies(self) -> int:
        """How often it has asked: as it says, or as its server says, whichever is more."""
        return max(len(self.sent), len(self.came))

    @property
    def replies(self) -> list[tuple[float, Frames]]:
        """The replies that its server has sent with its id: when, and the frames behind that."""
        return [
            (hop.since, found[1][1:])
            for hop in self.server
            if hop.way == "sent" and (found := split(hop.frames[1:])) is not None
            if found[1][:1] == (self.question.request_id,)
        ]

    def story(self) -> Journal:
        """What both sides did."""
        both, told = Journal.joined(*self.journals), {*map(_key, self.own + self.server)}
        return both.only(hop for hop in both if _key(hop) in told)


Rule = Callable[[Asking], Finding | None]


class Play(NamedTuple):
    """Questions that are asked side by side, and the rules in the order of blame.

    kept: rule and evidence, reported if all were kept.
    """

    title: str
    questions: Sequence[Question]
    rules: Sequence[Rule]
    kept: Sequence[tuple[str, str]]

    def perform(self, ask: Any) -> list[Finding]:
        """The findings of this play with a learner's ask."""
        seen = asked(ask, self.questions)
        for rule in self.rules:
            found = [finding for one in seen if (finding := rule(one)) is not None]
            if found:
                return sorted(found, key=lambda finding: finding.verdict != "failed")[:1]
        return [passed(*kept) for kept in self.kept]


def split(frames: Frames) -> tuple[Frames, Frames] | None:
    """The addresses, and the body behind the delimiter; None without a delimiter."""
    if b"" not in frames:
        return None
    place = frames.index(b"")
    return frames[:place], frames[place + 1 :]


def answer(ctx: Any, endpoint: str, plan: Plan, tap: Tap) -> None:
    """A server that does with each copy what the plan says."""
    due: list[tuple[float, Frames]] = []
    copies = 0
    with ctx.socket(zmq.ROUTER) as router:
        router.bind(endpoint)
        while True:
            first = min(due)[0] if due else math.inf
            wait = None if not due else math.ceil(max(0.0, first - time.monotonic()) * 1000)
            if router.poll(wait):
                found = split(tuple(router.recv_multipart()))
                if found is not None:  # else a rule sees it
                    copies += 1
                    now = time.monotonic()
                    due += [
                        (now + after, (*found[0], *reply)) for after, reply in plan(copies, tap)
                    ]
            for reply in sorted(one for one in due if one[0] <= time.monotonic()):
                due.remove(reply)
                router.send_multipart(reply[1])


def asked(ask: Any, questions: Sequence[Question]) -> list[Asking]:
    """Call ask with each question, all side by side, until the calls have ended or are late."""
    askings: list[Asking] = []
    with ExitStack() as exits:
        servers = exits.enter_context(Trial("servers", grace=GRACE, linger=0))
        servers.ctx.reconnect_ivl = 10  # milliseconds
        own = exits.enter_context(Trial("asks", grace=GRACE))
        for number, question in enumerate(questions, 1):
            where = servers.endpoint()
            if question.plan is not None:
                tap = exits.enter_context(
                    Tap(where, faults=question.faults, journal=servers.journal)
                )
                servers.start(f"server {number}", answer, where, question.plan, tap)
                where = tap.endpoint
            asking = Asking(question, Call("ask", ask), where)
            askings.append(asking)
            body = list(question.body)
            args = where, question.request_id, body, question.patience, question.tries
            own.start(f"ask {number}", asking.call, *args)
        late = _wait(askings)
        for asking in askings:
            if not asking.call.done:
                asking.stuck_at = asking.call.here()
                asking.waited = time.monotonic() - asking.call.started
        began = time.monotonic()
        own.end()
        lingered = time.monotonic() - began
        servers.end()  # now all that they have done is noted
        for number, asking in enumerate(askings, 1):
            place, name = place_of(asking.where), f"server {number}"
            asking.own = [h for h in own.journal if place in map(place_of, h.socket.connected)]
            asking.server = [hop for hop in servers.journal if hop.who == name]
            asking.journals = own.journal, servers.journal
            asking.late, asking.lingered = late + asking.call.in_line, lingered
    return askings


def _wait(askings: Sequence[Asking]) -> float:
    """Wait until all calls have ended, or one takes too long; what is late on this machine.

    That is what a chain of some threads may be late by, each of which waits for the one before.
    Time that the machine was late by is not counted as the calls'.
    """
    began = last = time.monotonic()
    lost = worst = 0.0

    def over() -> bool:
        nonlocal last, lost, worst
        now = time.monotonic()
        late = max(0.0, now - last - TICK - ALWAYS_LATE)
        last, lost, worst = now, lost + late, max(worst, late)
        running = [asking for asking in askings if not asking.call.done]
        return not running or any(
            now - began - lost > 2 * asking.question.most + TOO_LONG for asking in running
        )

    with suppress(GaveUp):
        eventually(over, LIMIT, "", every=TICK)
    return CHAIN * worst


def _key(hop: Hop) -> tuple[float, str, str, Frames]:
    """What tells a hop from others, also in another journal."""
    return hop.time, hop.who, hop.way, hop.frames
