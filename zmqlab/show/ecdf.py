"""How long it took: the share of the samples within each time, and percentiles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes

from .look import (
    GREY,
    INK,
    LINES,
    PALETTE,
    SMALL,
    TEXT,
    color,
    darker,
    dress,
    duration,
    log_ticks,
    short,
    table,
    unit_for,
)
from .picture import KINDS, Kind


def ecdf(
    ax: Axes,
    samples: Mapping[str, Sequence[float]],
    *,
    title: str | None = None,
    what: str = "latency",
    of: str = "",
    percentiles: Sequence[float] = (50, 99),
    log: bool = False,
) -> None:
    """For each name: the share of its samples (seconds) within each time.

    `what` was measured, `of` what: the wait of answers, the sojourn of tasks.
    A marker stands where a percentile is reached, its value in the legend. `log`: a logarithmic
    time axis, for tails that are tens of times the median; else it begins at zero.
    """
    known = {name: sorted(values) for name, values in samples.items() if len(values)}
    dress(ax, title or _title(known, what))
    scale, unit = unit_for(max((values[-1] for values in known.values()), default=0.0))
    looks = zip(known.items(), cycle(PALETTE[:-1]), cycle(LINES), cycle("osD^vP"), strict=False)
    for (name, values), its_color, line, marker in looks:
        ax.ecdf(
            [value * scale for value in values],
            color=darker(its_color if color(name) == GREY else color(name)),
            linestyle=line,
            linewidth=1.8,
            marker=marker,
            markevery=[_rank(len(values), p) for p in percentiles],
            markeredgecolor=INK,
            label=f"{name}:  {'  '.join(_told(values, percentiles))}",
        )
    for p in percentiles:
        ax.axhline(p / 100, color=GREY, linestyle=":", linewidth=0.8, zorder=0)
    ax.set_yticks([0, *(p / 100 for p in percentiles)])
    ax.set_yticklabels(["0", *(f"{short(p)} %" for p in percentiles)])
    ax.set_ylim(0, 1.04)
    ax.set_xlim(left=0)
    if log and known:  # from where the first curve has left the ground
        ax.set_xscale("log")
        ax.set_xlim(
            scale * min(percentile(values, 1) for values in known.values()) * 0.8,
            scale * max(values[-1] for values in known.values()) * 1.15,
        )
        log_ticks(ax.xaxis)
    told = ", logarithmic scale" if log else ""
    ax.set_xlabel(f"{what} ({unit}){told}", color=INK, fontsize=TEXT)
    ax.set_ylabel(
        f"share of {of}\nwithin this time" if of else "share within this time",
        color=INK,
        fontsize=TEXT,
    )
    if known:
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(0, -0.2),
            borderaxespad=0,
            frameon=False,
            fontsize=SMALL + 1,
            labelcolor=INK,
            handlelength=3.5,
        )


def ecdf_text(
    samples: Mapping[str, Sequence[float]], *, percentiles: Sequence[float] = (50, 99)
) -> str:
    """Number, mean, percentiles and maximum of the samples of each name, as a table."""
    heads = ["", "n", "mean", *(f"p{short(p)}" for p in percentiles), "max"]
    rows = []
    for name, values in samples.items():
        numbers = []
        if len(values):
            numbers = [sum(values) / len(values)]
            numbers += [*(percentile(values, p) for p in percentiles), max(values)]
        rows.append([name, f"{len(values)}", *map(duration, numbers)])
    return table(heads, rows)


def ecdf_alt(
    samples: Mapping[str, Sequence[float]],
    *,
    title: str | None = None,
    what: str = "latency",
    of: str = "",
    percentiles: Sequence[float] = (50, 99),
    log: bool = False,
) -> str:
    """What the curves say, in a sentence or two."""
    known = {name: values for name, values in samples.items() if len(values)}
    told = "; ".join(
        f"{name} {', '.join(_told(values, percentiles))}" for name, values in known.items()
    )
    axis = ", logarithmic time axis" if log else ""
    return (
        f"{title or _title(known, what)}. Curves of the share{f' of {of}' * bool(of)} within each "
        f"{what}{axis}: {told or 'no samples'}."
    )


def percentile(samples: Sequence[float], p: float) -> float:
    """The smallest of the samples that at least p percent of them do not exceed."""
    if not len(samples):
        raise ValueError("no samples, no percentile")
    return sorted(samples)[_rank(len(samples), p) - 1]


def _rank(n: int, p: float) -> int:
    """Which of n sorted samples, counted from 1, is the p-th percentile."""
    return max(1, math.ceil(p / 100 * n))


def _told(values: Sequence[float], percentiles: Sequence[float]) -> list[str]:
    return [f"p{short(p)} {duration(percentile(values, p))}" for p in percentiles]


def _title(samples: Mapping[str, Sequence[float]], what: str) -> str:
    if not samples:
        return "Nothing was measured"
    p99 = {name: percentile(values, 99) for name, values in samples.items()}
    best, worst = min(p99, key=lambda n: p99[n]), max(p99, key=lambda n: p99[n])
    if best == worst:
        return f"{best}: 99 of 100 take at most {duration(p99[best])}"
    return (
        f"{best} has the shortest p99 {what}, {duration(p99[best])}; {worst} the longest, "
        f"{duration(p99[worst])}"
    )


def _height(samples: Mapping[str, Sequence[float]], **_options: Any) -> float:
    return 3.4 + 0.2 * len(samples)


KINDS[ecdf] = Kind("Figure: how long it took.", ecdf_alt, _height)
