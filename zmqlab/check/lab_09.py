"""Lab 09: a policy, asked by hand and then run on the virtual clock beside round robin.

Nothing here depends on the machine: the same policy gets the same report everywhere.
"""

from __future__ import annotations

import operator
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from statistics import fmean, quantiles
from typing import Any, NamedTuple

from zmqlab.balance.clock import Work, bimodal, constant, poisson, simulate
from zmqlab.balance.policy import RoundRobin

from .call import Call, brief
from .judge import Scenario, judge
from .report import Finding, Report, failed, passed, undecided

LIMIT = 20.0  # seconds for each of the two scenarios
OWN_PART = 0.5  # of the time that a check took: below, it was not choose that was slow
WORKERS = 4
TASK = 0.010  # seconds, on average
EXAMPLES = [[0], [3], [0, 0, 0], [2, 0, 1], [1, 2, 0], [0, 1], [5, 5, 5, 5], [400, 300, 300, 999]]


def lab09(choose: Callable[[list[int], Random], int]) -> Report:
    """Judge `choose(loads, rng)` -> index of the worker who gets the next task.

    It is asked about some hundred fleets, then decides for 60,000 tasks on a virtual clock. Takes
    about a second, at most 45.
    """
    return judge(
        "lab09",
        {"choose(loads, rng)": choose},
        [
            Scenario("choose returns the index of a worker", _asked),
            Scenario("the policy is repeatable, fair, and within its budgets", _put_to_work),
        ],
    )


# --- Asked by hand ----------------------------------------------------------------------------


class Ask(NamedTuple):
    """One question to the policy, and all that can be told of its answer."""

    loads: list[int]  # as they were handed in
    answer: Any
    left: list[int]  # what the policy left of the list
    again: Any = None  # the answer to the same question, with rng in the same state
    others_chance: bool = False  # it has moved the random module's own generator
    reseeded: bool = False  # it has put rng into a state that does not depend on what it was
    drawn_alike: bool = True  # both times it left rng in the same state


def _asked(choose: Callable[..., Any]) -> Iterable[Finding]:
    asks: list[Ask] = []
    timed = Timed(choose)
    call = Call("choose", lambda: _ask_all(timed, asks, _questions())).run(within=LIMIT)
    if is_slow(call, timed.begun):
        return [*_unless_passed(is_an_index(asks)), too_slow(call, timed)]
    if problem := call.problem():
        # A written hole says no more; of anything else, what it was asked belongs to the story.
        if not isinstance(call.error, NotImplementedError):
            problem = _asked_about(_questions()[len(asks)], problem)
        return [*_unless_passed(is_an_index(asks)), problem]
    return [is_an_index(asks), leaves_loads_alone(asks)]


def _ask_all(choose: Callable[..., Any], asks: list[Ask], questions: Iterable[list[int]]) -> None:
    for number, loads in enumerate(questions):
        asks.append(_ask(choose, loads, number))


def _questions(seed: str = "lab09") -> list[list[int]]:
    rng = Random(seed)
    return EXAMPLES + [
        [rng.randrange(rng.choice((2, 4, 12))) for _ in range(rng.randint(1, 12))]
        for _ in range(300)
    ]


def _ask(choose: Callable[..., Any], loads: list[int], seed: int) -> Ask:
    given, rng, unlike = list(loads), Random(seed), Random(-1 - seed)
    before = random.getstate()
    answer = choose(given, rng)
    moved = random.getstate() != before
    again = choose(list(loads), second := Random(seed))
    choose(list(loads), unlike)
    left = rng.getstate()
    reseeded, alike = left == unlike.getstate(), left == second.getstate()
    return Ask(loads, answer, given, again, moved, reseeded, alike)


def _asked_about(loads: list[int], problem: Finding) -> Finding:
    question = f"\nIt was asked about the loads {brief(loads)}."
    return replace(problem, evidence=problem.evidence + question)


def is_an_index(asks: Sequence[Ask]) -> Finding:
    """The rule: each answer is a whole number that counts one of the workers, from 0."""
    rule = "choose returns the index of a worker"
    for ask in asks:
        if wrong := _not_an_index(ask.loads, ask.answer):
            return failed(rule, *wrong)
    return passed(rule, f"Asked about {len(asks)} fleets of 1 to 12 workers, it always did.")


def _not_an_index(loads: Sequence[int], answer: object) -> tuple[str, str] | None:
    """Evidence and hint, if this is no answer to these loads."""
    question = f"choose({brief(list(loads))}, rng) returned {brief(answer)}"
    if answer is None:
        return (
            f"{question}: nobody gets the task.",
            "Here no task waits in the broker: with everybody busy, somebody gets one more. "
            "Is there a way through your code without a `return`?",
        )
    try:
        index = operator.index(answer)  # type: ignore[arg-type]
    except Exception:
        index = None
    if index is None or isinstance(answer, bool):
        return (
            f"{question}, of type {type(answer).__name__}.",
            "The index is a whole number: 0 for the first worker in the list.",
        )
    if 0 <= index < len(loads):
        return None
    hint = "Indices count from 0, and how many workers there are can change."
    if index == min(loads):
        hint = "Is it the load that you return, or where it stands in the list?"
    last = len(loads) - 1
    return f"{question}: there {f'are the indices 0 to {last}' if last else 'is only 0'}.", hint


def leaves_loads_alone(asks: Sequence[Ask]) -> Finding:
    """The rule: the list is as it was when the policy returns."""
    rule = "choose leaves the loads as they are"
    for ask in asks:
        if ask.left != ask.loads:
            return failed(
                rule,
                f"choose({brief(ask.loads)}, rng) returned {brief(ask.answer)} and left the list "
                f"as {brief(ask.left)}.",
                "The broker keeps the books: it counts the task when you have chosen. "
                "`sorted(loads)` is a new list, `loads.sort()` is not.",
            )
    return passed(rule, "The lists were unchanged after each call.")


def is_repeatable(asks: Sequence[Ask]) -> Finding:
    """The rule: loads and rng decide, and nothing else."""
    rule = "loads and rng alone decide"
    hint = (
        "Draw from the `rng` that you are given, and keep nothing from one call to the next: "
        "only then can a run be repeated, and a bad one be looked at again."
    )
    for ask in asks:
        if ask.others_chance:
            return failed(
                rule, "choose drew from the `random` module's own generator, not from `rng`.", hint
            )
        if ask.reseeded:
            return failed(rule, "choose seeded `rng` anew: it belongs to the caller.", hint)
    different = [ask for ask in asks if ask.answer != ask.again]
    if different:
        ask = different[0]
        return failed(
            rule,
            f"choose({brief(ask.loads)}, rng), asked twice with rng in the same state, returned "
            f"{brief(ask.answer)} and then {brief(ask.again)}. "
            f"It was so with {len(different)} of {len(asks)} fleets.",
            hint,
        )
    for ask in asks:
        if not ask.drawn_alike:
            return failed(
                rule,
                f"choose({brief(ask.loads)}, rng), asked twice with rng in the same state, drew "
                "from it unlike the first time: it remembers what it was asked.",
                hint,
            )
    return passed(rule, "Asked twice with rng in the same state, it answered the same.")


def _unless_passed(*findings: Finding) -> list[Finding]:
    return [finding for finding in findings if finding.verdict != "passed"]


# --- Put to work ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Budget:
    """A promise about one kind of work, as a share of what round robin needs for the same tasks.

    A share, not milliseconds: the tasks, and so the luck in them, are the same for both.
    """

    of: str  # "mean" | "p99"
    work: Work
    load: float
    share: float

    @property
    def rule(self) -> str:
        """The promise in words."""
        return (
            f"{self.of} for {self.work.name} work at a load of {self.load:g}: "
            f"at most {self.share:g} times round robin's"
        )

    def measure(self, sojourns: Sequence[float]) -> float:
        """What the promise is about, in seconds."""
        return fmean(sojourns) if self.of == "mean" else quantiles(sojourns, n=100)[98]


# Constant work is where nobody can do better than round robin, which needs no loads for it. Who
# takes the least loaded worker stays within 1.1 of it, who compares two drawn at random within
# 1.3; who gives a second task to a busy worker beside an idle one does not. For bimodal work both
# come below 0.7 of round robin's p99, and who does not look at the loads stays at 1 or above.
BUDGETS = (
    Budget("mean", constant(TASK), load=0.5, share=1.3),
    Budget("mean", constant(TASK), load=0.8, share=1.3),
    Budget("p99", bimodal(TASK), load=0.8, share=0.75),
)
TASKS, SEEDS = 4000, range(5)
ALONE = 400  # tasks that come one at a time


@dataclass
class Timed:
    """The learner's policy, and how long it takes."""

    choose: Callable[..., Any]
    asked: int = 0
    begun: float = 0.0  # when it was asked last, monotonic seconds
    seconds: float = 0.0  # that all its answers took

    def __call__(self, loads: list[int], rng: Random) -> Any:
        """The policy's answer."""
        self.asked += 1
        self.begun = time.monotonic()
        answer = self.choose(loads, rng)
        self.seconds += time.monotonic() - self.begun
        return answer


class _NoIndex(Exception):
    """The policy gave an answer that is no index, in the middle of a run."""


@dataclass
class Watched:
    """The learner's policy at work: checks each answer, remembers the one hardest to justify."""

    choose: Timed
    loads: list[int] = field(default_factory=list)  # about what it was asked last
    changed: Ask | None = None  # the first list that it did not leave alone
    wrong: tuple[str, str] | None = None
    worst: tuple[list[int], int] | None = None
    _gap: int = 0  # tasks more than the least loaded worker had

    def __call__(self, loads: Sequence[int], rng: Random) -> int:
        """The policy's answer, if it is an index."""
        seen, given = list(loads), list(loads)
        self.loads = seen
        answer = self.choose(given, rng)
        if given != seen and self.changed is None:
            self.changed = Ask(seen, answer, given)
        self.wrong = _not_an_index(seen, answer)
        if self.wrong:
            raise _NoIndex
        index = operator.index(answer)
        if seen[index] - min(seen) > self._gap:
            self._gap, self.worst = seen[index] - min(seen), (seen, index)
        return index

    def __deepcopy__(self, memo: object) -> Watched:
        return self  # the virtual clock starts each run with a copy: this one keeps the books


def _put_to_work(choose: Callable[..., Any]) -> Iterable[Finding]:
    findings: list[Finding] = []
    timed = Timed(choose)
    watched = Watched(timed)

    def work() -> None:
        asks: list[Ask] = []
        _ask_all(watched, asks, _questions("others"))  # it may remember what it was asked
        findings.append(is_repeatable(asks))
        findings.append(nobody_is_left_out(one_at_a_time(watched)))
        for budget in BUDGETS:
            watched.worst, watched._gap = None, 0
            own = budget.measure(_sojourns(watched, budget))
            turns = budget.measure(_sojourns(RoundRobin(), budget))
            findings.append(within_budget(budget, own, turns, watched.worst))

    call = Call("choose", work).run(within=LIMIT)
    if watched.wrong:
        return [*findings, failed("choose returns the index of a worker", *watched.wrong)]
    if is_slow(call, timed.begun):
        return [*findings, too_slow(call, timed)]
    if problem := call.problem():
        return [*findings, _asked_about(watched.loads, problem)]
    if watched.changed:
        findings.append(leaves_loads_alone([watched.changed]))
    return findings


def one_at_a_time(choose: Callable[..., Any]) -> dict[str, int]:
    """Tasks per worker when each task comes after the last one's answer."""
    run = simulate(choose, range(ALONE), [0.5] * ALONE, speeds=[1] * WORKERS)
    return run.counts()


def _sojourns(choose: Callable[..., Any], budget: Budget) -> list[float]:
    rate = budget.load * WORKERS / budget.work.mean
    return [
        sojourn
        for seed in SEEDS
        for sojourn in simulate(
            choose,
            poisson(rate, TASKS, seed),
            budget.work.costs(TASKS, seed),
            speeds=[1] * WORKERS,
            seed=seed,
        ).sojourns
    ]


def nobody_is_left_out(counts: Mapping[str, int]) -> Finding:
    """The rule: with one task at a time, each worker gets at least half of its even share."""
    rule = "with one task at a time, nobody is left out"
    even = sum(counts.values()) / len(counts)
    shares = ", ".join(f"{name} {count}" for name, count in counts.items())
    if min(counts.values()) < even / 2:
        return failed(
            rule,
            f"{sum(counts.values())} tasks that came one at a time: {shares}.",
            "All loads are equal then, and the order decides: who has been idle longest comes "
            "first. Who is never asked is noticed late when it is dead, and its caches are cold.",
        )
    return passed(rule, f"{sum(counts.values())} tasks that came one at a time: {shares}.")


def within_budget(
    budget: Budget, own: float, turns: float, worst: tuple[list[int], int] | None
) -> Finding:
    """The rule: what this policy needs (`own`, seconds) by what round robin does (`turns`)."""
    evidence = (
        f"{budget.of} {own * 1000:.1f} ms; round robin with the same tasks "
        f"{turns * 1000:.1f} ms, so the budget is {budget.share * turns * 1000:.1f} ms."
    )
    if own <= budget.share * turns:
        return passed(budget.rule, evidence)
    if worst is None:
        return failed(budget.rule, evidence, "Which worker would have begun with it first?")
    loads, index = worst
    return failed(
        budget.rule,
        f"{evidence}\nHardest to justify: asked about {brief(loads)}, it chose {index}, who had "
        f"{loads[index]} to do, beside one who had {min(loads) or 'nothing'}.",
        "Which worker would have begun with that task first?",
    )


def is_slow(call: Call, begun: float) -> bool:
    """Whether a call that took too long was slow all the way, not stuck at the last question."""
    if call.state == "returned":  # in the moment in which it was to be stopped
        return False
    return bool(call.waited) and begun - call.started > LIMIT / 2


def too_slow(call: Call, timed: Timed) -> Finding:
    """The finding for a policy that takes too long; on a busy machine nothing is proved by it."""
    rule = "choose answers at once"
    if timed.seconds < OWN_PART * call.waited:
        return undecided(
            rule,
            f"In {call.waited:g} s it was asked {timed.asked} times: this machine is busy.",
            "This says nothing about your code. Run it again.",
        )
    return failed(
        rule,
        f"In {call.waited:g} s it answered {timed.asked - 1} times; a broker waits for each "
        f"answer.\nIt was at {call.where}",
        "What does that line do that the loads do not already tell?",
    )
