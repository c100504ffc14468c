"""Checkers: what a lab answers when it is run.

`lab01(feed)` and its like run the learner's functions among workers and faults of their own and
return a `Report`: passed, failed or undecided, with the evidence. There is one for each lab in
the course's table; it is loaded when it is first asked for.
"""

from importlib import import_module
from typing import Any

from zmqlab.learn.course import LABS

from .report import Finding, Report

__all__ = ["Finding", "Report", *(f"lab{number}" for number in LABS)]


def __getattr__(name: str) -> Any:
    number = name.removeprefix("lab")
    if number == name or number not in LABS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".lab_{number}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
