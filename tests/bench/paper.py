"""What the bench prints: rows of a table, and whether a promise was kept."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

missed: list[str] = []


def row(name: str, *columns: object) -> None:
    """Print one line of a table."""
    print(f"  {name:<44}" + "".join(f"{column!s:>14}" for column in columns), flush=True)


def promise(what: str, kept: bool) -> str:
    """The word for a bound that was kept or missed; a missed one fails the run."""
    if not kept:
        missed.append(what)
    return "ok" if kept else "MISSED"


def spread(ratios: Sequence[float]) -> str:
    """The middle half of the ratios."""
    low, _, high = statistics.quantiles(ratios, n=4)
    return f"{low:.2f}-{high:.2f}"
