"""Pictures of what happened: who got how much, who was busy when, how long it took, who told whom.

Each plot draws on Axes that it is given and states what was found in its title. To each belong a
text twin (`shares_text`, …), the same facts as a short table, and an alternative text
(`shares_alt`, …) for whom the picture is not to be seen. `show(shares, counts)` puts one into a
notebook. Times are in seconds.

All that a lesson needs for its pictures is to be had here: how they look is in `look`, how a
notebook shows them in `picture`, the diagram of messages in `spacetime`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from zmqlab.span import Span

from .look import (
    GREY,
    INK,
    LINES,
    PALE,
    PALETTE,
    PAPER,
    SMALL,
    TEXT,
    color,
    dress,
    duration,
    hatch,
    inches,
    name_rows,
    natural,
    over,
    short,
    table,
    unit_for,
)
from .picture import KINDS, Kind, Picture, show, together
from .spacetime import space_time, space_time_alt, space_time_text

__all__ = [
    "Picture",
    "busy",
    "busy_alt",
    "busy_text",
    "color",
    "dots",
    "dots_alt",
    "dots_text",
    "ecdf",
    "ecdf_alt",
    "ecdf_text",
    "hatch",
    "percentile",
    "shares",
    "shares_alt",
    "shares_text",
    "show",
    "space_time",
    "space_time_alt",
    "space_time_text",
    "stacked",
    "stacked_alt",
    "stacked_text",
    "together",
]

# --- Share per worker -------------------------------------------------------------------------


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
    dress(ax, title or _shares_title(counts, unit))
    rows = range(len(counts))
    bars = ax.barh(
        rows,
        list(counts.values()),
        color=[color(name) for name in counts],
        hatch=[hatch(name) for name in counts],
        edgecolor=INK,
        linewidth=0.8,
        height=0.7,
    )
    paper = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}  # over the line, where they meet
    ax.bar_label(bars, padding=5, color=INK, fontsize=TEXT, bbox=paper, zorder=4)
    name_rows(ax, counts)
    ax.set_xlim(0, (most or max([1, *counts.values()])) * 1.12)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel(unit, color=INK, fontsize=TEXT)
    if even := _even(counts):
        ax.axvline(even, color=INK, linestyle=":", linewidth=1.6)
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
        f"{title or _shares_title(counts, unit)}. Bar chart of {unit} per participant: {told}; "
        f"a dotted line marks the even share, {short(_even(counts))}."
    )


def _shares_title(counts: Mapping[str, int], unit: str) -> str:
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


# --- Who was busy when ------------------------------------------------------------------------


def busy(
    ax: Axes,
    spans: Sequence[Span],
    *,
    bound: float | None = None,
    title: str | None = None,
    who: Sequence[str] | None = None,
    until: float | None = None,
) -> None:
    """A row for each worker: colour where it was busy, pale where it was idle.

    Time counts from the beginning of the first span. `bound`: the makespan that no schedule can
    beat (`theory.makespan_bound`), marked by a dashed line. `who`: the rows, from the top, those
    of workers without a span included; by default all that have one, in order of their names.
    `until`: the time for which the axis has room, to compare pictures; by default the makespan.
    """
    work = _Work(spans, who)
    dress(ax, title or _busy_title(work, bound))
    until = until or max(work.makespan, bound or 0) or 1.0
    scale, unit = unit_for(until)
    for row, (name, bars) in enumerate(work.rows.items()):
        # Room for a line between one task and the next?
        gaps = _total(bars) > 0.01 * until * len(bars)
        ax.broken_barh(
            [(0, work.makespan * scale)], (row - 0.35, 0.7), facecolor=PALE, edgecolor="none"
        )
        ax.broken_barh(
            [
                ((start - work.start) * scale, (end - start) * scale)
                for start, end in (bars if gaps else _without_seams(bars, until / 2000))
            ],
            (row - 0.35, 0.7),
            facecolor=color(name),
            edgecolor=PAPER if gaps else "none",
            linewidth=0.8,
            snap=False,  # to whole pixels: it would draw some gaps and not others
        )
        ax.annotate(
            f"{work.busy(name):.0%} busy",
            (1, row),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="center",
            color=INK,
            fontsize=TEXT,
        )
    name_rows(ax, work.rows)
    ax.set_xlim(0, until * scale * 1.2)
    ax.set_xlabel(f"time ({unit}); pale: idle", color=INK, fontsize=TEXT)
    done = f"done {duration(work.makespan)}"
    if work.spans:
        ax.axvline(work.makespan * scale, color=INK, linewidth=1.2)
    if bound is None:
        over(ax, work.makespan * scale, done if work.spans else "", "left")
        return
    ax.axvline(bound * scale, color=INK, linestyle="--", linewidth=1.6)
    limit = f"lower bound {duration(bound)}"
    room = until * 1.2 / inches(ax)[0] * len(limit) * TEXT * 0.6 / 72  # that the words need
    if bound < room and work.makespan < bound + room:  # none between the lines, nor before
        over(ax, bound * scale, f"{limit}, {done}", "left")
    else:
        over(ax, bound * scale, limit, "left" if bound < room else "right")
        over(ax, work.makespan * scale, done, "left")


def busy_text(
    spans: Sequence[Span], *, bound: float | None = None, who: Sequence[str] | None = None
) -> str:
    """How many tasks each worker did, and how much of the time it was busy, as a table."""
    work = _Work(spans, who)
    rows = [
        [name, f"{len(bars)}", duration(_total(bars)), f"{work.busy(name):.0%}"]
        for name, bars in work.rows.items()
    ]
    end = f"\nall done after {duration(work.makespan)}"
    if bound is not None:
        end += f"; no schedule takes less than {duration(bound)}"
    return table(["", "tasks", "busy", "of the time"], rows) + end


def busy_alt(
    spans: Sequence[Span],
    *,
    bound: float | None = None,
    title: str | None = None,
    who: Sequence[str] | None = None,
) -> str:
    """What the rows say, in a sentence or two."""
    work = _Work(spans, who)
    told = ", ".join(f"{name} {work.busy(name):.0%}" for name in work.rows) or "nobody"
    limit = "" if bound is None else f"; a dashed line marks the lower bound, {duration(bound)}"
    return (
        f"{title or _busy_title(work, bound)}. Time chart of who was busy when, over "
        f"{duration(work.makespan)}; busy part of the time: {told}{limit}."
    )


class _Work:
    """Spans by worker, with the time at which all began and how long all took."""

    def __init__(self, spans: Iterable[Span], who: Sequence[str] | None) -> None:
        found = list(spans)
        names = sorted({span.who for span in found}, key=natural) if who is None else who
        self.spans = [span for span in found if span.who in names]
        self.rows = {
            name: [(span.start, span.end) for span in found if span.who == name] for name in names
        }
        self.start = min((span.start for span in self.spans), default=0.0)
        self.makespan = max((span.end for span in self.spans), default=0.0) - self.start

    def busy(self, name: str) -> float:
        """The part of the makespan in which this worker was busy, 0 to 1."""
        return _total(self.rows[name]) / self.makespan if self.makespan else 0.0


def _busy_title(work: _Work, bound: float | None) -> str:
    if not work.spans:
        return "Nobody was busy"
    if bound:
        return (
            f"Done after {duration(work.makespan)}, {work.makespan / bound:.2g} times the lower "
            f"bound of {duration(bound)}"
        )
    parts = {name: work.busy(name) for name in work.rows}
    most, least = max(parts, key=lambda n: parts[n]), min(parts, key=lambda n: parts[n])
    if parts[most] - parts[least] < 0.1:
        return f"All {len(parts)} were busy at least {parts[least]:.0%} of the time"
    return f"{most} was busy {parts[most]:.0%} of the time, {least} only {parts[least]:.0%}"


def _without_seams(bars: Sequence[tuple[float, float]], gap: float) -> list[tuple[float, float]]:
    """The bars, but one where the next follows so soon that the gap is no tenth of them.

    Hundreds of bars narrower than a pixel would be drawn paler than one of the same length.
    """
    joined: list[tuple[float, float]] = []
    for start, end in sorted(bars):
        if joined and start - joined[-1][1] <= min(gap, (end - start) / 10):
            start = joined.pop()[0]
        joined.append((start, end))
    return joined


def _total(bars: Iterable[tuple[float, float]]) -> float:
    return sum(end - start for start, end in bars)


# --- What a whole was made of -----------------------------------------------------------------

Row = Mapping[str, float]


def stacked(
    ax: Axes, rows: Mapping[str, Row], *, title: str | None = None, unit: str = "tasks"
) -> None:
    """One bar for each row, the first on top, made of its parts in their order.

    `stacked(ax, {"run 1": {"w1": 100, "w2": 0}, …})`. A part that is a worker has its colour; the
    others have a grey and a hatch of their own. In every part that has room stands its number,
    and whose it is.
    """
    parts = _parts(rows)
    dress(ax, title or _stacked_title(rows, unit), pad=24, names=rows)
    longest = max((sum(row.values()) for row in rows.values()), default=0) or 1
    left = [0.0] * len(rows)
    for part, (face, its_hatch) in zip(parts, _part_looks(parts), strict=True):
        widths = [row.get(part, 0) for row in rows.values()]
        bars = ax.barh(
            range(len(rows)),
            widths,
            left=left,
            color=face,
            hatch=its_hatch,
            edgecolor=INK,
            linewidth=0.8,
            height=0.75,
            label=part,
        )
        whose = "" if color(part) == GREY else f"{part}: "
        written = [whose + short(width) if width > longest / 14 else "" for width in widths]
        for label in ax.bar_label(bars, written, label_type="center", fontsize=SMALL + 1):
            label.set(color=INK, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.2})
        left = [begun + width for begun, width in zip(left, widths, strict=True)]
    name_rows(ax, rows)
    ax.set_xlim(0, longest * 1.02)
    ax.set_xlabel(unit, color=INK, fontsize=TEXT)
    _legend_above(ax, parts)


def stacked_text(rows: Mapping[str, Row], *, unit: str = "tasks") -> str:
    """The parts of each row, as a table."""
    parts = _parts(rows)
    lines = [[name, *(short(row.get(part, 0)) for part in parts)] for name, row in rows.items()]
    return table([unit, *parts], lines)


def stacked_alt(rows: Mapping[str, Row], *, title: str | None = None, unit: str = "tasks") -> str:
    """What the bars say, in a sentence or two."""
    told = "; ".join(
        f"{name} " + ", ".join(f"{part} {short(number)}" for part, number in row.items())
        for name, row in rows.items()
    )
    return f"{title or _stacked_title(rows, unit)}. Stacked bars of {unit}: {told or 'none'}."


def _stacked_title(rows: Mapping[str, Row], unit: str) -> str:
    alone = sum(1 for row in rows.values() if sum(1 for n in row.values() if n) == 1)
    even = sum(1 for row in rows.values() if max(row.values()) - min(row.values()) <= 1)
    return f"Of {len(rows)}, {alone} have all {unit} in one part, {even} have even parts"


def _parts(rows: Mapping[str, Row]) -> list[str]:
    return list(dict.fromkeys(part for row in rows.values() for part in row))


def _part_looks(parts: Sequence[str]) -> list[tuple[str, str]]:
    """A colour and a hatch for each part: a worker's own, else the next grey."""
    greys = cycle([(GREY, ""), (PALE, "///"), (PAPER, "xx"), ("#a6a6a6", "..")])
    return [next(greys) if color(part) == GREY else (color(part), hatch(part)) for part in parts]


def _legend_above(ax: Axes, names: Sequence[str]) -> None:
    """What the parts or marks are called, in one line between title and picture."""
    if not names:
        return
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(names),
        fontsize=TEXT,
        frameon=False,
        labelcolor=INK,
        borderaxespad=0.1,
        borderpad=0.1,
        handletextpad=0.5,
        columnspacing=1.6,
    )


# --- Where on a scale -------------------------------------------------------------------------


def dots(
    ax: Axes,
    rows: Mapping[str, Row],
    *,
    title: str | None = None,
    unit: str = "",
    log: bool = False,
) -> None:
    """One line for each row, the first on top, with a mark for each of its values.

    `dots(ax, {"tcp": {"HWM 1": 4000, "HWM 10": 4500}, …}, unit="tasks")`. Marks of one name have
    one shape and colour: a worker its own, others a grey. Later marks are smaller, so that equal
    values hide none. `log`: a logarithmic scale, for values that are tens of times another.
    """
    names = _parts(rows)
    dress(ax, title or _dots_title(rows, unit), pad=24, names=rows)
    for row in range(len(rows)):
        ax.axhline(row, color=PALE, linewidth=1.0, zorder=0)
    looks = zip(names, _part_looks(names), cycle("os^DvP"), strict=False)
    for place, (name, (face, _hatch), marker) in enumerate(looks):
        known = [(row[name], n) for n, row in enumerate(rows.values()) if name in row]
        ax.plot(
            [value for value, _ in known],
            [n for _, n in known],
            linestyle="none",
            marker=marker,
            markersize=max(5, 11 - 2.5 * place),
            color=face,
            markeredgecolor=INK,
            label=name,
        )
    name_rows(ax, rows)
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _place: f"{value:g}")
    else:
        ax.set_xlim(left=0)
    ax.set_xlabel(unit + (", logarithmic scale" if log else ""), color=INK, fontsize=TEXT)
    _legend_above(ax, names)


def dots_text(rows: Mapping[str, Row], *, unit: str = "") -> str:
    """The values of each row, as a table; a dash where there is none."""
    names = _parts(rows)
    lines = [
        [name, *(short(row[mark]) if mark in row else "–" for mark in names)]
        for name, row in rows.items()
    ]
    return table([unit, *names], lines)


def dots_alt(
    rows: Mapping[str, Row], *, title: str | None = None, unit: str = "", log: bool = False
) -> str:
    """What the marks say, in a sentence or two."""
    told = "; ".join(
        f"{name} " + ", ".join(f"{mark} {short(value)}" for mark, value in row.items())
        for name, row in rows.items()
    )
    scale = ", logarithmic scale" if log else ""
    return f"{title or _dots_title(rows, unit)}. Dot chart, {unit}{scale}: {told or 'none'}."


def _dots_title(rows: Mapping[str, Row], unit: str) -> str:
    values = [value for row in rows.values() for value in row.values()]
    return f"From {short(min(values))} to {short(max(values))} {unit}" if values else "No values"


# --- How long it took -------------------------------------------------------------------------


def ecdf(
    ax: Axes,
    samples: Mapping[str, Sequence[float]],
    *,
    title: str | None = None,
    what: str = "latency",
    percentiles: Sequence[float] = (50, 99),
    log: bool = False,
) -> None:
    """For each name: the part of its samples (seconds) that is at most so long.

    A marker stands where a percentile is reached, its value in the legend. `log`: a logarithmic
    time axis, for tails that are tens of times the median; else it begins at zero.
    """
    known = {name: sorted(values) for name, values in samples.items() if len(values)}
    dress(ax, title or _ecdf_title(known, what))
    scale, unit = unit_for(max((values[-1] for values in known.values()), default=0.0))
    looks = zip(known.items(), cycle(PALETTE[:-1]), cycle(LINES), cycle("osD^vP"), strict=False)
    for (name, values), its_color, line, marker in looks:
        told = "  ".join(f"p{short(p)} {duration(percentile(values, p))}" for p in percentiles)
        ax.ecdf(
            [value * scale for value in values],
            color=its_color if color(name) == GREY else color(name),
            linestyle=line,
            linewidth=1.8,
            marker=marker,
            markevery=[_rank(len(values), p) for p in percentiles],
            markeredgecolor=INK,
            label=f"{name}:  {told}",
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
        ax.xaxis.set_major_formatter("{x:g}")
    ax.set_xlabel(f"{what} ({unit})", color=INK, fontsize=TEXT)
    ax.set_ylabel("part at most so long", color=INK, fontsize=TEXT)
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
    percentiles: Sequence[float] = (50, 99),
    log: bool = False,
) -> str:
    """What the curves say, in a sentence or two."""
    known = {name: values for name, values in samples.items() if len(values)}
    told = "; ".join(
        f"{name} "
        + ", ".join(f"p{short(p)} {duration(percentile(values, p))}" for p in percentiles)
        for name, values in known.items()
    )
    axis = ", logarithmic time axis" if log else ""
    return (
        f"{title or _ecdf_title(known, what)}. Cumulative distribution of {what}{axis}: "
        f"{told or 'no samples'}."
    )


def percentile(samples: Sequence[float], p: float) -> float:
    """The smallest of the samples that at least p percent of them do not exceed."""
    if not len(samples):
        raise ValueError("no samples, no percentile")
    return sorted(samples)[_rank(len(samples), p) - 1]


def _rank(n: int, p: float) -> int:
    """Which of n sorted samples, counted from 1, is the p-th percentile."""
    return max(1, math.ceil(p / 100 * n))


def _ecdf_title(samples: Mapping[str, Sequence[float]], what: str) -> str:
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


# --- What a Picture needs to know of them -----------------------------------------------------


def _shares_height(counts: Mapping[str, int], **_options: Any) -> float:
    return 1.35 + 0.36 * len(counts)


def _shares_extent(counts: Mapping[str, int], **_options: Any) -> float:
    return max([1, *counts.values()])


def _busy_height(
    spans: Sequence[Span], *, who: Sequence[str] | None = None, **_options: Any
) -> float:
    return 1.45 + 0.4 * len(_Work(spans, who).rows)


def _busy_extent(
    spans: Sequence[Span],
    *,
    who: Sequence[str] | None = None,
    bound: float | None = None,
    **_options: Any,
) -> float:
    return max(_Work(spans, who).makespan, bound or 0)


def _ecdf_height(samples: Mapping[str, Sequence[float]], **_options: Any) -> float:
    return 3.4 + 0.2 * len(samples)


KINDS |= {
    shares: Kind(
        "Figure: share per participant.", shares_alt, _shares_height, "most", _shares_extent
    ),
    busy: Kind("Figure: who was busy when.", busy_alt, _busy_height, "until", _busy_extent),
    stacked: Kind(
        "Figure: what each whole was made of.",
        stacked_alt,
        lambda rows, **_options: 1.35 + (0.36 if len(rows) < 6 else 0.22) * len(rows),
    ),
    dots: Kind(
        "Figure: where on the scale.",
        dots_alt,
        lambda rows, **_options: 1.35 + (0.36 if len(rows) < 6 else 0.26) * len(rows),
    ),
    ecdf: Kind("Figure: how long it took.", ecdf_alt, _ecdf_height),
}
