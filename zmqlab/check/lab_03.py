"""Lab 03: complete every task though workers forget, stall, repeat themselves and die."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from zmqlab.envelope import show
from zmqlab.record.journal import Hop

from .call import Call, brief, same
from .cast import Act, Cast, check
from .pipeline import History, Rule, again, ended_well, failed_in_time
from .plan import Plan, die, result_of, work
from .report import Finding, Report, failed, passed, undecided

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
    return check("lab03", {contract: complete}, ACTS)


# ------------------------------------------------------------------ rules


def tasks_go_out_whole(history: History) -> list[Finding]:
    """What the workers received were tasks, each as two frames."""
    for hop in history.received():
        if len(hop.frames) != 2 or history.tasks.get(hop.frames[0]) != hop.frames[1]:
            story = history.story(hop.frames[0])
            return [failed(FRAMES, f"{hop.who} received {show(hop.frames)}.", story=story)]
    return [passed(FRAMES, "all that the workers received")]


def both_are_bound(history: History) -> list[Finding]:
    """What is wrong if complete went on for ever, and workers cannot connect to both endpoints."""
    bound = [note for note in history.own.sockets if note.bound]
    kinds = all(note.kind in ("PUSH", "PULL") for note in bound)
    if not history.call.waited or (kinds and (len(bound) >= 2 or len(history.workers))):
        return []
    idle = "complete received no result" if len(history.workers) else "No worker received a task"
    evidence = f"{idle}. It has {history.bound() or 'bound nothing'}.\n"
    hint = "A PUSH bound at the first endpoint, a PULL at the second: workers connect to both."
    return [failed(BINDS, f"{evidence}It was at {history.call.where}", hint)]


def comes_to_its_end(history: History) -> list[Finding]:
    """What is wrong if complete did not return; if it can be told, why."""
    call, told = history.call, tales(history)
    if not call.waited:
        return ended_well(history)
    if any(tale.back is None for tale in told.values()) or not told:
        late = [f for f in nothing_goes_out_too_late(history) if f.verdict != "passed"]
        return late or ended_well(history)
    evidence = f"The results of all {len(told)} tasks had been received; {call.waited:g} s later "
    evidence += f"complete had not returned.\nIt was at {call.where}"
    hint = "Which ids does it still miss? A result may be empty."
    return failed_in_time(history, call.waited / 4, RETURNS, evidence, hint)


def everything_came_back(history: History) -> list[Finding]:
    """The value is a dict with exactly the ids of the tasks, and the result of each."""
    value, tasks = history.call.value, history.tasks
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
            evidence = f"{show([task])} came back with {show([result_of(payload)])}; complete "
            return [failed(RESULTS, f"{evidence}returned {brief(value[task])} for it.")]
    return [passed(DICT, f"{len(tasks)} of {len(tasks)} ids"), passed(RESULTS, "all of them")]


def nothing_is_made_up(history: History) -> list[Finding]:
    """What is wrong if complete returned, and some task's result had been sent by no worker."""
    answered = {hop.frames[0] for hop in history.workers if hop.way == "sent"}
    made_up = [task for task in history.tasks if task not in answered]
    if not made_up:
        return []
    evidence = f"No worker had answered {show(made_up[:1])}, and {len(made_up) - 1} more."
    return [failed(RESULTS, evidence, "A result is what a worker sends.")]


class Tale(NamedTuple):
    """What happened to one task at complete's own two sockets."""

    sent: list[Hop]  # each time that it went out
    back: float | None  # when its first result was received, seconds; None: never


def tales(history: History) -> dict[bytes, Tale]:
    """The tale of each task.

    Where complete's sockets were of another kind, and were not recorded, the workers' tell.
    """
    sent: dict[bytes, list[Hop]] = {task: [] for task in history.tasks}
    back: dict[bytes, float] = {}
    for hop in _side(history, "sent", "received"):
        sent.get(hop.frames[0], []).append(hop)
    for hop in _side(history, "received", "sent"):
        back.setdefault(hop.frames[0], hop.time)
    return {task: Tale(hops, back.get(task)) for task, hops in sent.items()}


def _side(history: History, own_way: str, other_way: str) -> list[Hop]:
    own = [hop for hop in history.own if hop.way == own_way]
    return own or [hop for hop in history.workers if hop.way == other_way]


def _recorded(history: History, *ways: str) -> bool:
    """Whether complete's own sockets tell: a worker may have let a message lie for a while."""
    return {hop.way for hop in history.own}.issuperset(ways)


def nothing_goes_out_too_soon(history: History) -> list[Finding]:
    """Between two sendings of a task lies its patience, or at least most of it."""
    patience, told, gaps = history.patience, tales(history), [(history.patience, b"")]
    for task, (hops, _) in told.items():
        if _recorded(history, "sent"):
            gaps += [(second.time - first.since, task) for first, second in pairwise(hops)]
        else:  # none was received before it was sent: so much on average, at most
            began = history.call.started
            gaps += [((hop.time - began) / n, task) for n, hop in enumerate(hops) if n]
    gap, task = min(gaps)
    if gap >= TOO_SOON * patience:
        return [passed(SOON, "no task")]
    evidence = f"{show([task])} was sent {len(told[task].sent)} times; once again after {gap:.3f} "
    evidence += f"s, with a patience of {patience:g} s."
    hint = "When was this one last sent? Each task has a time of its own."
    return failed_in_time(history, patience - gap, SOON, evidence, hint, history.story(task))


def what_is_back_stays_back(history: History) -> list[Finding]:
    """No task was sent when its result had been received for more than part of its patience."""
    slack = history.patience * (SLACK if _recorded(history, "sent", "received") else 1.0)
    wasted = {
        task: [hop.since - tale.back for hop in tale.sent if hop.since > tale.back + slack]
        for task, tale in tales(history).items()
        if tale.back is not None
    }
    if not any(wasted.values()):
        return [passed(ENOUGH, "no task")]
    task = max(wasted, key=lambda task: len(wasted[task]))
    times, tasks = sum(map(len, wasted.values())), sum(map(bool, wasted.values()))
    evidence = f"{tasks} tasks were sent after their result had come, {times} times in all; "
    evidence += f"{show([task])} most often."
    hint, longest = "What is still missing when the patience is over?", max(wasted[task])
    return failed_in_time(history, longest, ENOUGH, evidence, hint, history.story(task))


def nothing_goes_out_too_late(history: History) -> list[Finding]:
    """A task that is not back is sent again within twice its patience and half a second."""
    patience, told = history.patience, tales(history)
    end = history.over if history.call.waited else history.call.ended
    waits = []
    for task, (hops, back) in told.items():
        for hop, following in zip(hops, [*hops[1:], None], strict=False):
            moments = (following and following.since, back, end)
            until = min(moment for moment in moments if moment is not None)
            never = following is None and (back is None or back >= end)
            waits.append((until - hop.time, task, never))
    waited, task, never = max(waits, default=(0.0, b"", False))
    too_late = waited - TOO_LATE * patience - 0.5
    if too_late <= 0:
        return [passed(AGAIN, "each task that did not come back"), passed(LATE, "each of them")]
    evidence = f"{show([task])} was not back {waited:.1f} s after it was sent, and had not been "
    evidence += f"sent again; its patience was {patience:g} s."
    hint = "What starts the clock of a task, and what stops it? A result for another task is no "
    hint += "reason to wait longer for this one."
    rule, story = AGAIN if never else LATE, history.story(task)
    return failed_in_time(history, too_late, rule, evidence, hint, story)


def returns_at_once(history: History) -> list[Finding]:
    """What is wrong if it took long to return after the last result had been sent."""
    last = max(hop.time for hop in history.workers if hop.way == "sent")
    seconds, patience = history.call.ended - last, history.patience
    if seconds < patience / 2:
        return []
    evidence = f"The workers had sent the last result {seconds:.1f} s before complete returned; "
    evidence += f"its patience was {patience:g} s."
    hint = "Patience is how long a task may be missing. Who reads a result that comes sooner?"
    return failed_in_time(history, seconds - patience / 2, RETURNS, evidence, hint)


def results_trickled_in(history: History) -> list[Finding]:
    """Whether the check's own worker was in time: no pause as long as the patience."""
    sent = [hop.time for hop in history.workers if hop.way == "sent"]
    pause = max((second - first for first, second in pairwise(sent)), default=0.0)
    if pause < history.patience:
        return [passed(LATE, "each of them")]
    evidence = f"The check's own worker paused for {pause:.2f} s; its results were to trickle in."
    return [undecided(LATE, evidence)]


# ------------------------------------------------------------------ scripts

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


def _complete(
    cast: Cast, complete: Any, tasks: Mapping[bytes, bytes], patience: float
) -> tuple[Call, list[str]]:
    cast.tasks, cast.patience = tasks, patience
    ends = [cast.endpoint(), cast.endpoint()]
    return cast.call("complete", complete, *ends, dict(tasks), patience), ends


def all_well(cast: Cast, complete: Any) -> None:
    """Workers that do what they should, one of them late."""
    call, ends = _complete(cast, complete, _tasks(60), 3.0)
    cast.others.start("w1", work, *ends, Plan())
    cast.until(lambda: call.done or len(cast.others.journal), 1.0)
    cast.others.start("w2", work, *ends, Plan())
    call.wait(LIMIT)


def faults(cast: Cast, complete: Any) -> None:
    """Workers that forget, repeat themselves, are late and answer what nobody asked."""
    tasks = _tasks(30)
    ids = Random(3).sample(list(tasks), len(tasks))
    late = 1.6 * PATIENCE
    actions: list[Sequence[str | float]] = [
        *[["forget"]] * 5,
        ["forget", "forget", "twice"],
        *[["twice"]] * 4,
        *[["stranger"]] * 4,
        *[[late]] * 3,
        ["forget", late],
    ]
    plan = Plan(dict(zip(ids, actions, strict=False)))
    call, ends = _complete(cast, complete, tasks, PATIENCE)
    for name in ("w1", "w2"):
        cast.others.start(name, work, *ends, plan)
    call.wait(LIMIT)


def deaths(cast: Cast, complete: Any) -> None:
    """Two workers die with tasks in their queue, when all has been sent; then a third comes."""
    dying = threading.Event()
    cast.exits.callback(dying.set)
    call, ends = _complete(cast, complete, _tasks(40), PATIENCE)
    start = cast.others.start
    mortal = [start("w1", die, *ends, 1, dying), start("w2", die, *ends, 5, dying)]
    cast.until(lambda: call.done, PATIENCE / 2)
    dying.set()
    cast.until(lambda: all(task.done for task in mortal), 1.0)
    cast.others.start("w3", work, *ends, Plan())
    call.wait(LIMIT)


def trickle(cast: Cast, complete: Any) -> None:
    """One task is forgotten while the results of others come in, one by one, for a while."""
    tasks = {b"task %d" % n: b"payload %d" % n for n in range(16)}
    plan: dict[bytes, Sequence[str | float]] = {b"task 0": ["forget"]}
    plan |= {b"task %d" % n: [0.15 * (n - 1)] for n in range(1, 16)}
    call, ends = _complete(cast, complete, tasks, 0.4)
    cast.others.start("w1", work, *ends, Plan(plan))
    call.wait(LIMIT)


def forgotten(cast: Cast, complete: Any) -> None:
    """One of four tasks is forgotten five times, another once; the worker comes late."""
    tasks = {b"task %d" % n: b"payload %d" % n for n in range(4)}
    plan = Plan({b"task 2": ["forget"] * 5, b"task 3": ["forget"]})
    call, ends = _complete(cast, complete, tasks, 0.25)
    cast.until(lambda: call.done, 0.6)
    cast.others.start("w1", work, *ends, plan)
    call.wait(LIMIT)


def no_tasks(cast: Cast, complete: Any) -> None:
    """Nothing to do, and nobody there."""
    call, _ = _complete(cast, complete, {}, PATIENCE)
    call.wait(3.0)


RETURNED = [tasks_go_out_whole, both_are_bound, comes_to_its_end, everything_came_back]
IN_TIME = [nothing_goes_out_too_soon, what_is_back_stays_back, nothing_goes_out_too_late]
RULES: list[Rule] = [*RETURNED, nothing_is_made_up, *IN_TIME]


def _act(title: str, script: Callable[..., None], situation: str, *rules: Rule) -> Act:
    return Act(title, script, [again(situation, *(rules or RULES))])


ACTS = [
    Act("workers that do what they should, one of them late", all_well, [*RULES, returns_at_once]),
    _act("workers that forget, repeat themselves and are late", faults, "forgetful workers"),
    _act("workers that die with tasks in their queue", deaths, "workers die"),
    _act(
        "a forgotten task while other results trickle in",
        trickle,
        "results trickle in",
        *RULES,
        results_trickled_in,
    ),
    _act("a task that is forgotten five times", forgotten, "one task is forgotten again and again"),
    _act("no tasks", no_tasks, "no tasks", ended_well, everything_came_back),
]
