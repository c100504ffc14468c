"""Lab 03: complete every task though workers forget, stall, repeat themselves and die."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import zmq

from zmqlab.envelope import show
from zmqlab.record.journal import Hop, Journal

from .call import Call, brief, same
from .judge import Scenario, Trial, judge, together
from .report import Finding, Report, failed, in_situation, passed, undecided

LIMIT = 8.0  # seconds for a call that takes about one
PATIENCE = 0.5
TOO_SOON = 0.7  # times the patience: what is sent again before that was not waited for
SLACK = 0.3  # times the patience: a sending may have been under way when the result came
TOO_LATE = 2.0  # times the patience, and half a second: by then it must have been sent again

BINDS = "workers can connect to both endpoints"
DICT = "complete returns a dict of every id, once"
RESULTS = "each result is the one that its task came back with"
FRAMES = "a task goes out as [id, payload]"
AGAIN = "what does not come back is sent again"
SOON = "nothing is sent again before its patience is over"
LATE = "what does not come back is sent again when its patience is over"
ENOUGH = "what has come back is not sent again"
RETURNS = "complete returns when all has come back"


def lab03(complete: Any) -> Report:
    """Check `complete(ctx, task_endpoint, result_endpoint, tasks, patience)`.

    Among workers that are right; that forget, answer late, twice or for an unknown id, by a
    seeded plan; that die with tasks in their queue; that all answer slowly but for one task; that
    forget one task five times; and with nothing to do. Takes a few seconds, at most 50.
    """
    contract = "complete(ctx, task_endpoint, result_endpoint, tasks, patience)"
    return judge("lab03", {contract: complete}, SCENARIOS)


def result_of(payload: bytes) -> bytes:
    """What the check's workers make of a payload."""
    return payload[::-1]


# ------------------------------------------------------------------ rules


def everything_came_back(value: Any, tasks: Mapping[bytes, bytes]) -> list[Finding]:
    """The value is a dict with exactly the ids of the tasks, and the result of each."""
    if not isinstance(value, Mapping):
        return [failed(DICT, f"It returned {brief(value)} ({type(value).__name__}).")]
    if unknown := [task for task in value if task not in tasks]:
        hint = "A result may come for an id that nobody has sent out."
        return [failed(DICT, f"In it is {brief(unknown[0])}, the id of no task.", hint)]
    if missing := [task for task in tasks if task not in value]:
        evidence = f"{len(missing)} of {len(tasks)} ids are missing, {show(missing[:1])} first."
        return [failed(DICT, evidence, "Count ids, not messages: a result may come twice.")]
    for task, payload in tasks.items():
        if not same(value[task], result_of(payload)):
            return [
                failed(
                    RESULTS,
                    f"{show([task])} came back with {show([result_of(payload)])}; complete "
                    f"returned {brief(value[task])} for it.",
                )
            ]
    return [
        passed(DICT, f"{len(tasks)} of {len(tasks)} ids"),
        passed(RESULTS, "all of them"),
    ]


def nothing_is_made_up(told: Mapping[bytes, Tale]) -> list[Finding]:
    """What is wrong if complete returned without a result for some task having come to it."""
    if made_up := [task for task, tale in told.items() if tale.back is None]:
        evidence = f"No worker had answered {show(made_up[:1])}, and {len(made_up) - 1} more."
        return [failed(RESULTS, evidence, "A result is what a worker sends.")]
    return []


def returns_at_once(seconds: float, patience: float, late: float = 0.0) -> list[Finding]:
    """What is wrong if it took long to return after the last result had been sent.

    late: seconds by which the machine was late itself.
    """
    if seconds < patience / 2 + late:
        return []
    return [
        failed(
            RETURNS,
            f"The workers had sent the last result {seconds:.1f} s before complete returned; its "
            f"patience was {patience:g} s.",
            "Patience is how long a task may be missing. Who reads a result that comes sooner?",
        )
    ]


def tasks_go_out_whole(tasks: Mapping[bytes, bytes], workers: Journal) -> list[Finding]:
    """What the workers received were tasks, each as two frames."""
    for hop in workers:
        if hop.way == "received" and not _is_task(hop, tasks):
            return [failed(FRAMES, f"{hop.who} received {show(hop.frames)}.")]
    return [passed(FRAMES, "all that the workers received")]


def _is_task(hop: Hop, tasks: Mapping[bytes, bytes]) -> bool:
    return len(hop.frames) == 2 and tasks.get(hop.frames[0]) == hop.frames[1]


class Tale(NamedTuple):
    """What happened to one task, as complete's own sockets saw it."""

    sent: list[Hop]  # each time that it went out
    back: float | None  # when its first result was received, seconds; None: never


def tales(journal: Journal, tasks: Iterable[bytes]) -> dict[bytes, Tale]:
    """The tale of each task."""
    sent: dict[bytes, list[Hop]] = {task: [] for task in tasks}
    back: dict[bytes, float] = {}
    for hop in journal:
        task = hop.frames[0]
        if hop.way == "received":
            back.setdefault(task, hop.time)
        elif task in sent:
            sent[task].append(hop)
    return {task: Tale(hops, back.get(task)) for task, hops in sent.items()}


def nothing_goes_out_too_soon(
    told: Mapping[bytes, Tale], patience: float, least: float = TOO_SOON
) -> list[Finding]:
    """Between two sendings of a task lies its patience, or at least so much of it."""
    for task, (hops, _) in told.items():
        for first, second in pairwise(hops):
            gap = second.time - first.since
            if gap < least * patience:
                return [
                    failed(
                        SOON,
                        f"{show([task])} was sent {len(hops)} times; once again after {gap:.3f} s, "
                        f"with a patience of {patience:g} s.",
                        "When was this one last sent? Each task has a time of its own.",
                        Journal.of(hops),
                    )
                ]
    return [passed(SOON, "no task")]


def nothing_goes_out_too_late(
    told: Mapping[bytes, Tale], patience: float, end: float, late: float = 0.0
) -> list[Finding]:
    """A task that is not back is sent again within twice its patience and half a second.

    end: when complete returned, or when nobody waited for it any more (seconds).
    late: seconds by which the machine was late itself; of what they may explain nothing is known.
    """
    longest, doubtful = TOO_LATE * patience + 0.5, []
    for task, (hops, back) in told.items():
        for n, hop in enumerate(hops, 1):
            following = hops[n].since if n < len(hops) else None
            until = min(moment for moment in (following, back, end) if moment is not None)
            waited = until - hop.time
            if waited <= longest:
                continue
            evidence = f"{show([task])} was not back {waited:.1f} s after it was sent, and had not "
            evidence += f"been sent again; its patience was {patience:g} s."
            if waited <= longest + late:
                evidence += f" The check itself was woken {late:.2f} s late."
                doubtful.append(
                    undecided(LATE, evidence, "Run it again when the machine has less to do.")
                )
                continue
            never = following is None and (back is None or back >= end)
            return [
                failed(
                    AGAIN if never else LATE,
                    evidence,
                    "What starts the clock of a task, and what stops it? A result for another "
                    "task is no reason to wait longer for this one.",
                    Journal.of(hops),
                )
            ]
    if doubtful:
        return doubtful[:1]
    return [passed(AGAIN, "each task that did not come back"), passed(LATE, "each of them")]


def what_is_back_stays_back(
    told: Mapping[bytes, Tale], patience: float, slack: float = SLACK
) -> list[Finding]:
    """No task was sent when its result had been received for more than so much of its patience."""
    again = {
        task: sum(hop.since > tale.back + slack * patience for hop in tale.sent)
        for task, tale in told.items()
        if tale.back is not None
    }
    if not any(again.values()):
        return [passed(ENOUGH, "no task")]
    task = max(again, key=lambda task: again[task])
    return [
        failed(
            ENOUGH,
            f"{sum(n > 0 for n in again.values())} tasks were sent after their result had come, "
            f"{sum(again.values())} times in all; {show([task])} most often.",
            "What is still missing when the patience is over?",
            Journal.of(told[task].sent),
        )
    ]


# ------------------------------------------------------------------ workers


class Plan:
    """What workers do with a task when it comes for the first, second … time.

    "answer" (also when the plan says no more), "forget", "twice", "stranger": a result for an
    unknown id, then the right one; or a number: answer after so many seconds. It goes by the
    task, not by the worker: who gets which task is not the check's to say.
    """

    def __init__(self, actions: Mapping[bytes, Sequence[str | float]] | None = None) -> None:
        self._left = {task: deque(some) for task, some in (actions or {}).items()}
        self._lock = threading.Lock()

    def next(self, task: bytes) -> str | float:
        """What to do with this task now."""
        with self._lock:
            left = self._left.get(task)
            return left.popleft() if left else "answer"


def work(ctx: Any, task_endpoint: str, result_endpoint: str, plan: Plan) -> None:
    """A worker that follows the plan until its context ends."""
    due: list[tuple[float, list[bytes]]] = []
    with ctx.socket(zmq.PULL) as tasks, ctx.socket(zmq.PUSH) as results:
        tasks.connect(task_endpoint)
        results.connect(result_endpoint)
        while True:
            if tasks.poll(5 if due else None):
                due += _answers(tasks.recv_multipart(), plan)
            now = time.monotonic()
            for moment, answer in list(due):
                if moment <= now:
                    due.remove((moment, answer))
                    results.send_multipart(answer)


def _answers(frames: list[bytes], plan: Plan) -> list[tuple[float, list[bytes]]]:
    """What is to be sent for one task, and when."""
    if len(frames) != 2:
        return []  # a rule sees it in the journal
    task, payload = frames
    answer = [task, result_of(payload)]
    now = time.monotonic()
    match plan.next(task):
        case "forget":
            return []
        case "twice":
            return [(now, answer), (now, list(answer))]
        case "stranger":
            return [(now, [task + b"?", b"nobody asked"]), (now, answer)]
        case "answer":
            return [(now, answer)]
        case seconds:
            return [(now + float(seconds), answer)]


def die(ctx: Any, task_endpoint: str, result_endpoint: str, after: int, lifetime: float) -> None:
    """A worker that answers `after` tasks and dies after a while with the rest in its queue."""
    end = time.monotonic() + lifetime
    with ctx.socket(zmq.PULL) as tasks, ctx.socket(zmq.PUSH) as results:
        tasks.connect(task_endpoint)
        results.connect(result_endpoint)
        for _ in range(after):
            if not tasks.poll(max(0, end - time.monotonic()) * 1000):
                return
            task, payload = tasks.recv_multipart()[:2]
            results.send_multipart([task, result_of(payload)])
        _wait(end - time.monotonic())


def _wait(seconds: float) -> None:
    threading.Event().wait(max(0.0, seconds))


@contextmanager
def _stage() -> Iterator[tuple[Trial, Trial]]:
    """Two Contexts: one for the learner's side, one for the workers. The learner's ends first."""
    with Trial("workers", linger=0) as workers, Trial("complete") as own:
        yield own, workers


def _judged(
    call: Call,
    own: Trial,
    workers: Trial,
    tasks: Mapping[bytes, bytes],
    patience: float,
    *,
    end: float,
) -> list[Finding]:
    """All rules on one run; when it did not return, those that may say why."""
    own.end()
    if _tells(own.journal, tasks):
        journal, least, slack = own.journal, TOO_SOON, SLACK
    else:  # between sending and receiving a message may have waited for its reader
        journal, least, slack = _mirrored(workers.journal), TOO_SOON / 2, SLACK * 2
    told = tales(journal, tasks)
    late = nothing_goes_out_too_late(told, patience, end, call.late)
    if call.waited:
        late = [_retold(f, own, workers) for f in late if f.verdict == "failed"]
        whole = [f for f in tasks_go_out_whole(tasks, workers.journal) if f.verdict == "failed"]
        ended = [p for p in [_all_back(told, call), call.problem()] if p]
        return whole or _unbound(own, workers, call) or late or ended[:1]
    if problem := call.problem():
        return [problem]
    findings = [
        *everything_came_back(call.value, tasks),
        *nothing_is_made_up(told),
        *tasks_go_out_whole(tasks, workers.journal),
        *nothing_goes_out_too_soon(told, patience, least),
        *what_is_back_stays_back(told, patience, slack),
        *late,
    ]
    return [_retold(finding, own, workers) for finding in findings]


def _all_back(told: Mapping[bytes, Tale], call: Call) -> Finding | None:
    """The finding for a call that did not return though it had received every result."""
    if any(tale.back is None for tale in told.values()):
        return None
    return failed(
        RETURNS,
        f"The results of all {len(told)} tasks had been received; {call.waited:g} s later complete "
        f"had not returned.\nIt was at {call.where}",
        "Which ids does it still miss? A result may be empty.",
    )


def _tells(journal: Journal, tasks: Mapping[bytes, bytes]) -> bool:
    """Whether this journal has seen tasks go out (not if the sockets were of another kind)."""
    return not tasks or any(hop.way == "sent" and hop.frames[0] in tasks for hop in journal)


def _mirrored(workers: Journal) -> Journal:
    """What the workers received as if it had been sent then, and the other way round."""
    turned = {"sent": "received", "received": "sent"}
    return Journal.of(hop._replace(way=turned[hop.way]) for hop in workers)  # type: ignore[arg-type]


def _retold(finding: Finding, own: Trial, workers: Trial) -> Finding:
    """The finding with the workers' side of its story."""
    if finding.story is None or not finding.story.hops:
        return finding
    task = finding.story.hops[0].frames[0]
    return replace(finding, story=together(own.journal, workers.journal, frames=[task]))


def _unbound(own: Trial, workers: Trial, call: Call) -> list[Finding]:
    """Why nothing came or went, if it is that not both are bound, or not the right kinds."""
    sockets = [socket for socket in own.journal.sockets if socket.bound]
    bound = [f"a {s.kind} bound at {end}" for s in sockets for end in s.bound]
    wrong = [s for s in sockets if s.kind not in ("PUSH", "PULL")]
    if not wrong and (len(bound) >= 2 or len(workers.journal)):
        return []
    idle = "complete received no result" if len(workers.journal) else "No worker received a task"
    return [
        failed(
            BINDS,
            f"{idle}. It has {' and '.join(bound) or 'bound nothing'}.\nIt was at {call.where}",
            "A PUSH bound at the first endpoint, a PULL at the second: workers connect to both.",
        )
    ]


# ------------------------------------------------------------------ scenarios

_ODD = {
    b"\x00": b"alike",
    b"\x00\x01": b"alike",
    b"\xff\xfe": b"\x80 not text \xff",
    b"a:b": b"\n with space around ",
    b"empty": b"",
}


def _tasks(n: int) -> dict[bytes, bytes]:
    """So many tasks, some with ids that are not text, one with nothing in it."""
    return _ODD | {b"task %d" % i: b"payload %d" % i for i in range(n - len(_ODD))}


def _all_well(complete: Callable[..., Any]) -> Iterator[Finding]:
    """Workers that do what they should, one of them late."""
    tasks = _tasks(60)
    call = Call("complete", complete)
    with _stage() as (own, workers):
        ends = own.endpoint(), own.endpoint()
        workers.start("w1", work, *ends, Plan())
        own.start("complete", call, *ends, dict(tasks), 3.0)
        _wait(0.15)
        workers.start("w2", work, *ends, Plan())
        call.wait(LIMIT)
        findings = _judged(call, own, workers, tasks, 3.0, end=time.monotonic())
        yield from findings
        if all(finding.verdict == "passed" for finding in findings):
            last = max(hop.time for hop in workers.journal if hop.way == "sent")
            yield from returns_at_once(call.ended - last, 3.0, call.late)


def _faults(complete: Callable[..., Any]) -> Iterator[Finding]:
    """Workers that forget, repeat themselves, are late and answer what nobody asked."""
    tasks = _tasks(30)
    dice = Random(3)
    ids = dice.sample(list(tasks), len(tasks))
    late = 1.6 * PATIENCE
    actions: list[Sequence[str | float]] = [
        *[["forget"]] * 5,
        ["forget", "forget", "twice"],
        *[["twice"]] * 4,
        *[["stranger"]] * 4,
        *[[late]] * 3,
        ["forget", late],
    ]
    call = Call("complete", complete)
    with _stage() as (own, workers):
        ends = own.endpoint(), own.endpoint()
        plan = Plan(dict(zip(ids, actions, strict=False)))
        for name in ("w1", "w2"):
            workers.start(name, work, *ends, plan)
        own.start("complete", call, *ends, dict(tasks), PATIENCE)
        call.wait(LIMIT)
        findings = _judged(call, own, workers, tasks, PATIENCE, end=time.monotonic())
        yield from in_situation("forgetful workers", findings)


def _deaths(complete: Callable[..., Any]) -> Iterator[Finding]:
    """Two workers die with tasks in their queue; a third comes later."""
    tasks = _tasks(40)
    call = Call("complete", complete)
    with _stage() as (own, workers):
        ends = own.endpoint(), own.endpoint()
        workers.start("w1", die, *ends, 1, 0.25)
        workers.start("w2", die, *ends, 5, 0.35)
        own.start("complete", call, *ends, dict(tasks), PATIENCE)
        _wait(0.45)
        workers.start("w3", work, *ends, Plan())
        call.wait(LIMIT)
        findings = _judged(call, own, workers, tasks, PATIENCE, end=time.monotonic())
        yield from in_situation("workers die", findings)


def _trickle(complete: Callable[..., Any]) -> Iterator[Finding]:
    """One task is forgotten while the results of others come in, one by one, for a while."""
    tasks = {b"task %d" % n: b"payload %d" % n for n in range(16)}
    first, *others = tasks
    plan: dict[bytes, Sequence[str | float]] = {first: ["forget"]}
    plan |= {task: [0.15 * n] for n, task in enumerate(others)}
    call = Call("complete", complete)
    with _stage() as (own, workers):
        ends = own.endpoint(), own.endpoint()
        workers.start("w1", work, *ends, Plan(plan))
        own.start("complete", call, *ends, dict(tasks), 0.4)
        call.wait(LIMIT)
        findings = _judged(call, own, workers, tasks, 0.4, end=time.monotonic())
        yield from in_situation("results trickle in", findings)


def _forgotten(complete: Callable[..., Any]) -> Iterator[Finding]:
    """One of four tasks is forgotten five times, another once; the worker comes late."""
    tasks = {b"task %d" % n: b"payload %d" % n for n in range(4)}
    plan: dict[bytes, Sequence[str | float]] = {b"task 2": ["forget"] * 5, b"task 3": ["forget"]}
    call = Call("complete", complete)
    with _stage() as (own, workers):
        ends = own.endpoint(), own.endpoint()
        own.start("complete", call, *ends, dict(tasks), 0.25)
        _wait(0.6)
        workers.start("w1", work, *ends, Plan(plan))
        call.wait(LIMIT)
        findings = _judged(call, own, workers, tasks, 0.25, end=time.monotonic())
        yield from in_situation("one task is forgotten again and again", findings)


def _no_tasks(complete: Callable[..., Any]) -> Iterator[Finding]:
    """Nothing to do, and nobody there."""
    call = Call("complete", complete)
    with _stage() as (own, _workers):
        own.start("complete", call, own.endpoint(), own.endpoint(), {}, PATIENCE)
        call.wait(3.0)
        own.end()
        if problem := call.problem():
            yield problem
            return
        yield from in_situation("no tasks", everything_came_back(call.value, {}))


SCENARIOS = [
    Scenario("workers that do what they should, one of them late", _all_well),
    Scenario("workers that forget, repeat themselves and are late", _faults, again=True),
    Scenario("workers that die with tasks in their queue", _deaths, again=True),
    Scenario("a forgotten task while other results trickle in", _trickle, again=True),
    Scenario("a task that is forgotten five times", _forgotten, again=True),
    Scenario("no tasks", _no_tasks),
]
