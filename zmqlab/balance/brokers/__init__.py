"""Brokers: clients on the one side, workers on the other, and a rule who gets the next request.

Each binds its endpoints and runs until its Context ends; `zmq.ContextTerminated` is how it ends.
`Majordomo` is the core of one: what it knows and does, without a socket and a clock.
"""

from .chosen import by_policy
from .dealt import router_dealer, router_dealer_in_c
from .idle import idle_worker
from .kept import store_then_answer
from .majordomo import Majordomo, majordomo_broker
from .pirate import paranoid_pirate

__all__ = [
    "Majordomo",
    "by_policy",
    "idle_worker",
    "majordomo_broker",
    "paranoid_pirate",
    "router_dealer",
    "router_dealer_in_c",
    "store_then_answer",
]
