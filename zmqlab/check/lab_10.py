"""Lab 10: a queue that notices dead workers, and a worker that says that it is alive."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from . import deaths, evictions, hired, lab_05, plays, rules, service
from .dispatch import Got, brief
from .heartbeats import HEARTBEAT, READY, SLOW, Beating
from .hired import Hired
from .judge import Scenario, judge
from .lab import Hand, Lab, Play, Pulse
from .labour import HELD, LONG, PLAIN, Labour, Several
from .peer import done
from .report import Finding, Report, failed
from .rules import Rule
from .stage import LIMIT, Wrong
from .subject import Function

TOGETHER = "queue and workers together: every request gets its reply"
AGAIN = "a worker that stands still is noticed, and its request done by another"
ALONE = "a long work that calls beat is done once"
RETURNS = "a worker that has stood still comes back"


def lab10(queue: Any, worker: Any) -> Report:
    """Check `queue(ctx, frontend, backend, interval, liveness)` and the worker that goes with it.

    The queue has clients and workers that the check plays: whose turn it is, odd messages, a
    quiet while, workers that die, a moment in which the queue itself stands still. The worker has
    queues and work of the check's own: it waits, works, works for long, and its queue falls
    silent. Then both together. Takes about 12 seconds, at most 60.
    """
    return _judge(queue, worker, ALL_PLAYS)


def alone(title: str) -> Callable[..., Report]:
    """The check with its play of this title, and no other."""
    chosen = [play for play in ALL_PLAYS if play.title == title]
    return lambda queue, worker: _judge(queue, worker, chosen)


def _judge(queue: Any, worker: Any, plays: Sequence[Play]) -> Report:
    deadline = time.monotonic() + LIMIT

    def perform(play: Play, queue: Any, worker: Any) -> list[Finding]:
        if play in WORKER.plays:
            lab = WORKER if play is WORKER.plays[0] else WORKERS
            return lab.perform(play, partial(Several, "worker", worker), deadline)
        if play is BOTH:
            play = replace(play, script=partial(together, worker=worker))
        return QUEUE.perform(play, partial(Function, "queue", queue), deadline)

    functions = {QUEUE.contract: queue, WORKER.contract: worker}
    scenarios = [Scenario(play.title, partial(perform, play), again=True) for play in plays]
    return judge("lab10", functions, scenarios)


# ------------------------------------------------------------------ rules

TURNS = [
    rules.at_most(1, deaths.ONE, deaths.STATE),
    evictions.to_who_is_there(deaths.STRANGER, deaths.DEAD, deaths.KNOWN),
    rules.unread(deaths.UNREAD, deaths.READ_LATE, says=(READY,), beat=(HEARTBEAT,)),
    rules.longest_idle_first(deaths.LONGEST, deaths.LINE),
    rules.as_it_was_asked(deaths.CARRIED, deaths.FORM),
    rules.own_answers(deaths.CARRIED, deaths.WHOSE),
]


def as_sent(rule: str) -> list[Rule]:
    """One rule in place of all about what is handed on; workers are given one at a time."""
    return [
        rules.as_it_was_asked(rule, deaths.FORM),
        rules.own_answers(rule, deaths.WHOSE),
        rules.at_most(1, deaths.ONE, deaths.STATE),
    ]


QUIET, DEATHS, SHORT = Pulse(0.1, 30), Pulse(0.2, 5), Pulse(0.1, 8)


def beaten(interval: float) -> Rule:
    """Heartbeats come as they should."""
    return evictions.once_per_interval({deaths.BEATS: deaths.SENT}, interval, "received")


BEATEN = [beaten(QUIET.interval)]
DYING = [
    evictions.kept_by_the_living(deaths.LIVES, deaths.ALIVE),
    evictions.to_who_is_there(deaths.STRANGER, deaths.DEAD, deaths.KNOWN),
    beaten(DEATHS.interval),
    evictions.handed_on(deaths.HANDED, deaths.ENDED),
    evictions.nothing_from_the_dead(deaths.LATE, deaths.WHOSE),
    rules.at_most(1, deaths.ONE, deaths.STATE),
    rules.as_it_was_asked(deaths.CARRIED, deaths.FORM),
    rules.own_answers(deaths.CARRIED, deaths.WHOSE),
]

# ------------------------------------------------------------------ both together


def together(stage: Beating, worker: Any) -> None:
    """The learner's queue and three of its workers, one of which stands still for a while."""
    work, crew = Labour("worker", lambda event: None), Several("worker", worker)
    client, patience = stage.client("c1"), stage.pulse.patience

    def got(*bodies: bytes) -> bool:
        answers = [event.body for event in stage.history if isinstance(event, Got)]
        if twice := [body for body, times in Counter(answers).items() if times > 1]:
            raise Wrong(failed(deaths.LATE, f"c1 got {brief(twice[0])} twice.", deaths.WHOSE))
        return all(done((body,)) in answers for body in bodies)

    def come(condition: Callable[[], object], rule: str, hint: str, within: float) -> None:
        if not stage.until(lambda: crew.over or condition(), within) or crew.over:
            if ended := crew.early_end():
                raise Wrong(ended)
            evidence = "Of three workers one stood still for a while, and one was at a long work."
            raise Wrong(stage.trouble(rule, evidence, hint))

    with ExitStack() as exits:
        ends = dict.fromkeys(("w1", "w2", "w3"), stage.where["backend"])
        crew.begin(ends, [work] * 3, stage.pulse.interval, stage.pulse.liveness)
        exits.push(crew.close)
        exits.callback(work.release)
        plain = [PLAIN + b" %d" % number for number in range(12)]
        for body in [*plain, HELD, LONG]:
            client.ask(body)
        come(lambda: got(*plain), TOGETHER, deaths.FORM, math.inf)
        come(lambda: work.begun[(HELD,)] and work.begun[(LONG,)], TOGETHER, deaths.FORM, math.inf)
        began = time.monotonic()
        come(lambda: got(HELD), AGAIN, deaths.ENDED, 4 * patience)
        stage.pass_time(max(0.0, began + 1.4 * patience - time.monotonic()))
        if work.begun[(LONG,)] > 1:
            evidence = f"A work that called beat was begun {work.begun[(LONG,)]} times."
            raise Wrong(failed(ALONE, evidence, service.ITS_OWN))
        work.release()
        come(lambda: got(LONG), TOGETHER, deaths.FORM, math.inf)
        work.released[LONG].clear()
        more = [LONG + b" %d" % number for number in range(3)]
        for body in more:
            client.ask(body)
        come(lambda: work.at_once == 3, RETURNS, service.NEW, 4 * patience)
        work.release()
        come(lambda: got(*more), TOGETHER, deaths.FORM, math.inf)
        stage.settle()
        got()
        if found := crew.end(stage.watch.lap()):
            raise Wrong(*found)


# ------------------------------------------------------------------ the tables

TIMED = {
    *(
        deaths.ONE,
        deaths.BEATS,
        deaths.LIVES,
        deaths.DEAD,
        deaths.HANDED,
        deaths.BACK,
        deaths.READS,
    ),
    *(
        service.REPLY,
        service.IDLE,
        service.CALLS,
        service.SILENT,
        service.ANEW,
        service.STAYS,
        service.UNREAD_BEATS,
    ),
    *(TOGETHER, AGAIN, ALONE, RETURNS),
}
CREW = [Hand("w1", routing_id=b"otto"), Hand("w2")]
CASES = [*plays.CASES, lab_05.NUMBERED]
OF_WORKERS = [*lab_05.OF_WORKERS, (b"\x03",), (READY, b"service"), (HEARTBEAT, b"", b"x")]
OF_CLIENTS = [frames for frames in plays.OF_CLIENTS if b"" not in frames[:-1]]
ALL_ODD = f"{len(OF_CLIENTS)} of a client, {len(OF_WORKERS)} of a worker"
ALL = "two of two"

QUEUE_PLAYS = [
    Play(
        "one client, one worker",
        plays.first,
        deaths.CARRIED,
        "also before a worker is there",
        TURNS,
    ),
    Play(
        "whose turn it is",
        deaths.turns,
        deaths.ONE,
        "whatever it says",
        TURNS,
        {deaths.LONGEST: "each time"},
    ),
    Play("nobody is idle", deaths.nobody_idle, deaths.UNREAD, "each time", TURNS),
    Play(
        "clients of all kinds",
        partial(plays.anybody, cases=CASES),
        deaths.ANYBODY,
        f"{len(CASES)} of {len(CASES)}",
        as_sent(deaths.ANYBODY),
        crew=CREW,
    ),
    Play(
        "odd messages",
        partial(deaths.odd, of_clients=OF_CLIENTS, of_workers=OF_WORKERS),
        deaths.ANYTHING,
        ALL_ODD,
        as_sent(deaths.ANYTHING),
    ),
    Play("clients that leave", plays.leavers, deaths.LEAVERS, plays.ALL_LEFT, TURNS, crew=CREW[:1]),
    Play("a quiet while", deaths.quiet, deaths.BEATS, "while nothing came", BEATEN, pulse=QUIET),
    Play(
        "workers die",
        deaths.die,
        deaths.DEAD,
        "two that were busy and an idle one",
        DYING,
        {deaths.LIVES: "one of four lived", deaths.HANDED: ALL, deaths.LATE: ALL, deaths.BACK: ALL},
        pulse=DEATHS,
    ),
    Play(
        "the queue stands still",
        deaths.stand_still,
        deaths.READS,
        "three of three",
        DYING,
        pulse=SHORT,
    ),
]
WORKER_PLAYS = [
    Play(
        "a worker",
        service.serve,
        service.REPLY,
        "each time",
        service.of_worker(SLOW.interval),
        {service.SINGLE: "of three"},
    ),
    Play(
        "workers that wait, work for long, or have lost their queue",
        service.at_work,
        service.ANEW,
        "three times",
        service.of_worker(SHORT.interval),
        dict.fromkeys(
            (service.IDLE, service.CALLS, service.SILENT, service.STAYS, service.UNREAD_BEATS),
            "each time",
        ),
        pulse=SHORT,
    ),
]
BOTH = Play(
    "queue and workers together",
    lambda stage: None,  # see `together`, which is told the worker
    TOGETHER,
    "17 of 17",
    (),
    dict.fromkeys((AGAIN, ALONE, RETURNS), "one of three"),
    pulse=DEATHS,
)

QUEUE = Lab(
    name="lab10",
    contract="queue(ctx, frontend, backend, interval, liveness)",
    ends={"client": "frontend", "worker": "backend"},
    reading=hired.reading,
    says=(READY,),
    reply=lab_05.reply,
    makes_do=lab_05.leaves_aside,
    work=plays.work,
    plays=QUEUE_PLAYS,
    more=lambda stage: stage.told(),
    stage=partial(Beating, timed=TIMED),
)
WORKER = replace(
    QUEUE,
    contract="worker(ctx, endpoint, work, interval, liveness)",
    ends={"queue": "queue"},
    reading=hired.at_the_queue,
    plays=WORKER_PLAYS,
    stage=partial(Hired, timed=TIMED),
)
WORKERS = replace(
    WORKER, ends={name: name for name in ("held up", "long work", "no queue", "no heartbeats")}
)
ALL_PLAYS = [*QUEUE.plays, *WORKER.plays, BOTH]
