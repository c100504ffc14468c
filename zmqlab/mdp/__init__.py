"""A conformance suite for Majordomo (7/MDP, 18/MDP), its management (8/MMI) and Titanic (9/TSP).

For a broker, worker, client or server in any language: `python -m zmqlab.mdp --help`, or the
functions below. It needs zmq and the standard library, nothing else.
"""

from .broker import check_broker
from .client import check_client
from .outcome import Outcome, Result
from .rules import RULES
from .subject import Command, Subject, Talking
from .table import Rule
from .titanic import check_titanic
from .titanic_client import check_titanic_client
from .worker import check_worker

__all__ = [
    "RULES",
    "Command",
    "Outcome",
    "Result",
    "Rule",
    "Subject",
    "Talking",
    "check_broker",
    "check_client",
    "check_titanic",
    "check_titanic_client",
    "check_worker",
]
