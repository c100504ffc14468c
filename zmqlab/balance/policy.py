"""Who gets the next task, and who has been silent too long: rules without sockets.

A policy is called as `choose(loads, rng)`. `loads` has one number per worker, the tasks that it
has outstanding (given and not answered), in the order of who became idle longest ago; `rng` is a
`random.Random`, the only chance that a policy may use. It returns the index of the worker who
gets the task, or None: nobody now, the task waits and the policy is asked again when a worker
has answered.

A policy that returns None while everybody is busy binds a task late, when a worker is free for
it. One that always returns an index binds it at once: it then waits at that worker.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar

Policy = Callable[[Sequence[int], Random], int | None]
Worker = TypeVar("Worker", bound=Hashable)


# --- Policies ---------------------------------------------------------------------------------


def at_random(loads: Sequence[int], rng: Random) -> int:
    """Any worker, each as likely as the others.

    Assumes nothing and knows nothing. Each worker then sees a Poisson stream of its own when the
    tasks come as one, which makes it an M/G/1 queue: the yardstick for all others.
    """
    return rng.randrange(len(loads))


@dataclass
class RoundRobin:
    """Each worker in turn, in the order in which they joined, whatever they have to do.

    Assumes that tasks cost the same and workers are equally fast. It looks at no load, and is the
    one policy here with a memory. It is what PUSH and DEALER do (30/PIPELINE, 28/REQREP), and for
    one who cannot see the queues of equal workers the best there is (shown for exponential costs:
    Ephremides, Varaiya and Walrand, "A simple dynamic routing problem", IEEE Transactions on
    Automatic Control 25, 1980).
    """

    turn: int = field(default=-1, repr=False)
    fixed_order = True  # a Fleet shows it the workers in order of joining

    def __call__(self, loads: Sequence[int], rng: Random) -> int:
        """The worker after the one who got the last task."""
        self.turn = self.turn + 1 if self.turn + 1 < len(loads) else 0
        return self.turn


def least_recently_used(loads: Sequence[int], rng: Random) -> int | None:
    """The worker who has been idle longest; None while nobody is idle.

    Assumes that asking for the next task takes little time beside the task: a worker stands still
    from its answer until the next task arrives. All tasks wait in one queue, so this is the
    M/G/c queue of the textbooks; ZeroMQ's Guide calls it the load balancing pattern (chapter 3).
    """
    return loads.index(0) if 0 in loads else None


def least_loaded(loads: Sequence[int], rng: Random) -> int:
    """The worker with the fewest tasks outstanding; of several, who became idle longest ago.

    Assumes that a count of tasks tells how much work they are, so that workers are equally fast
    and costs do not vary too much: Winston, "Optimality of the shortest line discipline", Journal
    of Applied Probability 14 (1977); where it fails: Whitt, "Deciding which queue to join: some
    counterexamples", Operations Research 34 (1986). ipyparallel's default ("leastload").
    """
    return loads.index(min(loads))


def two_choices(loads: Sequence[int], rng: Random) -> int:
    """Of two workers drawn at random, the one with fewer tasks outstanding.

    Assumes that looking at every load is too dear (thousands of workers, or several brokers that
    would all rush to the same least loaded one): Mitzenmacher, "The power of two choices in
    randomized load balancing", IEEE Transactions on Parallel and Distributed Systems 12 (2001).
    """
    one, other = sorted(rng.sample(range(len(loads)), 2)) if len(loads) > 1 else (0, 0)
    return one if loads[one] <= loads[other] else other


@dataclass(frozen=True)
class Credit:
    """At most `k` tasks outstanding per worker; None while everybody has that many.

    `choose` picks among those who have credit left. k = 1 is the idle-worker queue. More hides
    the round trip between an answer and the next task, and binds tasks that much earlier: a
    worker is busy for at most k * task / (task + round trip) of the time. ipyparallel has it as
    `TaskScheduler.hwm`, AMQP as its prefetch count. ZeroMQ's high-water mark is something else.
    """

    k: int
    choose: Policy = least_loaded

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"with a credit of {self.k} nobody would ever get a task")

    @property
    def fixed_order(self) -> bool:
        """Whether the policy inside wants the workers in order of joining."""
        return in_fixed_order(self.choose)

    def __call__(self, loads: Sequence[int], rng: Random) -> int | None:
        """The index, among all workers, of the one that `choose` picks; None: all are full."""
        ready = [index for index, load in enumerate(loads) if load < self.k]
        if not ready:
            return None
        picked = self.choose([loads[index] for index in ready], rng)
        return None if picked is None else ready[picked]


def in_fixed_order(choose: Policy) -> bool:
    """Whether a policy wants the workers in order of joining (round robin), not of idleness."""
    return bool(getattr(choose, "fixed_order", False))


# --- The fleet that a policy looks at ---------------------------------------------------------


class Fleet(Generic[Worker]):
    """The workers of one broker, and how many tasks each has outstanding.

    The broker tells it what happens (`join`, `answered`, `leave`) and asks it who is
    next (`give`). It is the same for sockets and for the virtual clock.
    """

    def __init__(self, workers: Iterable[Worker] = ()) -> None:
        self._outstanding: dict[Worker, int] = {}  # in order of joining
        self._line: list[Worker] = []  # who became idle longest ago comes first
        self._asked: Policy | None = None  # whether it wants the order of joining, we know
        self._fixed_order = False
        for worker in workers:
            self.join(worker)

    def __len__(self) -> int:
        return len(self._line)

    def __contains__(self, worker: object) -> bool:
        return worker in self._outstanding

    def outstanding(self) -> dict[Worker, int]:
        """Tasks outstanding per worker, who became idle longest ago first."""
        return {worker: self._outstanding[worker] for worker in self._line}

    def join(self, worker: Worker) -> None:
        """A worker is there and idle: it goes to the end of the line.

        One who joins again starts anew; what it had outstanding is forgotten (see `leave`).
        """
        self.leave(worker)
        self._outstanding[worker] = 0
        self._line.append(worker)

    def leave(self, worker: Worker) -> int:
        """A worker is gone; returns how many tasks it had outstanding (0 for a stranger)."""
        if worker not in self._outstanding:
            return 0
        self._line.remove(worker)
        return self._outstanding.pop(worker)

    def give(self, choose: Policy, rng: Random) -> Worker | None:
        """The worker whom the policy gives one more task, or None: the task waits.

        Raises IndexError where the policy names a worker that there is not.
        """
        if choose is not self._asked:  # once for each policy, not for each task
            self._asked, self._fixed_order = choose, in_fixed_order(choose)
        line = list(self._outstanding) if self._fixed_order else self._line
        if not line:
            return None
        index = choose([self._outstanding[worker] for worker in line], rng)
        if index is None:
            return None
        if not 0 <= index < len(line):
            raise IndexError(f"{choose!r} chose worker {index} of {len(line)}, counted from 0")
        self._outstanding[line[index]] += 1
        return line[index]

    def take_back(self, worker: Worker) -> None:
        """What a worker was given was no task: it keeps its place, as if nothing had been given.

        Raises KeyError for a stranger, ValueError if it has no task outstanding.
        """
        if self._outstanding[worker] == 0:
            raise ValueError(f"nothing can be taken back from {worker!r}: it has no task")
        self._outstanding[worker] -= 1

    def answered(self, worker: Worker) -> None:
        """A worker has answered one task; if that was its last, it goes to the end of the line.

        Raises KeyError for a stranger, ValueError for an answer to no task.
        """
        if self._outstanding[worker] == 0:
            raise ValueError(f"{worker!r} has answered, but had no task outstanding")
        self._outstanding[worker] -= 1
        if self._outstanding[worker] == 0:
            self._line.remove(worker)
            self._line.append(worker)


# --- Who is still there -----------------------------------------------------------------------


class Liveness(Generic[Worker]):
    """Who has been heard of within `patience` seconds.

    It has no clock: `now` is handed in, in seconds of any clock that never goes back.
    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.last_heard: dict[Worker, float] = {}

    def heard(self, worker: Worker, *, now: float) -> None:
        """A sign of life from this worker."""
        self.last_heard[worker] = now

    def forget(self, worker: Worker) -> None:
        """A worker is known to be gone: it can no longer expire."""
        self.last_heard.pop(worker, None)

    def expired(self, *, now: float) -> list[Worker]:
        """The workers who have been silent for longer than `patience`, first heard of first."""
        return [w for w, heard in self.last_heard.items() if now - heard > self.patience]
