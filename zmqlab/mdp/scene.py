"""One scene of a run against a broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .stage import Stage


class Scene(NamedTuple):
    """A part of the run: what it does, the rules that it decides, and the one that a death breaks.

    again: whether it is played once more where something came late.
    """

    title: str
    play: Callable[[Stage], None]
    rules: tuple[str, ...]
    blame: str = "7.B19"
    again: bool = True


NO_WAY = "no request got through to a worker"  # evidence of what could not be tried
