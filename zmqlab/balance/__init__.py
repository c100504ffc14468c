"""Who gets the next task: rules, the virtual clock that tries them, the theory, the brokers.

`standby` walks through all that can happen to two brokers, one of which stands by. Pure, but for
`brokers`, which runs the rules on live sockets. Knows no other room.
"""

from .clock import Run, Work, bimodal, constant, exponential, one_queue, pareto, poisson, simulate
from .policy import (
    Credit,
    Fleet,
    Liveness,
    Policy,
    RoundRobin,
    at_random,
    least_loaded,
    least_recently_used,
    two_choices,
)
from .theory import Waiting, best_split, makespan_bound, mg1, mmc

__all__ = [
    "Credit",
    "Fleet",
    "Liveness",
    "Policy",
    "RoundRobin",
    "Run",
    "Waiting",
    "Work",
    "at_random",
    "best_split",
    "bimodal",
    "constant",
    "exponential",
    "least_loaded",
    "least_recently_used",
    "makespan_bound",
    "mg1",
    "mmc",
    "one_queue",
    "pareto",
    "poisson",
    "simulate",
    "two_choices",
]
