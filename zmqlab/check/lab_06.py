"""Lab 06: a broker that gives each request to the worker that has been idle longest."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any, NamedTuple

import zmq

from zmqlab.envelope import show
from zmqlab.record.journal import Journal
from zmqlab.run.threads import GaveUp

from .judge import Scenario, judge
from .report import Finding, Report, failed, passed
from .stage import (
    GOES_ON,
    LIMIT,
    PATIENCE,
    SETTLED,
    Frames,
    OutOfTime,
    Peer,
    Stage,
    done,
    wrong_of,
)

GIVEN = "an idle worker is given the request, and its answer comes back"
UNREAD = "with nobody idle, requests stay unread in the frontend"
AT_ONCE = "there are as many requests under way as there are workers"
ONE = "no worker is given a second request before it has answered"
LONGEST = "the request goes to the worker that has been idle longest"
IN_ORDER = "the requests of one client are given out in the order in which it sent them"
OWN = "every client gets the answer to its own question"
ANYBODY = "any client, any routing id, any body and any reply"
LEAVERS = "clients that leave before their answer end nothing, and cost no worker"
ANYTHING = "a message of a client that is no request ends nothing, and costs no worker"

READY = b"READY"
QUIET = 2.4  # seconds in which nothing happens
STRANGE = b"\xff\xfe \x00"  # a routing id that no codec for text takes
FLOOD, LARGE = 4000, bytes(8192)  # more than the queues of ZeroMQ and of the system hold
CROWD, QUESTIONS = 10, 30  # clients in threads, and how often each asks


def lab06(broker: Any) -> Report:
    """Check `broker(ctx, frontend, backend)`.

    Clients and workers that the check plays: requests with nobody idle, answers in every order
    and who is given the next request, odd ids, bodies and replies, clients that leave, clients
    that talk nonsense, a quiet while, then many in threads. Takes some seconds, at most 60.
    """
    deadline = time.monotonic() + LIMIT
    plays = [Scenario(title, partial(_played, play, deadline)) for title, play in PLAYS.items()]
    return judge("lab06", {"broker(ctx, frontend, backend)": broker}, plays)


# ------------------------------------------------------------------ rules


class Given(NamedTuple):
    """A request as a worker is given it."""

    client: bytes
    body: Frames


def given(frames: Frames, kind: str) -> Given | None:
    """What a worker on a socket of this kind was given; None if a REQ could not make sense of it.

    A REQ takes the first delimiter off, and takes nothing that does not begin with one.
    """
    if kind != "REQ":
        if frames[:1] != (b"",):
            return None
        frames = frames[1:]
    match frames:
        case (client, b"", *body) if client:
            return Given(client, tuple(body))
    return None


def read_too_early(journal: Journal, frontend: str, backend: str) -> list[Finding]:
    """What is wrong if the broker read a request while no worker was idle.

    Each request needs a READY or an answer that was read before it. Nothing is said of a broker
    whose sockets were not recorded.
    """
    free = 0
    hops = journal.hops
    for number, hop in enumerate(hops, 1):
        if hop.way == "sent":
            continue
        if backend in hop.socket.bound:
            free += 1
        elif frontend in hop.socket.bound:
            free -= 1
        if free < 0:
            return [
                failed(
                    UNREAD,
                    f"The broker read the request {show(hop.frames)} while no worker was idle.",
                    "What is read too early waits in the broker, in a list that nothing bounds. "
                    "When does the broker have to look at the frontend at all?",
                    Journal.of(hops[max(0, number - 8) : number]),
                )
            ]
    return []


def took_turn(idle: Sequence[str], chosen: str, story: Journal | None = None) -> list[Finding]:
    """What is wrong if another than the first of the idle workers, longest first, was chosen."""
    if chosen == idle[0]:
        return []
    return [
        failed(
            LONGEST,
            f"Idle were, the longest first: {', '.join(idle)}. The request went to {chosen}.",
            "A worker is idle from its READY or its answer on. Where does it join the queue, and "
            "from which end do you take?",
            story,
        )
    ]


# ------------------------------------------------------------------ on the stage


class Wrong(Exception):
    """Ends a scenario: what was asked for did not happen."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.evidence)
        self.finding = finding


class Worker:
    """A worker that speaks as a REQ does, and answers when a scenario tells it to.

    On a DEALER it also sees what a REQ would drop: a second request, or no delimiter.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer, self.name = peer, peer.name
        self.kind: str = peer.socket.note.kind
        self.task: Given | None = None  # what it has to answer
        self.seen = 0  # how many of its messages a scenario has looked at

    def __repr__(self) -> str:
        return repr(self.peer)

    @property
    def news(self) -> list[Frames]:
        """What came and was not looked at yet."""
        return self.peer.inbox[self.seen :]

    def answer(self, *reply: bytes) -> None:
        """Answer its task."""
        task, self.task = self.task, None
        if task is not None:
            self.peer.ask(task.client, b"", *reply)


class Desk(Stage):
    """A stage on which each request and each answer is waited for, and its way is checked."""

    def __init__(self, broker: Callable[..., Any], deadline: float) -> None:
        super().__init__(broker, deadline)
        self.crew: list[Worker] = []
        self.open: dict[Frames, Peer] = {}  # requests that no worker has been given yet
        self.askers: dict[Worker, Peer] = {}  # who gets the answer of a busy worker
        self.taken: dict[Frames, str] = {}  # who was last given a request with this body
        self.had: dict[Peer, int] = {}  # answers of a client that were looked at
        self.made_do: list[str] = []  # workers that were given whatever it was, in order
        self.asked = 0

    def hire(self, name: str, kind: int = zmq.DEALER, routing_id: bytes = b"") -> Worker:
        """A worker that has said READY."""
        worker = Worker(self.worker(name, kind, routing_id))
        self.crew.append(worker)
        worker.peer.ask(READY)
        return worker

    def request(self, client: Peer, *body: bytes) -> Frames:
        """Send a request, by default one like no other; return its body."""
        self.asked += 1
        body = body or (b"request %d" % self.asked,)
        client.ask(*body)
        self.open[body] = client
        return body

    def trip(self, rule: str, client: Peer) -> None:
        """One request, to a worker and back."""
        self.request(client)
        self.answer(self.next_given(rule), rule)

    # ---- to the workers

    def next_given(self, rule: str = GIVEN) -> Worker:
        """Wait for the next request that any worker is given, and check it."""
        if not self.until(lambda: any(worker.news for worker in self.crew)):
            raise Wrong(self._nobody_was_given(rule))
        worker = next(worker for worker in self.crew if worker.news)
        frames = worker.news[0]
        worker.seen += 1
        task = given(frames, worker.kind)
        if task is None or task.body not in self.open:
            raise Wrong(self._no_request(rule, worker, frames))
        if worker.task is not None:
            raise Wrong(self._second(worker, worker.task, task))
        worker.task = task
        self.taken[task.body] = worker.name
        self.askers[worker] = self.open.pop(task.body)
        return worker

    def nobody_is_given(self, seconds: float) -> None:
        """Check that no worker is given anything for a while; all of them are busy."""
        if self.until(lambda: any(worker.news for worker in self.crew), seconds):
            self.next_given()

    def _nobody_was_given(self, rule: str) -> Finding:
        if early := read_too_early(self.trial.journal, self.frontend, self.backend):
            return early[0]
        asked = "; ".join(f"{c!r}, asked {show(body, 'REQ')}" for body, c in self._first_open())
        idle = [worker.name for worker in self.crew if worker.task is None]
        evidence = (
            f"{asked}.\nIdle: {', '.join(idle) or 'nobody'}. No worker was given anything for "
            f"{PATIENCE:g} s. The broker has bound {self.bound()}."
        )
        return self.trouble(rule, evidence, _WAITS_FOR, *(body[0] for body in self.open))

    def _first_open(self) -> list[tuple[Frames, Peer]]:
        return list(self.open.items())[:3]

    def _no_request(self, rule: str, worker: Worker, frames: Frames) -> Finding:
        asked = " and ".join(show(body, "REQ") for body, _ in self._first_open()) or "none"
        evidence = f"{worker!r}, was given {show(frames, worker.kind)}.\nRequests waiting: {asked}."
        hint, task = _FORM, given(frames, worker.kind)
        if task is not None and (before := self.taken.get(task.body)):
            evidence += f"\n{before} had been given it before."
            hint = "A request goes to one worker, once."
        return failed(rule, evidence, hint, self.story(*filter(None, frames)))

    def _second(self, worker: Worker, first: Given, second: Given) -> Finding:
        idle = ", ".join(other.name for other in self.crew if other.task is None) or "nobody"
        return failed(
            ONE,
            f"{worker.name} was given {show(second.body, 'REQ')} while it was at "
            f"{show(first.body, 'REQ')}. Idle: {idle}.",
            "From when on is a worker no longer idle? A REQ throws away a second request.",
            self.story(READY, *first.body[:1], *second.body[:1]),
        )

    # ---- and back

    def answer(self, worker: Worker, rule: str = OWN, reply: Frames = ()) -> None:
        """Let a worker answer, and check that the client who asked gets that."""
        body = worker.task.body if worker.task is not None else ()
        client, reply = self.askers.pop(worker), reply or done(body)
        worker.answer(*reply)
        self.expect(rule, client, body, reply)

    def expect(self, rule: str, client: Peer, body: Frames, reply: Frames) -> None:
        """Check that this is the next message that a client gets."""
        had = self.had.get(client, 0)
        story = tuple(filter(None, (*body, *reply)))
        kind = client.socket.note.kind
        wanted = reply if kind == "REQ" else (b"", *reply)
        evidence = f"{client!r} with {_id(client)}, asked {show(body, 'REQ')}.\n"
        if not self.until(lambda: len(client.inbox) > had):
            evidence += f"A worker answered {show(reply, 'REQ')}, and nothing came to the client."
            raise Wrong(self.trouble(rule, evidence, _HAND_BACK, *story))
        self.had[client] = had + 1
        if (got := client.inbox[had]) != wanted:
            evidence += f"It was to get {show(wanted, kind)}, and got {show(got, kind)}."
            hint = _HAND_BACK
            if got in client.inbox[:had]:
                rule, hint = OWN, "It had that answer before: each goes out once."
            raise Wrong(failed(rule, evidence, hint, self.story(*story)))

    def nothing_more(self) -> None:
        """Check that no client got more answers than it asked questions."""
        for client, had in self.had.items():
            for frames in client.inbox[had:]:
                seen = show(frames, client.socket.note.kind)
                evidence = f"{client!r}, also got {seen}, for which it had not asked."
                raise Wrong(failed(OWN, evidence, _HAND_BACK))

    # ---- what was recorded

    def readies(self) -> list[bytes]:
        """Who said READY, in the order in which the broker read it; of recorded sockets."""
        return [
            hop.frames[0]
            for hop in self.trial.journal
            if hop.way == "received" and self.backend in hop.socket.bound and READY in hop.frames
        ]

    def sent_to_workers(self) -> int:
        """How many messages the broker has sent to workers; of recorded sockets."""
        return sum(
            hop.way == "sent" and self.backend in hop.socket.bound for hop in self.trial.journal
        )

    def recorded(self) -> bool:
        """Whether what the broker reads from clients is recorded."""
        return any(
            hop.way == "received" and self.frontend in hop.socket.bound
            for hop in self.trial.journal
        )

    def check_reading(self) -> None:
        """Check that the broker read no request too early."""
        _go_on_without(read_too_early(self.trial.journal, self.frontend, self.backend))


_WAITS_FOR = "What does the broker wait for there, and who is to bring it?"
_FORM = (
    'A worker is given [worker, b"", client, b"", *body]: its REQ takes the address and the first '
    "delimiter off, and drops what has none. The rest is as it came from the client."
)
_HAND_BACK = "Whose answer it is stands in the reply itself: hand its frames on as they came."


def _id(client: Peer) -> str:
    chosen = client.socket.routing_id
    return f"the routing id {show([chosen], 'REQ')}" if chosen else "a routing id of ZeroMQ's"


def _go_on_without(findings: Sequence[Finding]) -> None:
    """End the scenario if there is anything wrong."""
    for finding in wrong_of(findings):
        raise Wrong(finding)


Play = Callable[[Desk], Iterator[Finding]]


def _played(play: Play, deadline: float, broker: Callable[..., Any]) -> Iterator[Finding]:
    """The findings of one scenario, and of how the broker took its end."""
    desk = Desk(broker, deadline)
    with desk:
        try:
            findings = list(play(desk))
            desk.nothing_more()
        except Wrong as wrong:
            yield wrong.finding
        except OutOfTime as over:
            yield over.finding()
        else:
            ended = desk.end()
            yield from wrong_of(ended) or (findings + ended if play is _first else findings)


# ------------------------------------------------------------------ scenarios


def _first(desk: Desk) -> Iterator[Finding]:
    """One client; a worker that comes after its request, and answers three times."""
    client = desk.client("c1", zmq.REQ, STRANGE)
    desk.request(client, b"is anybody there?")
    if desk.until(lambda: desk.call.done, 0.1):
        raise Wrong(desk.trouble(GIVEN, ""))
    worker = desk.hire("w1")
    desk.next_given()
    desk.answer(worker, GIVEN)
    for _ in range(2):
        desk.trip(GIVEN, client)
    desk.check_reading()
    yield passed(GIVEN, "also when it asks before a worker is there, and when it asks again")


def _waiting(desk: Desk) -> Iterator[Finding]:
    """Eight requests, six of them of one client; nobody is idle, then few are."""
    greedy = desk.client("c1")
    sent = [desk.request(greedy) for _ in range(6)]
    for name in ("c2", "c3"):
        desk.request(desk.client(name, zmq.REQ))
    yield from (quiet := desk.quiet(QUIET / 4, "requests are waiting, and no worker is there"))
    _go_on_without(quiet)
    out: list[Frames] = []

    def next_given(rule: str = GIVEN) -> Worker:
        worker = desk.next_given(rule)
        out.append(worker.task.body if worker.task else ())
        desk.nobody_is_given(SETTLED / 3)
        return worker

    desk.hire("w1")
    next_given()
    desk.hire("w2")
    latest = next_given(AT_ONCE)
    yield from (quiet := desk.quiet(QUIET / 4, "requests are waiting, and all workers are busy"))
    _go_on_without(quiet)
    while desk.open:
        desk.answer(latest)
        latest = next_given()
    for worker in desk.crew:
        desk.answer(worker)
    desk.check_reading()
    _go_on_without(in_order(sent, out))
    if not desk.recorded():
        _flood(desk, greedy)
    yield passed(UNREAD, "each was read when there was somebody to do it")
    yield passed(IN_ORDER, "six of six")


def in_order(sent: Sequence[Frames], out: Sequence[Frames]) -> list[Finding]:
    """What is wrong if requests were given out in another order than they were sent in."""
    if (order := [body for body in out if body in sent]) == list(sent):
        return []
    return [
        failed(
            IN_ORDER,
            f"Sent: {', '.join(show(body, 'REQ') for body in sent)}.\n"
            f"Given out: {', '.join(show(body, 'REQ') for body in order)}.",
            "The frontend keeps the order of what it has not been asked for yet.",
        )
    ]


def _flood(desk: Desk, client: Peer) -> None:
    """Send requests with nobody idle, until no more are taken. For what is not recorded."""
    for _ in desk.crew:
        desk.request(client)
        desk.next_given()
    flood = desk.client("a client that sends and sends").socket
    flood.sndhwm = 1
    for number in range(FLOOD):
        if not flood.poll(1000, zmq.POLLOUT):
            return
        if time.monotonic() > desk.deadline:
            raise OutOfTime(desk.call.here())
        flood.send_multipart([b"", b"%d" % number, LARGE])
    evidence = (
        f"With all workers busy, {FLOOD} requests of {len(LARGE)} bytes were taken from one "
        "client: more than sockets keep in their queues."
    )
    raise Wrong(failed(UNREAD, evidence, "Where are they now? What is left unread fills a queue."))


def _together(
    sent: Sequence[Frames], given: Sequence[Frames], idle: Sequence[str]
) -> list[Finding]:
    """What is wrong if requests that came together did not go to the idle workers in order.

    idle: the workers, longest idle first. given: what each of them was given.
    """
    if list(given) == list(sent):
        return []
    pairs = ", ".join(f"{name} {show(body[:1])}" for name, body in zip(idle, given, strict=False))
    return [
        failed(
            IN_ORDER,
            f"One client sent: {', '.join(show(body[:1], 'REQ') for body in sent)}.\n"
            f"Given out, to who had been idle longest first: {pairs}.",
            "Which are out of their order, the requests or the workers?",
        )
    ]


class Turns:
    """Requests and answers one at a time, and who has been idle longest."""

    def __init__(self, desk: Desk, clients: Sequence[Peer]) -> None:
        self.desk, self.free = desk, list(clients)  # clients that wait for no answer
        self.new = len(desk.crew)  # workers that have said READY and were given nothing yet
        self.idle: list[Worker] = []  # workers that have answered, the longest idle first
        self.busy: list[Worker] = []
        self.last: dict[Worker, Frames] = {}  # what a worker has last answered

    def ask(self) -> None:
        """One client asks; check who is given its request."""
        body = self.desk.request(self.free.pop(0))
        if self.idle or self.new:
            self.given(body)
        else:
            self.desk.nobody_is_given(SETTLED)

    def given(self, body: Frames) -> None:
        """Check who is given this request."""
        chosen = self.desk.next_given(AT_ONCE)
        if idle := self._new() if self.new else self.idle:
            before = [self.last.get(worker, (READY,)) for worker in idle]
            frames = {frame for asked in (body, *before) for frame in (*asked, *done(asked))}
            names = [worker.name for worker in idle]
            _go_on_without(took_turn(names, chosen.name, self.desk.story(*frames - {b""})))
        if self.new:
            self.new -= 1
        else:
            self.idle.remove(chosen)
        self.busy.append(chosen)

    def _new(self) -> list[Worker]:
        """Workers of whom the broker has read nothing but READY; [] where that is not known."""
        said = self.desk.readies()
        if len(said) != len(self.desk.crew):
            return []
        by_id = {worker.peer.socket.routing_id: worker for worker in self.desk.crew}
        return [by_id[name] for name in said[-self.new :]]

    def answer(self, worker: Worker) -> None:
        """Let this worker answer; if a request is waiting, it is the one that gets it."""
        self.free.append(self.desk.askers[worker])
        self.last[worker] = worker.task.body if worker.task else (READY,)
        self.desk.answer(worker)
        self.busy.remove(worker)
        self.idle.append(worker)
        for body in list(self.desk.open):
            self.given(body)

    def hire(self, name: str) -> None:
        """A worker comes while others are idle, or have been at work before."""
        readies = len(self.desk.readies())
        worker = self.desk.hire(name)
        self.desk.until(lambda: len(self.desk.readies()) > readies, SETTLED)
        self.idle.append(worker)

    def ask_together(self, client: Peer) -> None:
        """One client asks as often as workers are idle, without waiting.

        The first request is large: while the broker passes it on, the others arrive.
        """
        bodies = [self.desk.request(client, b"request %d" % self.desk.asked, bytes(4_000_000))]
        bodies += [self.desk.request(client) for _ in self.idle[1:]]
        out = []
        while self.desk.open:
            worker = self.desk.next_given(AT_ONCE)
            out.append((worker, worker.task.body if worker.task else ()))
        line = [body for worker in self.idle for other, body in out if other is worker]
        _go_on_without(_together(bodies, line, [worker.name for worker in self.idle]))
        for worker in self.idle:
            self.desk.answer(worker)


def _turns(desk: Desk) -> Iterator[Finding]:
    """Four workers, then six, one step at a time: a request, or an answer of any at work."""
    for number, routing_id in enumerate([b"\xffw", b"c1", b"\x00\x01", b"w1"], 1):
        desk.hire(f"w{number}", zmq.DEALER, routing_id)
        desk.until(lambda: len(desk.readies()) == len(desk.crew), SETTLED)
    kinds = {f"c{n}": zmq.REQ if n % 2 == 0 else zmq.DEALER for n in range(1, 8)}
    clients = [desk.client(name, kind, name.encode()) for name, kind in kinds.items()]
    turns = Turns(desk, clients)
    for _ in range(5):  # the fifth has to wait
        turns.ask()
    for place in (2, 3, 0, 0, 0):
        turns.answer(turns.busy[place])
    chance = Random(6)
    newcomers = ["w6", "w5"]
    for step in range(50):
        if step > 10 and newcomers and len(turns.idle) == 2:
            turns.hire(newcomers.pop())
        if turns.busy and (not turns.idle or chance.random() < 0.5):
            turns.answer(chance.choice(turns.busy))
        else:
            turns.ask()
    while turns.busy:
        turns.answer(turns.busy[-1])
    for _ in range(4):
        turns.ask_together(clients[0])
    desk.check_reading()
    yield passed(AT_ONCE, "four of four, and no fifth")
    yield passed(ONE, "in some sixty turns")
    yield passed(LONGEST, "in each of them, in whatever order the workers answered")
    yield passed(OWN, "in whatever order the workers answered")


class Case(NamedTuple):
    """One client of its own kind, what it asks and what it is answered."""

    kind: int
    routing_id: bytes
    body: Frames
    reply: Frames


CASES = [
    Case(zmq.REQ, b"", (b"of one frame",), (b"yes",)),
    Case(zmq.REQ, b"", (b"",), (b"",)),
    Case(zmq.REQ, b"anna", (b" two ", b"frames\r\n"), (b"three", b" frames\r\n", b"back")),
    Case(zmq.REQ, b"anna b", (b"an empty one", b"", b"between two"), (b"and", b"", b"back")),
    Case(zmq.REQ, b"\x00\x00", (b"", b"", b""), (b"", b"", b"")),
    Case(zmq.REQ, b"\xfe" * 255, (bytes(range(256)),), (bytes(range(255, -1, -1)),)),
    Case(zmq.DEALER, b"", (b"from a DEALER",), (b"", b"empty first")),
    Case(zmq.DEALER, b"w1", (b"has the routing id of a worker",), (b"empty last", b"")),
    Case(zmq.DEALER, b"\n", (b"large", bytes(1_000_000)), (bytes(1_000_000), b"large")),
    Case(zmq.DEALER, b"\xc3\xa9", (b"eleven more",) + (b"\xff",) * 11, (b"\xff\xfe",) * 9),
    Case(zmq.REQ, b"READYMADE", (READY,), (READY,)),
]


def _anybody(desk: Desk) -> Iterator[Finding]:
    """Clients, bodies and replies of all kinds; the workers are REQs, as real ones are."""
    desk.hire("w1", zmq.REQ, b"w1")
    desk.hire("w2", zmq.REQ)
    for number, case in enumerate(CASES, 1):
        client = desk.client(f"c{number}", case.kind, case.routing_id)
        for _ in desk.crew:  # so that each worker has one
            desk.request(client, *case.body)
            desk.answer(desk.next_given(ANYBODY), ANYBODY, case.reply)
        desk.nothing_more()
        del desk.had[client]
        client.leave()
    yield passed(ANYBODY, f"{len(CASES)} of {len(CASES)}")


def _leavers(desk: Desk) -> Iterator[Finding]:
    """Clients that ask and are gone when the worker answers; one that stays."""
    stays, worker = desk.client("c1", zmq.REQ), desk.hire("w1", zmq.REQ)
    for number in range(1, 9):
        leaver = desk.client(f"leaver {number}")
        desk.request(leaver)
        desk.next_given(LEAVERS)
        leaver.leave()
        desk.until(lambda: False, 0.02 * number)  # for the broker's ROUTER to notice
        del desk.askers[worker]
        worker.answer(b"never mind")
        desk.trip(LEAVERS, stays)
    desk.request(stays)
    desk.next_given(LEAVERS)
    impatient = [desk.client(f"leaver {number}") for number in (9, 10, 11)]
    for leaver in impatient:
        leaver.ask(b"never mind")
    desk.until(lambda: False, 0.05)
    for leaver in impatient:
        leaver.leave()
    desk.answer(worker, LEAVERS)
    _is_served(desk, LEAVERS, stays)
    yield passed(LEAVERS, "eleven left, one stayed and was answered")


def _is_served(desk: Desk, rule: str, client: Peer) -> None:
    """Check that a request is answered, among workers that answer whatever they are given."""
    said = desk.last
    body = (b"an honest request",)
    client.ask(*body)
    had = desk.had.get(client, 0)

    def answered() -> bool:
        for worker in desk.crew:
            _make_do(desk, worker)
        return len(client.inbox) > had

    came = desk.until(answered)
    desk.last = said
    if not came:
        evidence = f"{client!r}, sent an honest request and had no answer for {PATIENCE:g} s."
        raise Wrong(desk.trouble(rule, f"{evidence}\nBefore that, {said}.", _WAITS_FOR))
    desk.expect(rule, client, body, done(body))


def _make_do(desk: Desk, worker: Worker) -> None:
    """Answer all that it got, whatever it is, to whom the first frame names."""
    while worker.news:
        frames = worker.news[0]
        worker.seen += 1
        desk.made_do.append(worker.name)
        if worker.kind != "REQ" and frames[:1] == (b"",):
            frames = frames[1:]
        if frames and frames[0]:
            body = frames[2:] if frames[1:2] == (b"",) else frames[1:]
            worker.peer.ask(frames[0], b"", *(done(body) if body else (b"?",)))


def costs_no_turn(before: Sequence[str], now: Sequence[str], said: str) -> list[Finding]:
    """What is wrong if two workers took turns before a message without sense, and not after it.

    before, now: who was given the two requests that came next, in order; [] where the broker had
    handed something else on as well, of which nothing is said.
    """
    if len(set(before)) < 2 or not now or now == before:
        return []
    return [
        failed(
            ANYTHING,
            f"Idle were, the longest first: {', '.join(before)}. Then {said}, which no worker was "
            f"given. The next two requests went to {' and '.join(now)}.",
            "Whom has your code taken from the queue by the time it sees that this is no request, "
            "and where does that worker stand afterwards?",
        )
    ]


OF_CLIENTS: list[Frames] = [
    (b"",),
    (b"no delimiter",),
    (b"\xff\xfe",),
    (b"", b""),
    (b"", b"", b"", b""),
    (READY,),
    (b"a", b"b", b"c", b"d"),
    (b"x",) * 40,
]


def _anything(desk: Desk) -> Iterator[Finding]:
    """Messages that are no requests, each followed by honest ones.

    What a worker says is as the contract has it: workers are one's own programs, clients are not.
    """
    honest = desk.client("c1", zmq.REQ)
    desk.hire("w1", zmq.REQ)
    _is_served(desk, GIVEN, honest)
    client, other = desk.client("a client that talks nonsense"), desk.client("c2", zmq.REQ)
    desk.hire("w2", zmq.REQ)
    desk.request(other)
    worker = desk.next_given()
    client.send(b"no delimiter")
    desk.until(lambda: False, 0.05)
    desk.answer(worker, ANYTHING)  # also while nobody asks anything
    before: list[str] = []  # who was given the two honest requests, if nothing else was given
    for frames in OF_CLIENTS:
        desk.made_do.clear()
        sent = desk.sent_to_workers()
        client.send(*frames)
        said = desk.last
        desk.until(lambda: False, 0.01)
        for _ in range(2):
            _is_served(desk, ANYTHING, honest)
        desk.last = said
        now = list(desk.made_do) if desk.sent_to_workers() == sent + 2 else []
        _go_on_without(costs_no_turn(before, now, said))
        before = now
    yield passed(ANYTHING, f"{len(OF_CLIENTS)} of {len(OF_CLIENTS)}")


def _quiet(desk: Desk) -> Iterator[Finding]:
    """Two workers that have nothing to do for a while."""
    client = desk.client("c1", zmq.REQ)
    for name in ("w1", "w2"):
        desk.hire(name)
        desk.trip(GOES_ON, client)
    yield from (quiet := desk.quiet(QUIET, "workers are idle, and nobody asks"))
    _go_on_without(quiet)
    for _ in range(4):
        desk.trip(GOES_ON, client)
    yield passed(GOES_ON, "also after a quiet while")


def _crowd(desk: Desk) -> Iterator[Finding]:
    """Many clients and four workers in threads, as fast as they can."""
    for number in range(1, 5):
        desk.others.start(f"w{number}", _work, desk.backend)
    clients = [
        desk.others.start(f"c{n}", _ask, desk.frontend, b"c%d" % n) for n in range(1, CROWD + 1)
    ]
    left = max(0.0, min(20.0, desk.deadline - time.monotonic()))
    with contextlib.suppress(GaveUp):
        desk.others.until(
            lambda: desk.call.done or all(client.done for client in clients), left, "the clients"
        )
    if waiting := [client.name for client in clients if not client.done]:
        desk.last = f"{CROWD} clients were asking {QUESTIONS} questions each"
        evidence = f"After {left:.0f} s these still waited for an answer: {', '.join(waiting)}."
        raise Wrong(desk.trouble(OWN, evidence, _WAITS_FOR))
    if wrong := [line for client in clients for line in client.result(1)]:
        raise Wrong(failed(OWN, "\n".join(wrong[:3]), _HAND_BACK))
    desk.check_reading()
    total = CROWD * QUESTIONS
    yield passed(f"{OWN}, {CROWD} in threads", f"{total} of {total} answers")


def _work(ctx: Any, endpoint: str) -> None:
    """A worker on a REQ: say READY, then answer what comes."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        broker.send(READY)
        while True:
            client, empty, *body = broker.recv_multipart()
            broker.send_multipart([client, empty, *done(body)])


def _ask(ctx: Any, endpoint: str, name: bytes) -> list[str]:
    """Ask questions of one frame or more; what was wrong with the answers."""
    wrong = []
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        for number in range(QUESTIONS):
            body = (b"%s asks %d" % (name, number), *[b""] * (number % 3))
            broker.send_multipart(body)
            if (answer := tuple(broker.recv_multipart())) != done(body):
                wrong.append(
                    f"{name.decode()} asked {show(body, 'REQ')} and got {show(answer, 'REQ')}"
                )
    return wrong


PLAYS: dict[str, Play] = {
    "one client, one worker": _first,
    "requests with nobody idle": _waiting,
    "four workers, and whose turn it is": _turns,
    "clients, bodies and replies of all kinds": _anybody,
    "clients that leave": _leavers,
    "a client that talks nonsense": _anything,
    "a quiet while": _quiet,
    "many clients and four workers in threads": _crowd,
}
