"""Lab 02: hand a task only to the worker that asks for one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import zmq

from zmqlab.balance.theory import makespan_bound
from zmqlab.envelope import show
from zmqlab.record.journal import Journal

from .call import Call, brief
from .cast import Act, Cast, Note, check
from .pipeline import (
    History,
    Rule,
    again,
    all_taken,
    broken,
    each_once,
    ended_well,
    failed_in_time,
)
from .report import Finding, Report, failed, passed, undecided
from .shift import NO_MORE, READY, ask, at_work, shifts

NAMES = ("w1", "w2", "w3")  # the last of them is the straggler
QUICK, SLOW = 0.01, 0.2  # seconds a task
LIMIT = 6.0  # seconds for anything that takes well under one
QUIET = 0.6  # seconds in which nobody asks
BUSY = 0.15  # part of them that a feed may be at work
MOST = 4.0  # times the bound: what takes longer has waited for something

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
    return check("lab02", functions, ACTS)


# ------------------------------------------------------------------ rules for feed


def answers_are_one_frame(history: History) -> list[Finding]:
    """No worker got anything but one frame."""
    for shift in shifts(history):
        if shift.strange is not None:
            evidence = f"{shift.name} asked and got {show(shift.strange)}."
            story = history.story(*shift.strange)
            return [failed(ONE_FRAME, evidence, "One question, one task.", story)]
    return [passed(ONE_FRAME, "each time")]


def early_ones_are_answered(history: History) -> list[Finding]:
    """Those who come first are served, and feed stays until the last of them has come."""
    if len(history.when("came")) == 5:
        return [passed(STAYS, "until the last of five had come")]
    if not history.call.waited:
        home = sum(bool(shift.home) for shift in shifts(history))
        evidence = f'feed returned when {home} of 5 workers had got their b""; the last had not '
        hint = "Count the workers that you have sent home, not the tasks."
        return [history.problem or failed(STAYS, evidence + "come yet.", hint)]
    waiting = ", ".join(shift.name for shift in shifts(history) if shift.asked)
    evidence = f"{waiting} asked and had no answer while the last of 5 workers had not come.\n"
    evidence += f"feed was at {history.call.where}"
    hint = "The workers need not know of each other, and feed need not know them before."
    return failed_in_time(history, LIMIT / 4, NO_BARRIER, evidence, hint)


def who_asks_is_answered(history: History) -> list[Finding]:
    """What is wrong if feed had not returned, and somebody waited for an answer."""
    call, seen = history.call, shifts(history)
    waiting = [shift.name for shift in seen if shift.asked]
    if not call.waited or not waiting:
        return []
    n_done = sum(len(shift.done) for shift in seen)
    evidence = f"After {call.waited:g} s feed had not returned, and {', '.join(waiting)} had no "
    evidence += f"answer to a question. {n_done} tasks were done.\nfeed was at {call.where}"
    hint = "Somebody asks all the while. Can feed hear it there?"
    if (bound := history.bound()) and not n_done:
        evidence += f"\nIt has {bound}."
        hint = "Which kinds of socket can a REQ talk to?"
        if "a REP" in bound or "a ROUTER" in bound:
            hint = 'A REQ takes an answer that has an empty frame before it: [address, b"", task].'
    story = _talk(history, waiting)
    return failed_in_time(history, call.waited / 4, ANSWERED, evidence, hint, story)


def every_task_is_done_once(history: History) -> list[Finding]:
    """The workers did all tasks and nothing else."""
    return each_once(history, ONCE, [(d.task,) for shift in shifts(history) for d in shift.done])


def everyone_is_sent_home(history: History) -> list[Finding]:
    """Each worker got its b""."""
    seen = shifts(history)
    waiting = [shift.name for shift in seen if not shift.home]
    if not waiting:
        return [passed(SENT_HOME, f"{len(seen)} of {len(seen)} workers")]
    evidence = f'feed returned, and its context ended; {", ".join(waiting)} never got a b"".'
    if not all_taken(history):
        return [undecided(SENT_HOME, evidence + " It may still be on its way.")]
    hint = 'How many workers has feed told that there is nothing left, and did the last b"" leave '
    return [failed(SENT_HOME, evidence, f"{hint}before the socket was closed?")]


def tasks_go_before_workers(history: History) -> list[Finding]:
    """Nobody got its b"" before another one asked, and was given a task.

    The other asked later than that, so the task was still there when somebody was sent home.
    """
    seen = shifts(history)
    home, name = min((shift.home, shift.name) for shift in seen if shift.home)
    late = [(shift.name, done) for shift in seen for done in shift.done if done.asked > home]
    if not late:
        return [passed(LEFT_LAST, "all tasks were gone by then")]
    other, done = min(late, key=lambda item: item[1].got)
    evidence = f'{name} got its b""; after that {other} asked and was given {show([done.task])}, '
    evidence += f"the first of {len(late)} such tasks."
    hint = "Whose task is it before anybody has asked for it?"
    return [failed(LEFT_LAST, evidence, hint, history.story(done.task, NO_MORE))]


def straggler_gets_few(history: History) -> list[Finding]:
    """The last worker, a straggler, did less than half of an even share."""
    shares = {shift.name: len(shift.done) for shift in shifts(history)}
    if shares.get(NAMES[-1], 0) < sum(shares.values()) / len(NAMES) / 2:
        return [passed(STRAGGLER, "less than half an even share")]
    told = ", ".join(f"{name} {share}" for name, share in shares.items())
    evidence = f"{NAMES[-1]} needs {SLOW / QUICK:.0f} times as long for a task as the others. "
    evidence += f"Tasks per worker: {told}."
    hint = "Does anybody have to wait for its turn?"
    return failed_in_time(history, SLOW, STRAGGLER, evidence, hint)


def makespan_is_near_the_bound(history: History) -> list[Finding]:
    """All was done in at most so many times what no schedule can beat, at the speeds measured."""
    seen = [shift.done for shift in shifts(history) if shift.done]
    done = [each for some in seen for each in some]
    speeds = [len(some) / sum(each.end - each.got for each in some) for some in seen]
    bound = makespan_bound([1.0] * len(done), speeds)
    makespan = max(each.end for each in done) - min(each.asked for each in done)
    if makespan <= MOST * bound:
        return [passed(MAKESPAN, f"at most {MOST:g} times the bound")]
    waited = sum(each.got - each.asked for each in done) / len(done)
    evidence = f"It took {makespan:.2f} s, {makespan / bound:.1f} times the bound of {bound:.2f} "
    evidence += f"s. A question waited {waited * 1000:.0f} ms for its task on average."
    hint = "What does feed do between a question and its answer?"
    too_long = makespan - MOST * bound
    return failed_in_time(history, too_long / 4, MAKESPAN, evidence, hint)  # by four threads


def feed_does_not_spin(history: History) -> list[Finding]:
    """While nobody asked, it used little of the processor."""
    (busy,) = history.values("busy")
    if busy <= BUSY:
        return [passed(NO_SPIN, f"less than {BUSY:.0%} of the time")]
    evidence = f"feed used the processor for {busy:.0%} of {QUIET:g} s in which nobody asked."
    hint = "A receive that may wait costs nothing; one that asks again and again takes the time "
    return [failed(NO_SPIN, evidence, f"{hint}of the workers.")]


def answers_match_questions(history: History) -> list[Finding]:
    """Its socket at the endpoint has sent as often as it has received.

    What was not recorded, because the feed used sockets of another kind, is not judged.
    """
    sent = sum(hop.way == "sent" for hop in history.own)
    got = len(history.own) - sent
    if not sent or sent == got:
        return [passed(ONE_EACH, "as many answers as questions")]
    evidence = f"feed got {got} questions and sent {sent} answers."
    hint = "A REQ worker takes one answer to each question; what else it is sent is lost."
    return [failed(ONE_EACH, evidence, hint, _talk(history))]


def _talk(history: History, workers: Collection[str] = ()) -> Journal:
    """The last that passed between feed and these workers, or who is owed an answer or owes one."""
    balance: Counter[bytes] = Counter()  # answers less questions, by address
    for hop in history.own:
        balance[hop.frames[0]] += 1 if hop.way == "sent" else -1
    own = [hop for hop in history.own if balance[hop.frames[0]]]
    tasks = {hop.frames[-1] for hop in own if hop.way == "sent"} - {NO_MORE}
    who = {hop.who for hop in history.received() if hop.frames[0] in tasks} | {*workers}
    talk = [*own, *(hop for hop in history.workers if hop.who in who)]
    return Journal.of(sorted(talk, key=lambda hop: hop.time)[-12:])


# ------------------------------------------------------------------ rules for worker


def connects(history: History) -> list[Finding]:
    """What is wrong if the worker has bound what its feed is to bind."""
    if not (any(note.bound for note in history.own.sockets) or history.when("finds it taken")):
        return []
    hint = "The feed binds there; workers come and go."
    return [failed(CONNECTS, f"It has {history.bound() or 'bound the endpoint'}", hint)]


def asks_with_ready(history: History) -> list[Finding]:
    """Every message of the worker was its question, and it asked once for each answer."""
    tasks, questions = len(history.tasks), [hop.frames[1:] for hop in history.received()]
    if odd := [frames for frames in questions if not is_question(frames)]:
        evidence = f"The feed got {show(odd[0])} after the address."
        return [failed(ASKS, evidence, 'A REQ that sends b"READY" gives ∅ | "READY".')]
    if len(questions) == tasks + 1:
        return [passed(ASKS, f"tasks: {tasks}, questions: {tasks + 1}")]
    if len(questions) <= tasks and broken(history, ended_well, works_as_told):
        return []  # that is why it has not asked on
    evidence = f'There were {tasks} tasks and a b""; the worker asked {len(questions)} times.'
    return [failed(ASKS, evidence)]


def is_question(frames: Sequence[bytes]) -> bool:
    """Whether a REQ that sends b"READY" gives these frames, with REQ_CORRELATE or without."""
    request_id = frames[:-2]
    return tuple(frames[-2:]) == (b"", READY) and (
        not request_id or (len(request_id) == 1 and len(request_id[0]) == 4)
    )


def works_as_told(history: History) -> list[Finding]:
    """`work` was called with each task, in order, and with nothing else."""
    tasks, worked = list(history.tasks), history.values("works on")
    if worked == tasks:
        return [passed(WORKS, f"{len(tasks)} of {len(tasks)} tasks")]
    answers = [hop.frames[-1] for hop in history.workers if hop.way == "sent"]
    handed = len(answers) - answers.count(NO_MORE)
    evidence = f"{handed} tasks were handed out, and work was called {len(worked)} times"
    if len(worked) > handed:
        return [failed(WORKS, f"{evidence}.", 'Once for each task; and b"" is not one.')]
    for n, (task, called) in enumerate(zip(tasks, worked, strict=False)):
        if task != called:
            evidence = f"The task was {brief(task)}; call {n + 1} was work({brief(called)})."
            return [failed(WORKS, evidence, "Tasks are bytes, handed to `work` as they came.")]
    if len(worked) < handed:
        hint = 'Only b"" means that there are no more; and b"" is not a task.'
        return [failed(WORKS, f"{evidence}, not with {brief(tasks[len(worked)])}.", hint)]
    evidence = f"The worker ended after {handed} of {len(tasks)} tasks. Nobody had told it that "
    hint = "A feed may come late, and think for a while before it answers; and what `work` returns "
    hint += 'does not matter. Only b"" is the end.'
    return [failed(WORKS, f"{evidence}there are no more.", hint)]


def works_before_asking(history: History) -> list[Finding]:
    """When it asked for the n-th time, n - 1 tasks were done."""
    ends = [mark.time for mark in history.marks if mark.what == "has done"]
    asked = [hop.since for hop in history.own if hop.way == "sent"]
    asked = asked or [hop.time for hop in history.received()]  # its sockets were of another kind
    for n, moment in enumerate(asked):
        if (done := sum(end <= moment for end in ends)) < n:
            evidence = f"Its question number {n + 1} came when it had done {done} of the {n} tasks "
            hint = "A task that lies with a busy worker cannot be done by a free one."
            return [failed(BEFORE, f"{evidence}that it had got.", hint)]
    return [passed(BEFORE, "each time")]


def returns_count(history: History) -> list[Finding]:
    """What the workers returned is, in all, the number of the tasks."""
    values, n = history.values("returned"), len(history.tasks)
    if all(type(value) is int for value in values) and sum(values) == n:
        return [passed(COUNTS, "it does")]
    told = ", ".join(map(brief, values))
    return [failed(COUNTS, f"{n} tasks were done; returned was {told}.")]


# ------------------------------------------------------------------ scripts


def hand_out(ctx: Any, note: Note, endpoint: str, tasks: Sequence[bytes]) -> None:
    """A feed that is right for one worker, and thinks for a while before its third answer."""
    left = [*tasks, NO_MORE]
    with ctx.socket(zmq.ROUTER) as router:
        try:
            router.bind(endpoint)
        except zmq.ZMQError:
            return note("finds it taken")
        while True:
            address, *frames = router.recv_multipart()
            if is_question(frames) and left:
                if len(left) == len(tasks) - 1:
                    router.poll(300)  # nothing may come meanwhile
                router.send_multipart([address, *frames[:-1], left.pop(0)])


def _feed(cast: Cast, feed: Any, tasks: Sequence[bytes], n_workers: int) -> tuple[Call, str]:
    cast.tasks, endpoint = tasks, cast.endpoint()
    return cast.call("feed", feed, endpoint, list(tasks), n_workers), endpoint


def asked(
    cast: Cast, feed: Any, _worker: Any, tasks: Sequence[bytes], seconds: Sequence[float]
) -> None:
    """As many workers as there are numbers, each with the seconds that it takes for a task."""
    call, endpoint = _feed(cast, feed, tasks, len(seconds))
    for name, each in zip(NAMES, seconds, strict=False):
        cast.come(name, ask, cast, endpoint, each)
    call.wait(LIMIT)


def more_workers(cast: Cast, feed: Any, _worker: Any) -> None:
    """Five workers, two of them with a routing id, for four tasks; the last comes late."""
    call, endpoint = _feed(cast, feed, [b"\x00", b"\xff\xfe", READY, READY], 5)
    for name, routing_id in (("w1", b""), ("w2", b"w2"), ("w3", b"\xff no text"), ("w4", b"")):
        cast.come(name, ask, cast, endpoint, 0.02, routing_id)
    cast.until(lambda: call.done or len(cast.marked("goes home")) == 4, LIMIT / 2)
    lap = cast.lap()
    if len(cast.marked("goes home")) < 4 or cast.until(lambda: call.done, QUIET):
        call.wait(1.0)
        return
    cast.mark("feed", "busy", lap.busy)
    cast.come("w5", ask, cast, endpoint, 0.02)
    call.wait(LIMIT)


def asks(cast: Cast, _feed: Any, worker: Any, tasks: Sequence[bytes]) -> None:
    """A worker that is there before its feed."""
    cast.tasks, endpoint = tasks, cast.endpoint()
    call = cast.call("worker", worker, endpoint, at_work(cast, partial(cast.mark, "worker"), 0.03))
    notes = cast.own.journal.sockets
    if not cast.until(lambda: any(cast.meets(note.bound) for note in notes), 0.1):
        cast.come("feed", hand_out, endpoint, tasks)
        call.wait(LIMIT)
    cast.mark("worker", "returned", call.value)


def both(cast: Cast, feed: Any, worker: Any) -> None:
    """Feed with three of the worker, one of them a straggler."""
    fed, endpoint = _feed(cast, feed, TASKS, len(NAMES))
    calls = []
    for name, each in zip(NAMES, SECONDS, strict=True):
        work = at_work(cast, partial(cast.mark, name), each)
        calls.append(cast.call("worker", worker, endpoint, work, who=name, among=cast.others))
    fed.wait(LIMIT)
    for call in calls:
        call.wait(LIMIT / 2)
        cast.mark("worker", "returned", call.value)


TASKS = [b"task %d" % n for n in range(42)]
SECONDS = (QUICK, QUICK, SLOW)
OF_ALL_KINDS = [b"task", b"task", b"\x00", b"0", READY, b" ", bytes(range(256)) * 400]

FED: list[Rule] = [who_asks_is_answered, ended_well]
HOME = [answers_are_one_frame, everyone_is_sent_home]
DONE = [every_task_is_done_once, makespan_is_near_the_bound, straggler_gets_few]
DEALT = [*HOME[:1], *FED, *HOME[1:], tasks_go_before_workers, *DONE, answers_match_questions]
MORE = [early_ones_are_answered, *FED, again("more workers than tasks", *HOME, *DONE[:1])]
NONE = [*FED, again("a feed without tasks", *HOME)]
WORKED = [connects, asks_with_ready, ended_well, works_as_told, works_before_asking, returns_count]
IDLE = [again("a worker without tasks", *WORKED)]
BOTH = [ended_well, again("your feed with your workers", *DONE, returns_count)]
ACTS = [
    Act(
        "feed: two quick workers and a straggler",
        partial(asked, tasks=TASKS, seconds=SECONDS),
        DEALT,
    ),
    Act(
        "feed: more workers than tasks, and one of them late",
        more_workers,
        [*MORE, feed_does_not_spin],
    ),
    Act("feed: no tasks", partial(asked, tasks=[], seconds=(0, 0)), NONE),
    Act("worker: tasks of all kinds of bytes", partial(asks, tasks=OF_ALL_KINDS), WORKED),
    Act("worker: no tasks", partial(asks, tasks=[]), IDLE),
    Act("both, with a straggler among the workers", both, BOTH),
]
