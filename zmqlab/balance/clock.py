"""A fleet on a virtual clock: the same policies, with workers that need no time at all.

A run is exact: the same arguments give the same numbers on every machine, so they may be printed.
Times are in seconds.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import accumulate
from math import inf, sqrt
from random import Random

from zmqlab.span import Span

from .policy import Fleet, Policy

# --- What tasks cost --------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """A distribution of what tasks cost, in seconds on a worker of speed 1.

    `scv` is the squared coefficient of variation, variance / mean²: 0 if all tasks are alike, 1
    if exponential. It is what the queueing formulas ask for.
    """

    name: str
    mean: float
    scv: float
    draw: Callable[[Random], float]

    def costs(self, tasks: int, seed: int = 1) -> list[float]:
        """What each of `tasks` tasks costs; the same seed gives the same tasks."""
        rng = Random(f"costs {seed}")
        return [self.draw(rng) for _ in range(tasks)]


def constant(mean: float) -> Work:
    """All tasks cost the same."""
    return Work("constant", mean, 0.0, lambda rng: mean)


def exponential(mean: float) -> Work:
    """Many small tasks, few large ones; what a task has left does not depend on its age."""
    return Work("exponential", mean, 1.0, lambda rng: rng.expovariate(1 / mean))


def bimodal(mean: float, scv: float = 5.76, share: float = 0.1) -> Work:
    """Short tasks, and a `share` of long ones: one in ten by default.

    The default, for a mean of 10 ms, is 2 ms and 82 ms. An scv of 0 makes them alike. The largest
    that can be had is (1 - share) / share, 9 for one long task in ten: then the short ones cost
    nothing.
    """
    if not 0 < share < 1:
        raise ValueError(f"a share of long tasks is between 0 and 1, not {share}")
    largest = (1 - share) / share
    if not 0 <= scv <= largest:
        raise ValueError(
            f"with a share of {share:g} long tasks the scv is between 0 and {largest:g}, not {scv}"
        )
    apart = mean * sqrt(scv / (share * (1 - share)))
    short, long = max(0.0, mean - share * apart), mean + (1 - share) * apart
    return Work("bimodal", mean, scv, lambda rng: long if rng.random() < share else short)


def pareto(mean: float, shape: float = 2.5) -> Work:
    """Heavy-tailed: the largest of n tasks grows as fast as n to the power 1 / `shape`.

    shape must be above 1, or there is no mean; up to 2 the variance is infinite.
    """
    if shape <= 1:
        raise ValueError(f"a Pareto distribution of shape {shape} has no mean; it takes above 1")
    least = mean * (shape - 1) / shape
    scv = 1 / (shape * (shape - 2)) if shape > 2 else inf
    return Work("Pareto", mean, scv, lambda rng: least * rng.paretovariate(shape))


def poisson(rate: float, tasks: int, seed: int = 1) -> list[float]:
    """When `tasks` tasks arrive that come independently of one another, `rate` per second."""
    rng = Random(f"arrivals {seed}")
    return list(accumulate(rng.expovariate(rate) for _ in range(tasks)))


# --- The run ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """What happened to each task, in the order in which they arrived.

    arrivals, starts, ends: when it came to the broker, when its worker began and ended it.
    answers: when the broker had the answer.
    workers: who did it, as an index into `names`.
    """

    names: list[str]
    arrivals: list[float]
    starts: list[float]
    ends: list[float]
    answers: list[float]
    workers: list[int]

    @property
    def waits(self) -> list[float]:
        """From a task's arrival until a worker began with it."""
        return [start - came for came, start in zip(self.arrivals, self.starts, strict=True)]

    @property
    def sojourns(self) -> list[float]:
        """From a task's arrival until its answer: what a client sees."""
        return [got - came for came, got in zip(self.arrivals, self.answers, strict=True)]

    @property
    def makespan(self) -> float:
        """From the first arrival until the last answer."""
        return max(self.answers, default=0.0) - min(self.arrivals, default=0.0)

    def counts(self) -> dict[str, int]:
        """Tasks done per worker, those who did none included."""
        return {name: self.workers.count(index) for index, name in enumerate(self.names)}

    def spans(self) -> list[Span]:
        """Who was busy when, earliest first, as `plots.busy` draws it."""
        tasks = zip(self.workers, self.starts, self.ends, strict=True)
        return sorted(
            (
                Span(self.names[worker], start, end, (b"%d" % number,))
                for number, (worker, start, end) in enumerate(tasks, 1)
            ),
            key=lambda span: span.start,
        )


def simulate(
    choose: Policy,
    arrivals: Sequence[float],
    costs: Sequence[float],
    *,
    speeds: Sequence[float] = (1, 1, 1, 1),
    travel: float = 0.0,
    seed: int = 1,
) -> Run:
    """Run tasks through a broker with this policy and its workers.

    Args:
        choose: the policy (see `policy`), asked while tasks wait: at each arrival and each answer.
            A policy with a memory starts with the memory that it has now.
        arrivals: when each task comes to the broker, ascending. All zero: all at the start.
        costs: what each costs: seconds on a worker of speed 1.
        speeds: one number per worker; 0.5 takes twice as long.
        travel: seconds that a task needs to its worker, and an answer back. A worker with
            nothing else to do stands still for both.
        seed: of the policy's random numbers.

    Raises:
        RuntimeError: the policy left tasks waiting although no answer can come any more.

    """
    choose = deepcopy(choose)  # whose turn it is in one run is no matter of the next
    rng = Random(f"policy {seed}")
    tasks = len(arrivals)
    fleet = Fleet(range(len(speeds)))
    free_at = [0.0] * len(speeds)
    starts, ends, answers, workers = [0.0] * tasks, [0.0] * tasks, [0.0] * tasks, [0] * tasks
    waiting: deque[int] = deque()
    coming: list[tuple[float, int, int]] = []  # answers on their way: when, task, worker
    arrived = 0
    while arrived < tasks or coming:
        # Of two things at the same moment the answer comes first: its worker can take the task.
        if coming and (arrived == tasks or coming[0][0] <= arrivals[arrived]):
            now, _, worker = heapq.heappop(coming)
            fleet.answered(worker)
        else:
            now = arrivals[arrived]
            waiting.append(arrived)
            arrived += 1
        while waiting:
            chosen = fleet.give(choose, rng)
            if chosen is None:
                break
            task = waiting.popleft()
            workers[task] = chosen
            starts[task] = max(now + travel, free_at[chosen])
            ends[task] = free_at[chosen] = starts[task] + costs[task] / speeds[chosen]
            answers[task] = ends[task] + travel
            heapq.heappush(coming, (answers[task], task, chosen))
    if waiting:
        raise RuntimeError(f"{choose!r} left {len(waiting)} tasks waiting with every worker idle")
    names = [f"w{number}" for number in range(1, len(speeds) + 1)]
    return Run(names, list(arrivals), starts, ends, answers, workers)


def one_queue(arrivals: Sequence[float], costs: Sequence[float], workers: int) -> list[float]:
    """How long each task waits if whoever is free first takes the one that came first, in seconds.

    These are the waits of `simulate` with `least_recently_used` and no travel, many times as fast:
    for long runs. `arrivals` ascend; `costs` are seconds on any of the workers, which are alike.
    Kiefer and Wolfowitz, "On the theory of queues with many servers", Transactions of the American
    Mathematical Society 78 (1955).
    """
    free_at = [0.0] * workers  # a heap: who is free first stands first
    waits = []
    for came, cost in zip(arrivals, costs, strict=True):
        start = max(came, free_at[0])
        heapq.heapreplace(free_at, start + cost)
        waits.append(start - came)
    return waits
