"""How near the course's broker comes to the lower bound, with credit, live."""

from __future__ import annotations

import statistics
import time
from random import Random
from typing import Any

import zmq
from paper import promise, row

from zmqlab.balance import clock, policy
from zmqlab.balance.brokers import by_policy
from zmqlab.balance.theory import makespan_bound
from zmqlab.run.experiment import Experiment


def slow_worker(ctx: Any, backend: str, seconds_per_unit: float) -> None:
    """Say READY; sleep for each task as long as it says, times this worker's slowness.

    Answers what the task has cost: the seconds that it took, by this worker's slowness.
    """
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(backend)
        broker.send_multipart([b"", b"READY"])
        while True:
            *address, cost = broker.recv_multipart()
            began = time.monotonic()
            time.sleep(float(cost) * seconds_per_unit)
            took = (time.monotonic() - began) / seconds_per_unit
            broker.send_multipart([*address, str(took).encode()])


def makespan(costs: list[float], slowness: list[float], rule: policy.Policy) -> float:
    """Seconds until all tasks, there from the beginning, are answered, by the lower bound.

    The bound is that of the work as it came to be: a sleep is longer than it was to be, and on a
    busy machine much longer, whoever was given the task.
    """
    with Experiment(record=False) as lab:
        frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        lab.start("broker", by_policy, frontend, backend, rule, Random(1))
        with lab.ctx.socket(zmq.DEALER) as client:
            client.connect(frontend)
            for number, slow in enumerate(slowness):
                lab.start(f"w{number + 1}", slow_worker, backend, slow)
            start = time.monotonic()
            for cost in costs:
                client.send_multipart([b"", str(cost).encode()])
            took = [float(client.recv_multipart()[-1]) for _ in costs]
            return (time.monotonic() - start) / makespan_bound(took, [1 / s for s in slowness])


def balance() -> None:
    """Makespan against the lower bound, live; the median over five draws of the tasks.

    One draw would not do: where it ends with a long task on the slow worker, no rule that learns
    the length of a task by doing it comes near the bound.
    """
    print("Balance: makespan / lower bound, live threads, all tasks there from the beginning")
    one_in_three = [1.0, 1.0, 25.0]  # workers of 2, 2 and 50 ms for a task of 2 ms
    one_in_four = [1.0, 1.0, 1.0, 5.0]
    cases = [
        ("fleet 2/2/50 ms, 600 equal tasks", clock.constant(0.002), 600, one_in_three),
        ("constant, one of 4 workers 5 x slower", clock.constant(0.005), 200, one_in_four),
        ("exponential, the same fleet", clock.exponential(0.005), 200, one_in_four),
        ("Pareto, the same fleet", clock.pareto(0.005), 200, one_in_four),
    ]
    row("", "credit 1", "credit 2", "credit 4", "credit 8", "")
    for name, work, tasks, slowness in cases:
        columns = []
        for k in (1, 2, 4, 8):
            ratios = [
                makespan(work.costs(tasks, seed), slowness, policy.Credit(k)) for seed in range(5)
            ]
            columns.append(statistics.median(ratios))
        kept = promise(f"balance, {name}: {columns[0]:.2f}", columns[0] <= 1.2)
        row(name, *(f"{column:.2f}" for column in columns), kept)
