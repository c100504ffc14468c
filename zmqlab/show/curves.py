"""How numbers change with another one: a line for each name, one point for each value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle, pairwise
from typing import Any

from matplotlib.axes import Axes

from .look import (
    GREY,
    INK,
    LINES,
    PALE,
    PALETTE,
    SMALL,
    TEXT,
    color,
    darker,
    dress,
    log_ticks,
    over,
    short,
    table,
)
from .picture import KINDS, Kind

Curves = Mapping[str, Sequence[float]]


def curves(
    ax: Axes,
    rows: Curves,
    *,
    at: Sequence[float],
    along: str,
    title: str | None = None,
    unit: str = "",
    beside: str | None = None,
    mark: tuple[float, str] | None = None,
    log: bool = True,
) -> None:
    """A line for each name through its numbers, one for each value of `at`.

    along: what the values are; they stand at even distances. beside: the name whose numbers the
    others are divided by: its own line is level then, the ground below it is pale, and a ring
    stands where another line crosses it. mark: one of the values, and what begins there.
    `log`: a logarithmic scale, for numbers that are tens of times another; else it begins at zero.
    """
    dress(ax, title or _title(rows, unit))
    base = rows[beside] if beside else [1.0] * len(at)
    crossed: list[float] = []
    looks = zip(rows.items(), cycle(PALETTE[:-1]), cycle(LINES), cycle("osD^vP"), strict=False)
    for (name, numbers), its_color, line, marker in looks:
        drawn = [number / one for number, one in zip(numbers, base, strict=True)]
        if name == beside:
            ax.plot(drawn, color=INK, linewidth=2.2, label=name)
            continue
        crossed += _crossings(drawn) if beside else []
        ax.plot(
            drawn,
            color=darker(its_color if color(name) == GREY else color(name)),
            linestyle=line,
            linewidth=1.8,
            marker=marker,
            markersize=5,
            markeredgecolor=INK,
            label=name,
        )
    told = [unit] * bool(unit)
    if log:
        ax.set_yscale("log")
        log_ticks(ax.yaxis)
        told.append("logarithmic scale")
    else:
        ax.set_ylim(bottom=0)
    ax.set_xticks(range(len(at)), [f"{value:,g}" for value in at])
    ax.set_xlabel(along, color=INK, fontsize=TEXT)
    if beside:
        told = [", ".join(told), f"{beside} = 1"]
    ax.set_ylabel(",\n".join(told), color=INK, fontsize=TEXT)
    if beside:
        low, high = ax.get_ylim()
        ax.axhspan(low, 1, color=PALE, zorder=0)
        ax.set_ylim(low, high)
        ax.scatter(
            crossed,
            [1] * len(crossed),
            s=120,
            facecolor="none",
            edgecolor=INK,
            zorder=3,
            label=f"as much as {beside}",
        )
    if mark:
        place = list(at).index(mark[0])
        ax.axvline(place, color=INK, linestyle=":", linewidth=1.6, zorder=0)
        over(ax, place, mark[1], "left" if place < len(at) / 2 else "right")
    if rows:
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(0, -0.2),
            ncols=3,
            borderaxespad=0,
            frameon=False,
            fontsize=SMALL + 1,
            labelcolor=INK,
            handlelength=3.5,
        )


def curves_text(rows: Curves, *, at: Sequence[float], along: str) -> str:
    """The numbers of each name, as a table."""
    heads = [along, *(f"{value:,g}" for value in at)]
    return table(heads, [[name, *map(short, numbers)] for name, numbers in rows.items()])


def curves_alt(
    rows: Curves,
    *,
    at: Sequence[float],
    along: str,
    title: str | None = None,
    unit: str = "",
    beside: str | None = None,
    mark: tuple[float, str] | None = None,
    log: bool = True,
) -> str:
    """What the lines say, in a sentence or two."""
    told = "; ".join(f"{name} {', '.join(map(short, numbers))}" for name, numbers in rows.items())
    values = ", ".join(f"{value:,g}" for value in at)
    drawn = f", drawn as multiples of {beside}" if beside else ""
    axis = ", logarithmic scale" if log else ""
    begins = f" At {mark[0]:,g}: {mark[1]}." if mark else ""
    return (
        f"{title or _title(rows, unit)}. Line chart of {unit or 'numbers'}{drawn}{axis}, at "
        f"{along} {values}: {told or 'none'}.{begins}"
    )


def _crossings(multiples: Sequence[float]) -> list[float]:
    """Where a line of multiples passes 1, in steps from one to the next."""
    steps = enumerate(pairwise(map(math.log, multiples)))
    return [place + one / (one - two) for place, (one, two) in steps if (one > 0) != (two > 0)]


def _title(rows: Curves, unit: str) -> str:
    numbers = [number for row in rows.values() for number in row]
    return f"From {short(min(numbers))} to {short(max(numbers))} {unit}" if numbers else "No values"


def _height(rows: Curves, *, beside: str | None = None, **_options: Any) -> float:
    return (4.4 if beside else 3.8) + 0.2 * (len(rows) / 3)


KINDS[curves] = Kind("Figure: how it changes.", curves_alt, _height)
