"""A span: somebody at work on something, from one moment to another."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """One participant at work on one task, from `start` to `end` (seconds, the journal's clock)."""

    who: str
    start: float
    end: float
    task: tuple[bytes, ...]
