"""Lab 01: deal tasks out to workers once all of them are there."""

from __future__ import annotations

import math
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from zmqlab.envelope import show
from zmqlab.record.journal import Hop, Journal
from zmqlab.record.lens import Socket
from zmqlab.run.threads import GaveUp, eventually
from zmqlab.wire.tap import Tap

from .call import Call, said
from .judge import Scenario, Trial, judge, together
from .report import Finding, Report, failed, passed, undecided

PATIENT = 3.0  # seconds of patience where the workers do come
PATIENCE = 1.0  # and where one does not
TOO_LATE = 1.5  # times the patience: after that nobody can say that it was kept

BINDS = "workers can connect to the endpoint"
ALL_THERE = "with all workers there, nobody times out"
PROMPT = "with all workers there, feed deals at once"
ARRIVES = "every task arrives, none twice"
EVEN = "every worker gets an even share"
LATE = ", though workers come late"
LINGERS = "no task is lost when the context ends"
FULL = "no task is lost when the queues are full"
RAISES = "too few workers: TimeoutError"
SAYS = "the error says how many came"
IN_TIME = "too few workers: it gives up when its patience is over"
BUSY = "Run it again when the machine has less to do."
NOTHING_SENT = "too few workers: nothing is sent"


def lab01(feed: Any) -> Report:
    """Check `feed(ctx, endpoint, n_workers, tasks, patience)`.

    Deals to workers that are there before the bind, to workers that come late and over a slow
    link, to too few, to none, to workers that read only after `feed` has returned, and more
    tasks than the queues hold. Takes a few seconds, at most 50.
    """
    return judge("lab01", {"feed(ctx, endpoint, n_workers, tasks, patience)": feed}, SCENARIOS)


# ------------------------------------------------------------------ rules


def every_task_arrives(
    tasks: Sequence[bytes],
    journal: Journal,
    *,
    all_taken: bool,
    rule: str = ARRIVES,
    whole: Journal | None = None,
) -> list[Finding]:
    """Each task arrived at one worker, as the one frame that it was.

    journal: the workers'. whole: theirs and the feed's, for the picture.
    all_taken: every worker has seen the feed's end and has taken all that had come before it.
    Only then is a task that is missing a task that is lost.
    """
    whole = whole or journal
    arrived = Counter(hop.frames for hop in _received(journal))
    wanted: Counter[tuple[bytes, ...]] = Counter((task,) for task in tasks)
    if more := list(arrived - wanted):
        frames = next((frames for frames in more if frames in wanted), more[0])
        if frames in wanted:
            evidence = f"{_show(frames)} arrived {arrived[frames]} times."
            return [failed(rule, evidence, story=together(whole, frames=frames[:1]))]
        evidence = f"{_show(frames)} arrived, and was never handed in."
        return [failed(rule, evidence, "A task is one message of one frame, as it was given.")]
    missing = wanted - arrived
    if not missing:
        return [passed(rule, f"{len(tasks)} of {len(tasks)} tasks, none twice")]
    first = next(task for task in tasks if (task,) in missing)
    evidence = f"{missing.total()} of {len(tasks)} tasks never arrived, {_show([first])} first"
    if all_taken:
        hint = "The workers took all that came. Was it sent, and did it leave your process?"
        return [failed(rule, evidence + ".", hint, together(whole, frames=[first]))]
    return [undecided(rule, f"{evidence}; a worker may still have had some on the way.")]


def shares_are_even(
    journal: Journal, workers: Sequence[str], rule: str = EVEN, story: Journal | None = None
) -> list[Finding]:
    """No worker got more than one task more than another."""
    shares = journal.counts("received", workers)
    if max(shares.values()) - min(shares.values()) <= 1:
        return [passed(rule, f"{len(workers)} workers, shares differ by one task at most")]
    told = ", ".join(f"{worker} {share}" for worker, share in shares.items())
    return [
        failed(
            rule,
            f"Tasks per worker: {told}.",
            "PUSH deals to the peers that it has at that moment. Which event tells that a peer "
            "can be sent to, and how many of them did you wait for?",
            story,
        )
    ]


def deals_at_once(seconds: float, patience: float) -> list[Finding]:
    """From the moment when all were connected, it took far less than the patience.

    seconds: from then until feed had returned.
    """
    if seconds < patience / 2:
        return [passed(PROMPT, "it does not wait for its patience to end")]
    return [
        failed(
            PROMPT,
            f"All workers were connected; feed returned {seconds:.1f} s later. Its patience was "
            f"{patience:g} s.",
            "Patience is how long feed may wait for a worker. What is there left to wait for?",
        )
    ]


def waits_for_the_last_task(lingers: Sequence[int], longest: int) -> list[Finding]:
    """What is wrong if a PUSH was closed that waits less than for ever for its tasks to leave.

    lingers: the sockets' ZMQ_LINGER when they were closed, milliseconds; -1 or `longest`: no end.
    """
    short = [linger for linger in lingers if 0 <= linger < longest]
    if not short:
        return []
    return [
        failed(
            LINGERS,
            f"feed closed its PUSH with a linger of {short[0]} ms: what the workers have not "
            "fetched by then is lost.",
            "How long may a worker be busy before it fetches its tasks? ZMQ_LINGER has a value "
            "that does not guess.",
        )
    ]


def nothing_was_sent(feeder: Journal, workers: Journal, rule: str = NOTHING_SENT) -> list[Finding]:
    """No task left the feed, and none reached a worker."""
    sent = [hop for hop in feeder if hop.way == "sent"] or _received(workers)
    if not sent:
        return [passed(rule, "no message")]
    return [
        failed(
            rule,
            f"{len(sent)} messages were sent, {_show(sent[0].frames)} first.",
            "Know first that all are there; deal then.",
        )
    ]


def gave_up(call: Call, came: int, wanted: int, patience: float) -> list[Finding]:
    """The call raised a TimeoutError that says how many came, when its patience was over."""
    if call.state == "returned":
        return [
            failed(
                RAISES,
                f"{came} of {wanted} workers came, and feed returned as if all was well.",
                "The caller cannot tell this from success: raise TimeoutError.",
            )
        ]
    if call.waited:
        return [
            failed(
                IN_TIME,
                f"feed had not given up after {call.waited:g} s; its patience was {patience:g} s.\n"
                f"It was at {call.where}",
                "Which call waits there, and how long may it?",
            )
        ]
    if not isinstance(call.error, TimeoutError):
        return [call.problem() or failed(RAISES, f"feed did not end: {call.state}.")]
    findings = [passed(RAISES, f"raised when {came} of {wanted} workers came")]
    findings += patience_is_kept(call.seconds, patience, call.late)
    if findings[-1].verdict == "passed":
        findings += message_tells(call.error, came)
    return findings


def message_tells(error: TimeoutError, came: int) -> list[Finding]:
    """The number of those who came stands in the error's text."""
    words = {0: "no|none|nobody|zero|0", 3: "three|3"}[came]
    if re.search(rf"(?<![\w.])(?:{words})(?![\w]|\.\d)", said(error), re.IGNORECASE):
        return [passed(SAYS, f"it names {came}")]
    return [
        failed(
            SAYS,
            f"{came} workers came; the error was\n{said(error)}",
            "Who reads it wants to know whether nobody came or one is missing.",
        )
    ]


def patience_is_kept(seconds: float, patience: float, late: float = 0.0) -> list[Finding]:
    """It waited as long as it was told: not less, and not half as long again.

    late: seconds by which the machine was late itself; of what they may explain nothing is known.
    """
    if seconds < 0.95 * patience:
        return [
            failed(
                IN_TIME,
                f"feed gave up after {seconds:.2f} s; its patience was {patience:g} s.",
                "`patience` is in seconds; poll takes milliseconds.",
            )
        ]
    longest = max(TOO_LATE * patience, patience + 0.5)
    if longest < seconds <= longest + late:
        evidence = f"feed gave up after {seconds:.2f} s; its patience was {patience:g} s. In that "
        evidence += f"time the check itself was woken {late:.2f} s late."
        return [undecided(IN_TIME, evidence, BUSY)]
    if seconds > longest:
        return [
            failed(
                IN_TIME,
                f"feed gave up after {seconds:.2f} s; its patience was {patience:g} s.",
                "One deadline for all: does your clock start again with every worker?",
            )
        ]
    return [passed(IN_TIME, "neither sooner nor much later")]


def _received(journal: Journal) -> list[Hop]:
    return [hop for hop in journal if hop.way == "received"]


def _show(frames: Sequence[bytes]) -> str:
    more = f" | … ({len(frames)} frames)" if len(frames) > 3 else ""
    return show(frames[:3], "PUSH") + more


# ------------------------------------------------------------------ workers


Options = Sequence[tuple[int, int]]  # socket options and their values


class Visit:
    """One worker's stay: when it was connected, and whether it saw the feed go."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.connected = False
        self.since = 0.0  # when it was connected, monotonic seconds
        self.gone = False  # the feed has gone, and all that it sent has been taken


def pull(ctx: Any, endpoint: str, visit: Visit, begin: threading.Event, options: Options) -> None:
    """A worker: take tasks until the feed has gone; the first when `begin` is set."""
    with ctx.socket(zmq.PULL) as tasks:
        for option, value in options:
            tasks.set(option, value)
        monitor = tasks.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        tasks.connect(endpoint)
        while _next_event(tasks, monitor, begin) == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            visit.since, visit.connected = time.monotonic(), True
        while tasks.poll(100):
            tasks.recv_multipart()
        visit.gone = True


def _next_event(tasks: Any, monitor: Any, begin: threading.Event) -> int:
    """The monitor's next event; until it comes, take tasks."""
    while not monitor.poll(0):
        if not begin.is_set():
            begin.wait(0.01)
        elif zmq.select([tasks, monitor], [], [])[0][0] is tasks:
            tasks.recv_multipart()
    event: int = recv_monitor_message(monitor)["event"]
    return event


class Workers:
    """The workers of one scenario, in a Context of their own."""

    def __init__(self) -> None:
        self.trial = Trial("workers", linger=0)
        self.visits: dict[str, Visit] = {}
        self.begin = threading.Event()
        self.begin.set()

    def come(self, names: Sequence[str], endpoint: str, options: Options = ()) -> None:
        """Let these workers connect."""
        for name in names:
            visit = self.visits[name] = Visit(name)
            self.trial.start(name, pull, endpoint, visit, self.begin, options)

    def connected(self, before: float = math.inf) -> int:
        """How many of them have finished their handshake, before a moment (monotonic seconds)."""
        return sum(visit.connected and visit.since <= before for visit in self.visits.values())

    def all_gone(self, within: float = 3.0) -> bool:
        """Whether each that was connected sees the feed's end and takes all there is."""
        _until(lambda: all(visit.gone for visit in self.visits.values()), within=0.5)
        here = [visit for visit in self.visits.values() if visit.connected]
        return _until(lambda: all(visit.gone for visit in here), within)


@contextmanager
def _stage(grace: float = 3.0) -> Iterator[tuple[Trial, Workers]]:
    """The feed's Context and the workers; the feed's is the one to end first."""
    workers = Workers()
    with workers.trial, Trial("feed", grace=grace) as feeder:
        yield feeder, workers


def _wait(seconds: float) -> None:
    threading.Event().wait(max(0.0, seconds))


def _until(condition: Callable[[], object], within: float) -> bool:
    """Whether the condition comes true in time."""
    try:
        eventually(condition, within, "")
    except GaveUp:
        return False
    return True


def _dealt(
    call: Call, workers: Workers, feeder: Trial, tasks: Sequence[bytes], rule: str = ARRIVES
) -> list[Finding]:
    """What became of the tasks when all workers had come: end the context, then look."""
    if isinstance(call.error, TimeoutError):
        return [_timed_out(call, workers, feeder)]
    if call.waited and not workers.connected():
        return [_nobody_connected(call, feeder)]
    if problem := call.problem():
        return [problem]
    feeder.end()
    taken = workers.all_gone()
    if (
        tasks
        and not any(socket.bound for socket in feeder.journal.sockets)
        and not workers.connected()
    ):
        return [_nobody_connected(call, feeder)]
    return every_task_arrives(tasks, workers.trial.journal, all_taken=taken, rule=rule)


def _timed_out(call: Call, workers: Workers, feeder: Trial) -> Finding:
    if call.seconds < 0.95 * PATIENT:
        return patience_is_kept(call.seconds, PATIENT)[0]
    if not workers.connected():
        return _nobody_connected(call, feeder)
    here, wanted = workers.connected(), len(workers.visits)
    if here < wanted:
        return undecided(ALL_THERE, f"Only {here} of the check's {wanted} workers could connect.")
    return failed(
        ALL_THERE,
        f"All {wanted} workers were connected. Yet feed raised {said(call.error or Exception())}",
        "How many did it count, and for how many did it wait? A worker may be there before you "
        "bind, and is connected at once: does your count begin early enough to see it?",
    )


def _nobody_connected(call: Call, feeder: Trial) -> Finding:
    sockets = feeder.journal.sockets
    if not any(socket.bound for socket in sockets):
        evidence = "feed has bound no socket"
    else:
        ends = ", ".join(f"a {s.kind} bound at {', '.join(s.bound)}" for s in sockets if s.bound)
        evidence = f"feed has {ends}"
    at = f"\nIt was at {call.where}" if call.where else ""
    return failed(
        BINDS,
        f"No worker could connect: {evidence}.{at}",
        "A PUSH, bound at the endpoint that feed is given: PULL sockets connect to it.",
    )


# ------------------------------------------------------------------ scenarios


def _early(feed: Callable[..., Any]) -> Iterator[Finding]:
    """Three workers that are there before the bind."""
    tasks, names = [b"task %d" % n for n in range(99)], ["w1", "w2", "w3"]
    complete: list[float] = []  # when all were connected
    with _stage() as (feeder, workers):

        class Unhurried(Socket):
            """Comes back from bind when the workers have connected: one of many right orders."""

            def bind(self, addr: str) -> Any:
                bound = super().bind(addr)
                if self._type_name == "PUSH":
                    _until(lambda: workers.connected() == 3, 2)
                    complete.append(time.monotonic())
                return bound

        call = Call("feed", feed, socket_class=Unhurried)
        endpoint = feeder.endpoint()
        workers.come(names, endpoint)
        _wait(0.05)  # by then they have tried, and found nobody
        feeder.start("feed", call, endpoint, 3, list(tasks), PATIENT)
        call.wait(PATIENT + 3)
        findings = _dealt(call, workers, feeder, tasks)
        yield from findings
        if all(finding.verdict == "passed" for finding in findings):
            story = together(feeder.journal, workers.trial.journal, frames=tasks[:9])
            yield from shares_are_even(workers.trial.journal, names, EVEN, story)
            if complete:
                yield from deals_at_once(call.ended - complete[0], PATIENT)


def _late(feed: Callable[..., Any]) -> Iterator[Finding]:
    """Three workers one by one, the last over a link on which a handshake takes its time."""
    tasks, names = [b"", b" ", b"alike", b"alike", b"\r\n"], ["w1", "w2", "w3"]
    tasks += [b"\x00\xff%d" % n for n in range(95)]
    call = Call("feed", feed)
    with _stage() as (feeder, workers):
        endpoint = feeder.endpoint()
        feeder.start("feed", call, endpoint, 3, list(tasks), PATIENT)
        with Tap(endpoint) as slow:
            slow.stall()
            for name, where in zip(names, (endpoint, endpoint, slow.endpoint), strict=True):
                _wait(0.15)
                workers.come([name], where)
            _until(lambda: slow.made or call.done, PATIENT)
            _wait(0.2)
            slow.resume()
            call.wait(PATIENT + 3)
            findings = _dealt(call, workers, feeder, tasks, f"{ARRIVES}{LATE}")
        yield from findings
        if all(finding.verdict == "passed" for finding in findings):
            story = together(feeder.journal, workers.trial.journal, frames=tasks[:9])
            yield from shares_are_even(workers.trial.journal, names, f"{EVEN}{LATE}", story)


def _one_missing(feed: Callable[..., Any]) -> Iterator[Finding]:
    """Three of four workers, two of them late."""
    call = Call("feed", feed)
    with _stage() as (feeder, workers):
        endpoint = feeder.endpoint()
        feeder.start("feed", call, endpoint, 4, [b"task"] * 20, PATIENCE)
        workers.come(["w1"], endpoint)
        for name, moment in (("w2", 0.4), ("w3", 0.7)):
            begun = time.monotonic() - (call.started or time.monotonic())
            call.wait(max(0.0, moment * PATIENCE - begun))
            workers.come([name], endpoint)
        call.wait(3 * PATIENCE)
        came = workers.connected(before=call.ended - 0.1)
        feeder.end()
        workers.all_gone(0.5)
        findings = gave_up(call, 3, 4, PATIENCE)
        if findings[-1].rule == SAYS and findings[-1].verdict == "failed":
            if came < 3:
                evidence = f"Only {came} of the check's 3 workers could connect in time."
                findings = [undecided(RAISES, evidence, BUSY)]
            elif call.late > 0.2:
                evidence = f"{findings[-1].evidence}\nThe check itself was woken {call.late:.2f} s "
                findings[-1] = undecided(SAYS, evidence + "late meanwhile.", BUSY)
        yield from findings
        yield from nothing_was_sent(feeder.journal, workers.trial.journal)
        if call.state == "raised" and (
            left := call.sockets_left() or call.context_held(feeder.over)
        ):
            yield left


def _nobody(feed: Callable[..., Any]) -> Iterator[Finding]:
    """Nobody comes at all."""
    call = Call("feed", feed)
    with _stage() as (feeder, _workers):
        feeder.start("feed", call, feeder.endpoint(), 2, [b"task"] * 20, 0.5)
        call.wait(3.0)
        feeder.end()
        for finding in gave_up(call, 0, 2, 0.5):
            yield replace(finding, rule=finding.rule.replace("too few", "no"))


def _slow_readers(feed: Callable[..., Any]) -> Iterator[Finding]:
    """Workers that begin to read when feed has returned: much is still in feed's own queues."""
    tasks = [b"task %d " % n + b"." * 500_000 for n in range(30)]
    # A feed that waits for its workers to read is served after four seconds.
    transport = "tcp" if sys.platform == "win32" else "ipc"
    yield from _unread_for(4.0, feed, tasks, transport, LINGERS)


def _full_queues(feed: Callable[..., Any]) -> Iterator[Finding]:
    """Workers that begin to read when all queues are full: by default, a thousand tasks each.

    Over tcp: over ipc, with libzmq 4.3.5, a PULL with a high-water mark of 1 lost 135 of 6000
    tasks when the PUSH closed while it was full; over tcp none.
    """
    tasks = [b"task %d " % n + b"." * 6000 for n in range(4000)]
    yield from _unread_for(0.5, feed, tasks, "tcp", FULL)


def _unread_for(
    seconds: float,
    feed: Callable[..., Any],
    tasks: Sequence[bytes],
    transport: str,
    rule: str,
) -> Iterator[Finding]:
    """Deal to workers that read nothing for so long, or until feed has returned."""
    lingers: list[int] = []

    class Noting(Socket):
        """Notes how long it will linger, when it is closed."""

        def close(self, linger: int | None = None) -> None:
            if self._type_name == "PUSH" and not self.closed:
                lingers.append(
                    int(self.get(zmq.LINGER)) if linger is None else self._allowed(linger)
                )
            super().close(linger)

    call = Call("feed", feed, socket_class=Noting)
    with _stage(grace=8.0) as (feeder, workers):
        workers.begin.clear()
        endpoint = feeder.endpoint(transport)
        options = [(zmq.RCVHWM, 1), (zmq.RCVBUF, 8192)]
        workers.come(["w1", "w2", "w3"], endpoint, options)
        feeder.start("feed", call, endpoint, 3, list(tasks), PATIENT)
        call.wait(seconds)
        reading = threading.Timer(0.25, workers.begin.set)
        reading.start()
        call.wait(15.0)
        findings = _dealt(call, workers, feeder, tasks, rule)
        reading.join()
        wrong = [finding for finding in findings if finding.verdict != "passed"]
        yield from wrong or waits_for_the_last_task(lingers, 8000) or findings


def _no_tasks(feed: Callable[..., Any]) -> Iterator[Finding]:
    """One worker and nothing to do."""
    call = Call("feed", feed)
    with _stage() as (feeder, workers):
        endpoint = feeder.endpoint()
        workers.come(["w1"], endpoint)
        feeder.start("feed", call, endpoint, 1, [], PATIENT)
        call.wait(PATIENT + 3)
        if problem := call.problem():
            yield problem
        else:
            yield from nothing_was_sent(
                feeder.journal, workers.trial.journal, "no tasks: nothing is sent"
            )


SCENARIOS = [
    Scenario("three workers that are there before the bind", _early, again=True),
    Scenario("three workers that come late, one over a slow link", _late, again=True),
    Scenario("three of four workers", _one_missing, again=True),
    Scenario("nobody at all", _nobody, again=True),
    Scenario("workers that read only when feed has returned", _slow_readers, again=True),
    Scenario("more tasks than the queues hold", _full_queues, again=True),
    Scenario("no tasks", _no_tasks),
]
