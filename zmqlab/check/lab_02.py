"""Lab 02: hand a task only to the worker that asks for one."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import zmq

from zmqlab.balance.theory import makespan_bound
from zmqlab.envelope import show
from zmqlab.record.journal import Journal
from zmqlab.run.threads import GaveUp, eventually

from .call import Call, brief
from .judge import Scenario, Trial, judge, together
from .report import Finding, Report, failed, in_situation, passed

READY, NO_MORE = b"READY", b""
TASKS = 42
QUICK, SLOW = 0.01, 0.2  # seconds a task
LIMIT = 6.0  # seconds for anything that takes well under one

ANSWERED = "who asks is answered"
ONE_FRAME = "an answer is one frame"
ONCE = "every task is done once"
SENT_HOME = 'every worker gets its b""'
LEFT_LAST = "nobody is sent home while tasks are left"
STRAGGLER = "the straggler gets few tasks"
MAKESPAN = "the makespan is near the lower bound"
NO_SPIN = "while nobody asks, feed waits without using the processor"
STAYS = "feed stays for the last worker"
NO_BARRIER = "who asks first does not wait for who comes later"
ONE_EACH = "one answer to each question"
CONNECTS = "the worker connects to the feed"
ASKS = 'the worker asks with b"READY"'
WORKS = "the worker works on each task that it gets, once and as it came"
BEFORE = "the worker has done its task before it asks for the next"
COUNTS = "the worker returns how many tasks it did"


def lab02(feed: Any, worker: Any) -> Report:
    """Check `feed(ctx, endpoint, tasks, n_workers)` and `worker(ctx, endpoint, work)`.

    Each among counterparts of the check's own (a straggler, a late worker, more workers than
    tasks, no tasks; a feed that comes late and pauses), then both together. Takes a few seconds,
    at most 30.
    """
    functions = {
        "feed(ctx, endpoint, tasks, n_workers)": feed,
        "worker(ctx, endpoint, work)": worker,
    }
    return judge("lab02", functions, SCENARIOS)


# ------------------------------------------------------------------ histories


class Done(NamedTuple):
    """One task as a worker did it, with times in seconds."""

    task: bytes
    asked: float  # when the worker began to ask
    got: float  # when it had the task
    end: float  # when the work was done


@dataclass
class Shift:
    """What one worker saw, from its first question to its `b""`."""

    name: str
    done: list[Done] = field(default_factory=list)
    asked: float = 0.0  # when the question began that has no task for an answer
    home: float = 0.0  # when it got its b""; 0.0: never
    strange: tuple[bytes, ...] | None = None  # an answer that was not one frame

    @property
    def waits(self) -> bool:
        """Whether it asked and was never answered."""
        return bool(self.asked) and not self.home and self.strange is None


class Question(NamedTuple):
    """One message of a worker as a feed got it."""

    frames: tuple[bytes, ...]  # without the address
    done: int  # how many tasks the worker had finished by then


# ------------------------------------------------------------------ rules for feed


def every_task_is_done_once(tasks: Sequence[bytes], shifts: Sequence[Shift]) -> list[Finding]:
    """The workers did all tasks and nothing else."""
    done = Counter(done.task for shift in shifts for done in shift.done)
    wanted = Counter(tasks)
    if more := list(done - wanted):
        times = done[more[0]]
        hint = "" if wanted[more[0]] else "A task goes out as it was given."
        return [failed(ONCE, f"{show([more[0]])} was handed out {times} times.", hint)]
    if missing := list(wanted - done):
        count = (wanted - done).total()
        evidence = f"{count} of {len(tasks)} tasks were never handed out, {show(missing[:1])} first"
        return [failed(ONCE, evidence + ".")]
    return [passed(ONCE, f"{len(tasks)} of {len(tasks)} tasks, none twice")]


def answers_are_one_frame(shifts: Sequence[Shift]) -> list[Finding]:
    """No worker got anything but one frame."""
    for shift in shifts:
        if shift.strange is not None:
            evidence = f"{shift.name} asked and got {show(shift.strange)}."
            return [failed(ONE_FRAME, evidence, "One question, one task.")]
    return [passed(ONE_FRAME, "each time")]


def everyone_is_sent_home(shifts: Sequence[Shift]) -> list[Finding]:
    """Each worker got its b""."""
    waiting = [shift.name for shift in shifts if not shift.home]
    if not waiting:
        return [passed(SENT_HOME, f"{len(shifts)} of {len(shifts)} workers")]
    return [
        failed(
            SENT_HOME,
            f'feed returned, and its context ended; {", ".join(waiting)} never got a b"".',
            'How many workers has feed told that there is nothing left, and did the last b"" '
            "leave before the socket was closed?",
        )
    ]


def tasks_go_before_workers(shifts: Sequence[Shift]) -> list[Finding]:
    """Nobody got its b"" before another one asked, and was given a task.

    The other asked later than that, so the task was still there when somebody was sent home.
    """
    homes = [(shift.home, shift.name) for shift in shifts if shift.home]
    if not homes:
        return []
    home, name = min(homes)
    late = [(shift.name, done) for shift in shifts for done in shift.done if done.asked > home]
    if not late:
        return [passed(LEFT_LAST, "all tasks were gone by then")]
    other, done = min(late, key=lambda item: item[1].got)
    return [
        failed(
            LEFT_LAST,
            f'{name} got its b""; after that {other} asked and was given {show([done.task])}, '
            f"the first of {len(late)} such tasks.",
            "Whose task is it before anybody has asked for it?",
        )
    ]


def straggler_gets_few(shifts: Sequence[Shift], straggler: str) -> list[Finding]:
    """The straggler did less than half of an even share."""
    shares = {shift.name: len(shift.done) for shift in shifts}
    if shares[straggler] < sum(shares.values()) / len(shares) / 2:
        return [passed(STRAGGLER, "less than half an even share")]
    told = ", ".join(f"{name} {share}" for name, share in shares.items())
    return [
        failed(
            STRAGGLER,
            f"{straggler} needs {SLOW / QUICK:.0f} times as long for a task as the others. "
            f"Tasks per worker: {told}.",
            "Does anybody have to wait for its turn?",
        )
    ]


def makespan_is_near_the_bound(shifts: Sequence[Shift], most: float = 4.0) -> list[Finding]:
    """All was done in at most so many times what no schedule can beat, at the speeds measured."""
    done = [done for shift in shifts for done in shift.done]
    speeds = [
        len(shift.done) / sum(done.end - done.got for done in shift.done)
        for shift in shifts
        if shift.done
    ]
    bound = makespan_bound([1.0] * len(done), speeds)
    makespan = max(d.end for d in done) - min(d.asked for d in done)
    if makespan <= most * bound:
        return [passed(MAKESPAN, f"at most {most:g} times the bound")]
    waited = sum(d.got - d.asked for d in done) / len(done)
    return [
        failed(
            MAKESPAN,
            f"It took {makespan:.2f} s, {makespan / bound:.1f} times the bound of {bound:.2f} s. "
            f"A question waited {waited * 1000:.0f} ms for its task on average.",
            "What does feed do between a question and its answer?",
        )
    ]


def feed_did_not_spin(cpu: float, seconds: float, most: float = 0.15) -> list[Finding]:
    """Its thread used little of the processor in that time.

    seconds: without those in which it stood in line for one; on a loaded machine a thread that
    never waits for anything else gets little of one.
    """
    if cpu <= most * seconds:
        return [passed(NO_SPIN, f"less than {most:.0%} of the time")]
    return [
        failed(
            NO_SPIN,
            f"feed used the processor for {cpu:.2f} of {seconds:.2f} s, in which it had next to "
            "nothing to do.",
            "A receive that may wait costs nothing; one that asks again and again takes the "
            "workers' time.",
        )
    ]


def answers_match_questions(journal: Journal, endpoint: str) -> list[Finding]:
    """The socket that is bound there has sent as often as it has received.

    What was not recorded, because the feed used sockets of another kind, is not judged.
    """
    hops = [hop for hop in journal if endpoint in hop.socket.bound]
    sent = sum(hop.way == "sent" for hop in hops)
    got = len(hops) - sent
    if sent == got or not sent:
        return [passed(ONE_EACH, "as many answers as questions")]
    return [
        failed(
            ONE_EACH,
            f"feed got {got} questions and sent {sent} answers.",
            "A REQ worker takes one answer to each question; what else it is sent is lost.",
            journal,
        )
    ]


# ------------------------------------------------------------------ rules for worker


def asks_with_ready(questions: Sequence[Question], tasks: int) -> list[Finding]:
    """Every message of the worker was its question, and it asked once for each answer."""
    for question in questions:
        if not is_question(question.frames):
            return [
                failed(
                    ASKS,
                    f"The feed got {show(question.frames)} after the address.",
                    'A REQ that sends b"READY" gives ∅ | "READY".',
                )
            ]
    if len(questions) != tasks + 1:
        evidence = f'There were {tasks} tasks and a b""; the worker asked {len(questions)} times.'
        return [failed(ASKS, evidence)]
    return [passed(ASKS, f"tasks: {tasks}, questions: {tasks + 1}")]


def is_question(frames: Sequence[bytes]) -> bool:
    """Whether a REQ that sends b"READY" gives these frames, with REQ_CORRELATE or without."""
    request_id = frames[:-2]
    return tuple(frames[-2:]) == (b"", READY) and (
        not request_id or (len(request_id) == 1 and len(request_id[0]) == 4)
    )


def works_as_told(
    tasks: Sequence[bytes], worked: Sequence[object], handed: int | None = None
) -> list[Finding]:
    """`work` was called with each task, in order, and with nothing else.

    handed: how many of the tasks had been handed out when the worker ended; None: all.
    """
    handed = len(tasks) if handed is None else handed
    if list(worked) == list(tasks):
        return [passed(WORKS, f"{len(tasks)} of {len(tasks)} tasks")]
    for n, (task, called) in enumerate(zip(tasks, worked, strict=False)):
        if task != called:
            evidence = f"The task was {brief(task)}; call {n + 1} was work({brief(called)})."
            return [failed(WORKS, evidence, "Tasks are bytes, handed to `work` as they came.")]
    if len(worked) == handed < len(tasks):
        return [
            failed(
                WORKS,
                f"The worker ended after {handed} of {len(tasks)} tasks. Nobody had told it that "
                "there are no more.",
                "A feed may come late, and think for a while before it answers; and what `work` "
                'returns does not matter. Only b"" is the end.',
            )
        ]
    missed = f", not with {brief(tasks[len(worked)])}" if len(worked) < handed else ""
    return [
        failed(
            WORKS,
            f"{handed} tasks were handed out, and work was called {len(worked)} times{missed}.",
            'Only b"" means that there are no more; and b"" is not a task.',
        )
    ]


def works_before_asking(questions: Sequence[Question]) -> list[Finding]:
    """When the n-th question came, n - 1 tasks were done."""
    for n, question in enumerate(questions):
        if question.done < n:
            return [
                failed(
                    BEFORE,
                    f"Its question number {n + 1} came when it had done {question.done} of the "
                    f"{n} tasks that it had got.",
                    "A task that lies with a busy worker cannot be done by a free one.",
                )
            ]
    return [passed(BEFORE, "each time")]


def returns_its_count(value: object, tasks: int) -> list[Finding]:
    """What the worker returned is the number of its tasks."""
    if type(value) is int and value == tasks:
        return [passed(COUNTS, "it does")]
    return [failed(COUNTS, f"It did {tasks} tasks and returned {brief(value)}.")]


# ------------------------------------------------------------------ counterparts


def ask(ctx: Any, endpoint: str, seconds: float, shift: Shift, routing_id: bytes = b"") -> None:
    """A worker that is right: ask, work, ask again, until there are no more."""
    with ctx.socket(zmq.REQ) as feed:
        if routing_id:
            feed.routing_id = routing_id
        feed.connect(endpoint)
        while True:
            shift.asked = time.monotonic()
            feed.send(READY)
            frames = feed.recv_multipart()
            got = time.monotonic()
            if frames == [NO_MORE]:
                shift.home = got
                return
            if len(frames) != 1:
                shift.strange = tuple(frames)
                return
            _wait(seconds)
            shift.done.append(Done(frames[0], shift.asked, got, time.monotonic()))


def hand_out(
    ctx: Any, endpoint: str, left: list[bytes], done: list[Any], questions: list[Question]
) -> None:
    """A feed that is right for one worker, notes each question, and pauses before its third.

    left: what it has not yet handed out, the b"" at the end included.
    """
    with ctx.socket(zmq.ROUTER) as router:
        router.bind(endpoint)
        while True:
            address, *frames = router.recv_multipart()
            questions.append(Question(tuple(frames), len(done)))
            if not is_question(frames) or not left:
                continue  # wrong, and noted
            if len(questions) == 3:
                _wait(0.3)
            router.send_multipart([address, *frames[:-1], left.pop(0)])


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def _until(condition: Callable[[], object], within: float) -> bool:
    try:
        eventually(condition, within, "")
    except GaveUp:
        return False
    return True


@contextmanager
def _stage() -> Iterator[tuple[Trial, Trial]]:
    """Two Contexts: one for the feed, one for the workers. The feed's ends first."""
    with Trial("workers") as workers, Trial("feed") as feeder:
        yield feeder, workers


_ENVELOPE = 'A REQ takes an answer that has an empty frame before it: [address, b"", task].'


def _why_unanswered(feeder: Trial) -> tuple[str, str]:
    """Evidence and hint where no worker has had any answer: the wrong socket, or envelope."""
    bound = [f"a {note.kind}" for note in feeder.journal.sockets if note.bound]
    if not bound or "a REP" in bound or "a ROUTER" in bound:
        return "", _ENVELOPE
    return f"\nIt has bound {' and '.join(bound)}.", "Which kinds of socket can a REQ talk to?"


def _fed(call: Call, feeder: Trial, workers: Trial, shifts: Sequence[Shift]) -> list[Finding]:
    """What is wrong with a feed that should have returned; if nothing is, end its context."""
    if answers_are_one_frame(shifts)[0].verdict == "failed":
        return answers_are_one_frame(shifts)
    waiting = [shift.name for shift in shifts if shift.waits]
    if call.waited and waiting:
        done = sum(len(shift.done) for shift in shifts)
        story = together(feeder.journal, workers.journal)
        bound, hint = "", "What does it wait for there, while somebody asks?"
        if not done:
            bound, hint = _why_unanswered(feeder)
        return [
            failed(
                ANSWERED,
                f"After {call.waited:g} s feed had not returned, and {', '.join(waiting)} "
                f"had no answer to a question. {done} tasks were done.\n"
                f"feed was at {call.where}{bound}",
                hint,
                story,
            )
        ]
    if problem := call.problem():
        return [problem]
    feeder.end()
    _until(lambda: all(shift.home for shift in shifts), 1.0)
    return []


# ------------------------------------------------------------------ scenarios


def _straggler(feed: Callable[..., Any], _worker: Callable[..., Any]) -> Iterator[Finding]:
    """Two quick workers and a straggler."""
    tasks = [b"task %d" % n for n in range(TASKS)]
    shifts = [Shift("w1"), Shift("w2"), Shift("w3")]
    call = Call("feed", feed)
    with _stage() as (feeder, workers):
        endpoint = feeder.endpoint()
        for shift in shifts:
            seconds = SLOW if shift.name == "w3" else QUICK
            workers.start(shift.name, ask, endpoint, seconds, shift)
        feeder.start("feed", call, endpoint, list(tasks), 3)
        call.wait(LIMIT)
        if wrong := _fed(call, feeder, workers, shifts):
            yield from wrong
            return
        _until(lambda: not any(shift.waits for shift in shifts), 1.0)
    yield from answers_are_one_frame(shifts)
    yield from everyone_is_sent_home(shifts)
    yield from tasks_go_before_workers(shifts)
    yield from (findings := every_task_is_done_once(tasks, shifts))
    if all(finding.verdict == "passed" for finding in findings):
        yield from makespan_is_near_the_bound(shifts)
        yield from straggler_gets_few(shifts, "w3")
    yield from answers_match_questions(feeder.journal, endpoint)


def _more_workers(feed: Callable[..., Any], _worker: Callable[..., Any]) -> Iterator[Finding]:
    """Five workers, two of them with a routing id, for four tasks; the last comes late."""
    tasks = [b"\x00", b"\xff\xfe", READY, READY]
    ids = {"w2": b"w2", "w3": b"\xff no text"}
    *early, late = shifts = [Shift(f"w{n}") for n in range(1, 6)]
    call = Call("feed", feed)
    with _stage() as (feeder, workers):
        endpoint = feeder.endpoint()
        feeder.start("feed", call, endpoint, list(tasks), 5)
        for shift in early:
            workers.start(shift.name, ask, endpoint, 0.02, shift, ids.get(shift.name, b""))
        gone = _until(lambda: call.done or all(shift.home for shift in early), 3.0)
        _wait(0.6)
        if call.done or not gone:
            call.wait(0)
            yield from _too_early(call, early)
            return
        workers.start(late.name, ask, endpoint, 0.02, late)
        call.wait(LIMIT)
        if wrong := _fed(call, feeder, workers, shifts):
            yield from wrong
            return
    yield passed(STAYS, "until the last of five had come")
    findings = [*everyone_is_sent_home(shifts), *every_task_is_done_once(tasks, shifts)]
    yield from in_situation("more workers than tasks", findings)
    yield from feed_did_not_spin(call.cpu, call.seconds - call.in_line)


def _too_early(call: Call, early: Sequence[Shift]) -> list[Finding]:
    """What is wrong when not all of the early workers are gone, or feed is, before the last."""
    if call.done:
        return [
            call.problem()
            or failed(
                STAYS,
                f"feed returned when {sum(bool(shift.home) for shift in early)} of 5 workers had "
                'got their b""; the last had not come yet.',
                "Count the workers that you have sent home, not the tasks.",
            )
        ]
    waiting = ", ".join(shift.name for shift in early if shift.waits)
    return [
        failed(
            NO_BARRIER,
            f"{waiting} asked and had no answer while the last of 5 workers had not come.\n"
            f"feed was at {call.where}",
            "The workers need not know of each other, and feed need not know them before.",
        )
    ]


def _no_tasks(feed: Callable[..., Any], _worker: Callable[..., Any]) -> Iterator[Finding]:
    """Two workers and nothing to do."""
    shifts = [Shift("w1"), Shift("w2")]
    call = Call("feed", feed)
    with _stage() as (feeder, workers):
        endpoint = feeder.endpoint()
        feeder.start("feed", call, endpoint, [], 2)
        for shift in shifts:
            workers.start(shift.name, ask, endpoint, 0.0, shift)
        call.wait(LIMIT)
        if wrong := _fed(call, feeder, workers, shifts):
            yield from wrong
            return
    yield from in_situation("a feed without tasks", everyone_is_sent_home(shifts))


def _one_worker(_feed: Callable[..., Any], worker: Callable[..., Any]) -> Iterator[Finding]:
    """A worker that is there before its feed, and tasks of all kinds of bytes."""
    tasks = [b"task", b"task", b"\x00", b"0", b"READY", b" ", bytes(range(256)) * 400]
    yield from _worked(worker, tasks)


def _idle_worker(_feed: Callable[..., Any], worker: Callable[..., Any]) -> Iterator[Finding]:
    """A worker for which there is nothing to do."""
    yield from in_situation("a worker without tasks", _worked(worker, []))


def _worked(worker: Callable[..., Any], tasks: Sequence[bytes]) -> list[Finding]:
    worked: list[object] = []
    done: list[object] = []
    questions: list[Question] = []

    def work(task: object) -> object:
        worked.append(task)
        _wait(0.03)
        done.append(task)
        return (NO_MORE, None, False, 0)[len(done) % 4]  # it does not matter

    call = Call("worker", worker)
    left = [*tasks, NO_MORE]
    with _stage() as (feeder, workers):
        endpoint = feeder.endpoint()
        workers.start("w1", call, endpoint, work)
        _wait(0.05)
        if bound := [socket for socket in workers.journal.sockets if socket.bound]:
            evidence = f"It has bound a {bound[0].kind} at {bound[0].bound[0]}"
            return [failed(CONNECTS, evidence, "The feed binds there; workers come and go.")]
        feeder.start("feed", hand_out, endpoint, left, done, questions)
        call.wait(LIMIT)
        handed = min(len(tasks), len(tasks) + 1 - len(left))
    asked = asks_with_ready(questions, len(tasks))
    odd = not all(is_question(question.frames) for question in questions)
    if odd or len(questions) > len(tasks) + 1:
        return asked
    if problem := call.problem():
        return [problem]
    works = works_as_told(tasks, worked, handed)
    if works[0].verdict == "failed":
        return works
    counts = returns_its_count(call.value, len(tasks))
    return [*asked, *works, *works_before_asking(questions), *counts]


def _both(feed: Callable[..., Any], worker: Callable[..., Any]) -> Iterator[Finding]:
    """Feed with three of the worker, one of them a straggler."""
    tasks = [b"task %d" % n for n in range(TASKS)]
    shifts = [Shift("w1"), Shift("w2"), Shift("w3")]
    fed = Call("feed", feed)
    calls = [Call("worker", worker) for _ in shifts]
    with _stage() as (feeder, workers):
        endpoint = feeder.endpoint()
        feeder.start("feed", fed, endpoint, list(tasks), 3)
        for shift, call in zip(shifts, calls, strict=True):
            seconds = SLOW if shift.name == "w3" else QUICK
            workers.start(shift.name, call, endpoint, _noted(shift, seconds))
        fed.wait(LIMIT)
        for call in calls:
            call.wait(1.0)
    if problem := next((p for call in (fed, *calls) if (p := call.problem())), None):
        yield problem
        return
    findings = every_task_is_done_once(tasks, shifts)
    if findings[0].verdict == "passed":
        findings += makespan_is_near_the_bound(shifts)
        findings += straggler_gets_few(shifts, "w3")
        counted = sum(call.value for call in calls if type(call.value) is int)
        findings += returns_its_count(counted, len(tasks))
    yield from in_situation("your feed with your workers", findings)


def _noted(shift: Shift, seconds: float) -> Callable[[bytes], None]:
    """Work that takes so many seconds and is noted."""

    def work(task: bytes) -> None:
        got = time.monotonic()
        _wait(seconds)
        shift.done.append(Done(task, got, got, time.monotonic()))

    return work


SCENARIOS = [
    Scenario("feed: two quick workers and a straggler", _straggler),
    Scenario("feed: more workers than tasks, and one of them late", _more_workers),
    Scenario("feed: no tasks", _no_tasks),
    Scenario("worker: tasks of all kinds of bytes", _one_worker),
    Scenario("worker: no tasks", _idle_worker),
    Scenario("both, with a straggler among the workers", _both),
]
