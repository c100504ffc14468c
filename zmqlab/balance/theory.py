"""What arithmetic says before anything runs: how fast a fleet can be at best, how long tasks wait.

Times are in seconds. The bounds hold for any way of giving out tasks that are all there at the
start, however clever, because they know the future and cost nothing. The formulas hold for tasks
that arrive independently of one another (a Poisson stream), on average and in the long run.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

# --- Lower bounds on the makespan -------------------------------------------------------------


def makespan_bound(work: Sequence[float], speeds: Sequence[float]) -> float:
    """The makespan that no schedule of whole tasks on these workers can beat, in seconds.

    Args:
        work: what each task costs: its seconds on a worker of speed 1.
        speeds: how fast each worker is. Workers of 2, 2 and 50 ms per task of cost 1 have the
            speeds 1/0.002, 1/0.002 and 1/0.050; three alike workers have 1, 1, 1.

    Returns:
        The larger of two bounds, which is the exact optimum when all tasks cost the same.

        *Work over speed*: the k dearest tasks can use no more than the k fastest workers, and all
        tasks no more than all. Horvath, Lam and Sethi, "A level algorithm for preemptive
        scheduling", Journal of the ACM 24 (1977): this is the optimum where a task may move to
        another worker halfway, so a lower bound where it may not. For alike workers it is the
        larger of the mean load and the dearest task, by which Graham measured list scheduling:
        whoever is free takes the next task, and it takes at most 2 - 1/m times as long ("Bounds
        for certain multiprocessing anomalies", Bell System Technical Journal 45, 1966; "Bounds
        on multiprocessing timing anomalies", SIAM Journal on Applied Mathematics 17, 1969).

        *Whole tasks*: each of the k dearest tasks costs at least as much as the k-th, so they
        take no less than k equal tasks of that cost in their best split.

    Raises:
        ValueError: no worker, a speed that is not positive, or a negative cost.

    """
    if not speeds or min(speeds) <= 0:
        raise ValueError(f"every worker needs a speed above 0, got {list(speeds)}")
    if min(work, default=0) < 0:
        raise ValueError("a task cannot cost less than nothing")
    dearest_first = sorted(work, reverse=True)
    fastest_first = sorted(speeds, reverse=True)
    loads = list(accumulate(dearest_first))
    powers = list(accumulate(fastest_first))
    by_speed = [load / power for load, power in zip(loads, powers, strict=False)]
    by_speed += [loads[-1] / powers[-1]] if loads else []
    ends = _equal_tasks([1 / speed for speed in speeds], len(work))
    by_count = [cost * end for cost, (_, end) in zip(dearest_first, ends, strict=True)]
    return max(by_speed + by_count, default=0.0)


def best_split(tasks: int, seconds: Sequence[float]) -> list[int]:
    """How many of `tasks` equal tasks each worker does in the fastest split there is.

    Worker i needs `seconds[i]` for one task. Giving each task to the worker who would finish it
    first is the optimum for equal tasks; of two who would finish together the earlier listed one
    gets it. The makespan is `max(n * s for n, s in zip(split, seconds))`.
    """
    if not seconds or min(seconds) <= 0:
        raise ValueError(f"every worker needs more than 0 seconds a task, got {list(seconds)}")
    split = [0] * len(seconds)
    for worker, _ in _equal_tasks(seconds, tasks):
        split[worker] += 1
    return split


def _equal_tasks(seconds: Sequence[float], tasks: int) -> list[tuple[int, float]]:
    """For each of `tasks` equal tasks, in order of completion: the worker and the time."""
    done = []
    following = [(each, worker, 1) for worker, each in enumerate(seconds)]
    heapq.heapify(following)
    for _ in range(tasks):
        end, worker, count = following[0]
        done.append((worker, end))
        # A product, not a sum: rounding must not add up over a thousand tasks.
        heapq.heapreplace(following, (seconds[worker] * (count + 1), worker, count + 1))
    return done


# --- Waiting ----------------------------------------------------------------------------------


class Waiting(NamedTuple):
    """What a task can expect of a queue in the long run."""

    chance: float  # that it has to wait at all
    wait: float  # mean seconds until a worker begins with it, those who need not wait included
    sojourn: float  # mean seconds until it is done


def mmc(load: float, mean: float, workers: int) -> Waiting:
    """M/M/c: one queue before c alike workers, exponential costs of mean `mean` seconds.

    Args:
        load: the share of their time that the workers are busy: tasks per second, times `mean`,
            by the number of workers.
        mean: seconds that a task takes.
        workers: c.

    The chance to wait is Erlang's second formula, known as Erlang C: A. K. Erlang, "Solution of
    some problems in the theory of probabilities of significance in automatic telephone
    exchanges", Elektroteknikeren 13 (1917); as in Kleinrock, "Queueing Systems" I (1975), 3.5.

    Raises:
        ValueError: a load that is not between 0 and 1 (from 1 on, the queue grows without end),
            or no worker.

    """
    _check(load, mean, workers)
    offered = load * workers
    blocked = 1.0  # Erlang B, by its recursion over the number of workers
    for count in range(1, workers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    chance = blocked / (1 - load * (1 - blocked))
    wait = chance * mean / (workers * (1 - load))
    return Waiting(chance, wait, wait + mean)


def mg1(load: float, mean: float, scv: float) -> Waiting:
    """M/G/1: one queue before one worker, costs of any distribution.

    Args:
        load: the share of its time that the worker is busy.
        mean: seconds that a task takes.
        scv: variance / mean² of what tasks take: 0 constant, 1 exponential.

    The Pollaczek-Khinchine formula: F. Pollaczek, Mathematische Zeitschrift 32 (1930), A. Y.
    Khinchine, Matematicheskii Sbornik 39 (1932); as in Kleinrock, "Queueing Systems" I, 5.6.

    Raises:
        ValueError: a load that is not between 0 and 1, or a negative scv.

    """
    _check(load, mean, 1)
    if scv < 0:
        raise ValueError(f"a variance cannot be negative, got an scv of {scv}")
    wait = load / (1 - load) * (1 + scv) / 2 * mean
    return Waiting(load, wait, wait + mean)


def _check(load: float, mean: float, workers: int) -> None:
    if not 0 <= load < 1:
        raise ValueError(
            f"a load of {load:g} is not between 0 and 1; from 1 on the queue grows without end"
        )
    if mean < 0 or workers < 1:
        raise ValueError(f"{workers} workers and {mean:g} seconds a task make no queue")
