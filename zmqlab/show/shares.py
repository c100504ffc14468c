"""Who got how much: a bar for each participant, beside the even share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from .look import (
    INK,
    PAPER,
    TEXT,
    color,
    dress,
    hatch,
    inches,
    name_rows,
    over,
    points,
    short,
    table,
)
from .picture import KINDS, Kind


def shares(
    ax: Axes,
    counts: Mapping[str, int],
    *,
    title: str | None = None,
    unit: str = "tasks",
    most: int | None = None,
) -> None:
    """One bar for each participant, in the given order, and a dotted line at the even share.

    `most`: the count for which the axis has room, to compare pictures; by default the highest.
    """
    dress(ax, title or _title(counts, unit), names=counts)
    rows = range(len(counts))
    ax.barh(
        rows,
        list(counts.values()),
        color=[color(name) for name in counts],
        hatch=[hatch(name) for name in counts],
        edgecolor=INK,
        linewidth=0.8,
        height=0.7,
    )
    name_rows(ax, counts)
    room = (most or max([1, *counts.values()])) * 1.12
    ax.set_xlim(0, room)
    even = _even(counts)
    a_point = room / (inches(ax)[0] * 72)  # on the axis
    for row, count in enumerate(counts.values()):
        ends = count + (5 + points(f"{count}", TEXT) + 3) * a_point
        begins = even if count <= even <= ends else count  # beyond the line, where they meet
        ax.annotate(
            f"{count}",
            (begins, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontsize=TEXT,
        )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel(unit, color=INK, fontsize=TEXT)
    if even:
        line = ax.axvline(even, color=INK, linestyle=":", linewidth=1.6)
        line.set_path_effects([withStroke(linewidth=3.2, foreground=PAPER)])  # over dark bars
        over(ax, even, f"even share {short(even)}")


def shares_text(counts: Mapping[str, int], *, unit: str = "tasks") -> str:
    """The counts and what part of the whole they are, as a table."""
    total = sum(counts.values()) or 1
    rows = [[name, f"{n}", f"{n / total:.0%}"] for name, n in counts.items()]
    return table(["", unit, "share"], rows) + f"\neven share: {short(_even(counts))}"


def shares_alt(counts: Mapping[str, int], *, title: str | None = None, unit: str = "tasks") -> str:
    """What the bars say, in a sentence or two."""
    told = ", ".join(f"{name} {n}" for name, n in counts.items()) or "nobody"
    return (
        f"{title or _title(counts, unit)}. Bar chart of {unit} per participant: {told}; "
        f"a dotted line marks the even share, {short(_even(counts))}."
    )


def _title(counts: Mapping[str, int], unit: str) -> str:
    total, n = sum(counts.values()), len(counts)
    if total == 0:
        return f"Nobody got any {unit}"
    if n == 1:
        return f"{next(iter(counts))} got all {total} {unit}"
    least, most = min(counts.values()), max(counts.values())
    if most - least <= 1:
        each = f"{least}" if least == most else f"{least} or {most}"
        return f"Each of the {n} got {each} of {total} {unit}"
    even = _even(counts)
    name, odd = max(counts.items(), key=lambda item: abs(item[1] - even))
    part = f"all {total}" if odd == total else f"{odd or 'none'} of {total}"
    return f"{name} got {part} {unit}; an even share is {short(even)}"


def _even(counts: Mapping[str, int]) -> float:
    return sum(counts.values()) / max(1, len(counts))


def _height(counts: Mapping[str, int], **_options: Any) -> float:
    return 1.35 + 0.36 * len(counts)


def _extent(counts: Mapping[str, int], **_options: Any) -> float:
    return max([1, *counts.values()])


KINDS[shares] = Kind("Figure: share per participant.", shares_alt, _height, "most", _extent)
