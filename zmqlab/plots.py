"""Pictures of what happened: who got how much, who was busy when, how long it took, who told whom.

Each plot draws on Axes that it is given and states what was found in its title. To each belong a
text twin (`shares_text`, …), the same facts as a short table, and an alternative text
(`shares_alt`, …) for whom the picture is not to be seen. `show(shares, counts)` puts one into a
notebook. Times are in seconds.

Figures are dark on an opaque light ground of their own, so that they can be read on any page. A
worker has one colour everywhere, which colour-blind readers can tell from the next one, and its
name beside it. Nothing here changes matplotlib's settings or depends on them.
"""

from __future__ import annotations

import base64
import math
import re
import textwrap
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .envelope import show as show_frames
from .journal import Hop, Journal, Message, SocketNote, Span

PAPER, INK, GREY, PALE = "#ffffff", "#1a1a1a", "#595959", "#e6e6e6"
# Okabe and Ito, "Color Universal Design" (2008), without black; neighbours far apart.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
HATCHES = ("", "//", "..", "xx", "\\\\", "oo")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)))

WIDTH = 7.0  # inches; a cell of JupyterLab shows it in full
DPI = 110
TITLE, TEXT, SMALL = 12, 10, 8  # points


def color(name: str) -> str:
    """The colour of a participant: w1, w2, w3 … have one each, everybody else is grey.

    From w8 on colours come again, with a hatch (`hatch`).
    """
    number = _worker_number(name)
    return GREY if number is None else PALETTE[(number - 1) % len(PALETTE)]


def hatch(name: str) -> str:
    """The hatch that tells w8 from w1, w9 from w2, …; "" for the first seven."""
    number = _worker_number(name)
    return "" if number is None else HATCHES[(number - 1) // len(PALETTE) % len(HATCHES)]


def _worker_number(name: str) -> int | None:
    found = re.fullmatch(r"w(?:orker)?[ _-]?(\d+)", name)
    return max(1, int(found[1])) if found else None


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
    _dress(ax, title or _shares_title(counts, unit))
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
    _rows(ax, counts)
    ax.set_xlim(0, (most or max([1, *counts.values()])) * 1.12)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel(unit, color=INK, fontsize=TEXT)
    if even := _even(counts):
        ax.axvline(even, color=INK, linestyle=":", linewidth=1.6)
        _over(ax, even, f"even share {_short(even)}")


def shares_text(counts: Mapping[str, int], *, unit: str = "tasks") -> str:
    """The counts and what part of the whole they are, as a table."""
    total = sum(counts.values()) or 1
    rows = [[name, f"{n}", f"{n / total:.0%}"] for name, n in counts.items()]
    return _table(["", unit, "share"], rows) + f"\neven share: {_short(_even(counts))}"


def shares_alt(counts: Mapping[str, int], *, title: str | None = None, unit: str = "tasks") -> str:
    """What the bars say, in a sentence or two."""
    told = ", ".join(f"{name} {n}" for name, n in counts.items()) or "nobody"
    return (
        f"{title or _shares_title(counts, unit)}. Bar chart of {unit} per participant: {told}; "
        f"a dotted line marks the even share, {_short(_even(counts))}."
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
    return f"{name} got {part} {unit}; an even share is {_short(even)}"


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
    _dress(ax, title or _busy_title(work, bound))
    until = until or max(work.makespan, bound or 0) or 1.0
    scale, unit = _unit(until)
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
    _rows(ax, work.rows)
    ax.set_xlim(0, until * scale * 1.2)
    ax.set_xlabel(f"time ({unit}); pale: idle", color=INK, fontsize=TEXT)
    done = f"done {_duration(work.makespan)}"
    if work.spans:
        ax.axvline(work.makespan * scale, color=INK, linewidth=1.2)
    if bound is None:
        _over(ax, work.makespan * scale, done if work.spans else "", "left")
        return
    ax.axvline(bound * scale, color=INK, linestyle="--", linewidth=1.6)
    limit = f"lower bound {_duration(bound)}"
    room = until * 1.2 / _inches(ax)[0] * len(limit) * TEXT * 0.6 / 72  # that the words need
    if bound < room and work.makespan < bound + room:  # none between the lines, nor before
        _over(ax, bound * scale, f"{limit}, {done}", "left")
    else:
        _over(ax, bound * scale, limit, "left" if bound < room else "right")
        _over(ax, work.makespan * scale, done, "left")


def busy_text(
    spans: Sequence[Span], *, bound: float | None = None, who: Sequence[str] | None = None
) -> str:
    """How many tasks each worker did, and how much of the time it was busy, as a table."""
    work = _Work(spans, who)
    rows = [
        [name, f"{len(bars)}", _duration(_total(bars)), f"{work.busy(name):.0%}"]
        for name, bars in work.rows.items()
    ]
    end = f"\nall done after {_duration(work.makespan)}"
    if bound is not None:
        end += f"; no schedule takes less than {_duration(bound)}"
    return _table(["", "tasks", "busy", "of the time"], rows) + end


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
    limit = "" if bound is None else f"; a dashed line marks the lower bound, {_duration(bound)}"
    return (
        f"{title or _busy_title(work, bound)}. Time chart of who was busy when, over "
        f"{_duration(work.makespan)}; busy part of the time: {told}{limit}."
    )


class _Work:
    """Spans by worker, with the time at which all began and how long all took."""

    def __init__(self, spans: Iterable[Span], who: Sequence[str] | None) -> None:
        found = list(spans)
        names = sorted({span.who for span in found}, key=_natural) if who is None else who
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
            f"Done after {_duration(work.makespan)}, {work.makespan / bound:.2g} times the lower "
            f"bound of {_duration(bound)}"
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
    others have a grey and a hatch of their own. A number stands in every part that has room.
    """
    parts = _parts(rows)
    _dress(ax, title or _stacked_title(rows, unit))
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
        written = [_short(width) if width > longest / 18 else "" for width in widths]
        for label in ax.bar_label(bars, written, label_type="center", fontsize=SMALL + 1):
            label.set(color=INK, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.2})
        left = [begun + width for begun, width in zip(left, widths, strict=True)]
    _rows(ax, rows)
    ax.set_xlim(0, longest * 1.02)
    ax.set_xlabel(unit, color=INK, fontsize=TEXT)
    _legend_beside(ax)


def stacked_text(rows: Mapping[str, Row], *, unit: str = "tasks") -> str:
    """The parts of each row, as a table."""
    parts = _parts(rows)
    lines = [[name, *(_short(row.get(part, 0)) for part in parts)] for name, row in rows.items()]
    return _table([unit, *parts], lines)


def stacked_alt(rows: Mapping[str, Row], *, title: str | None = None, unit: str = "tasks") -> str:
    """What the bars say, in a sentence or two."""
    told = "; ".join(
        f"{name} " + ", ".join(f"{part} {_short(number)}" for part, number in row.items())
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


def _legend_beside(ax: Axes) -> None:
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        fontsize=TEXT - 1,
        facecolor=PAPER,
        edgecolor=PALE,
        labelcolor=INK,
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
    one shape and colour. `log`: a logarithmic scale, for values that are tens of times another.
    """
    names = _parts(rows)
    _dress(ax, title or _dots_title(rows, unit))
    for row in range(len(rows)):
        ax.axhline(row, color=PALE, linewidth=1.0, zorder=0)
    looks = zip(names, cycle(PALETTE[:-1]), cycle("o^sDvP"), strict=False)
    for name, its_color, marker in looks:
        known = [(row[name], n) for n, row in enumerate(rows.values()) if name in row]
        ax.plot(
            [value for value, _ in known],
            [n for _, n in known],
            linestyle="none",
            marker=marker,
            markersize=8,
            color=its_color,
            markeredgecolor=INK,
            label=name,
        )
    _rows(ax, rows)
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda value, _place: f"{value:g}")
    else:
        ax.set_xlim(left=0)
    ax.set_xlabel(unit + (", logarithmic scale" if log else ""), color=INK, fontsize=TEXT)
    _legend_beside(ax)


def dots_text(rows: Mapping[str, Row], *, unit: str = "") -> str:
    """The values of each row, as a table."""
    return stacked_text(rows, unit=unit)


def dots_alt(
    rows: Mapping[str, Row], *, title: str | None = None, unit: str = "", log: bool = False
) -> str:
    """What the marks say, in a sentence or two."""
    told = "; ".join(
        f"{name} " + ", ".join(f"{mark} {_short(value)}" for mark, value in row.items())
        for name, row in rows.items()
    )
    scale = ", logarithmic scale" if log else ""
    return f"{title or _dots_title(rows, unit)}. Dot chart, {unit}{scale}: {told or 'none'}."


def _dots_title(rows: Mapping[str, Row], unit: str) -> str:
    values = [value for row in rows.values() for value in row.values()]
    return f"From {_short(min(values))} to {_short(max(values))} {unit}" if values else "No values"


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
    _dress(ax, title or _ecdf_title(known, what))
    scale, unit = _unit(max((values[-1] for values in known.values()), default=0.0))
    looks = zip(known.items(), cycle(PALETTE[:-1]), cycle(LINES), cycle("osD^vP"), strict=False)
    for (name, values), its_color, line, marker in looks:
        told = "  ".join(f"p{_short(p)} {_duration(percentile(values, p))}" for p in percentiles)
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
    ax.set_yticklabels(["0", *(f"{_short(p)} %" for p in percentiles)])
    ax.set_ylim(0, 1.02)
    ax.set_xlim(left=0)
    if log and known:  # from where the first curve has left the ground
        ax.set_xscale("log")
        ax.set_xlim(left=scale * min(percentile(values, 1) for values in known.values()) * 0.8)
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
    heads = ["", "n", "mean", *(f"p{_short(p)}" for p in percentiles), "max"]
    rows = []
    for name, values in samples.items():
        numbers = []
        if len(values):
            numbers = [sum(values) / len(values)]
            numbers += [*(percentile(values, p) for p in percentiles), max(values)]
        rows.append([name, f"{len(values)}", *map(_duration, numbers)])
    return _table(heads, rows)


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
        + ", ".join(f"p{_short(p)} {_duration(percentile(values, p))}" for p in percentiles)
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
        return f"{best}: 99 of 100 take at most {_duration(p99[best])}"
    return (
        f"{best} has the shortest p99 {what}, {_duration(p99[best])}; {worst} the longest, "
        f"{_duration(p99[worst])}"
    )


# --- Who told whom ----------------------------------------------------------------------------

ROW = 0.165  # inches of height for a line of frames
FAR = 6  # ends between sending and receipt, from which on the receipt is told too
LONGEST = 14  # bytes shown of a frame
MOST = 40  # messages told in words


def space_time(
    ax: Axes,
    journal: Journal,
    *,
    title: str | None = None,
    who: Sequence[str] | None = None,
    limit: int | None = None,
) -> None:
    """A line for each participant, downwards in the order of time; an arrow for each message.

    Beside the start of an arrow stand the frames that its sender gave, beside its end those that
    the receiver got, where they differ (`@` an address, `∅` the empty frame). The rows are events
    in order, not a scale of time; when each message was sent stands at the left. A message that
    nobody has received ends in a cross; one whose sender was not recorded begins in a ring.

    `who`: the participants from left to right; messages of others are not shown. In a journal of
    one participant each of its sockets is one. `limit`: the most messages to show, from the first
    on; by default as many as these Axes have room for. What is left out is said below.
    """
    width, height = _inches(ax)
    scene = _Scene(journal, who, limit, room=height / ROW)
    _dress(ax, title or scene.title(), pad=8)
    left, right = -0.4, max(0.6, len(scene.who) - 0.6)
    letter = (right - left) / width * SMALL * 0.602 / 72  # the width of one, on the axis
    ax.vlines(range(len(scene.who)), -0.5, scene.height, colors=PALE, linewidth=2.5, zorder=0)
    for arrow in scene.arrows:
        _draw_arrow(ax, arrow)
        for label in arrow.labels:
            text = _cut(label.text, int((right - left) / letter))
            long = len(text) * letter  # as estimated, so from which end it is written matters
            if label.rightwards:
                _write(ax, min(label.lane + 0.05, right - long), label.row, text, "left")
            else:
                _write(ax, max(label.lane - 0.05, left + long), label.row, text, "right")
    if scene.left_out:
        ax.text(left, scene.height, scene.rest(), fontsize=SMALL + 1, color=INK, va="bottom")
    ax.set_xlim(left, right)
    ax.set_ylim(scene.height, -0.5)
    ax.set_yticks([arrow.start[1] for arrow in scene.arrows])
    ax.set_yticklabels([_milliseconds(arrow.time) for arrow in scene.arrows])
    ax.tick_params(axis="y", length=0, labelsize=SMALL + 1)
    ax.annotate(
        "ms" if scene.arrows else "",
        (0, 1),
        xycoords="axes fraction",
        xytext=(-4, 2),
        textcoords="offset points",
        ha="right",
        color=INK,
        fontsize=SMALL + 1,
    )
    _heads(ax, scene, width / (right - left))


def space_time_text(
    journal: Journal,
    *,
    who: Sequence[str] | None = None,
    limit: int = MOST,
    times: bool = True,
) -> str:
    """The messages in words, a line for each end that has something to tell.

    Times are milliseconds since the first message was sent; without them the story of one request
    after another is the same in every run, but for addresses that ZeroMQ made up.
    """
    scene = _Scene(journal, who, limit)
    lines = [
        (f"{_milliseconds(time):>8} ms  " if times else "") + words for time, words in scene.words
    ]
    return "\n".join([*lines, *([scene.rest()] if scene.left_out else [])]) or "No messages."


def space_time_alt(
    journal: Journal,
    *,
    title: str | None = None,
    who: Sequence[str] | None = None,
    limit: int | None = None,
) -> str:
    """What the diagram says, in a sentence or two; what the frames are, its text twin tells."""
    scene = _Scene(journal, who, limit)
    ways = Counter(arrow.way for arrow in scene.arrows)
    told = ", ".join(f"{way} {n}" for way, n in ways.items()) or "none"
    rest = f" {scene.rest()}" if scene.left_out else ""
    return f"{title or scene.title()}. Space-time diagram of the messages: {told}.{rest}"


class _Label(NamedTuple):
    """Frames as they are written beside one end of an arrow."""

    text: str
    lane: float
    row: float
    rightwards: bool


class _Arrow(NamedTuple):
    """One message as it is drawn: from and to (lane, row), and what is written beside it."""

    message: Message
    way: str  # "main → w1"
    time: float  # seconds since the first
    start: tuple[float, float]
    end: tuple[float, float]
    labels: list[_Label]
    color: str


class _Scene:
    """Which messages a space-time diagram shows, where, and in which words."""

    def __init__(
        self,
        journal: Journal,
        who: Sequence[str] | None,
        limit: int | None,
        room: float | None = None,  # rows
    ) -> None:
        messages = journal.messages()
        sockets = list(dict.fromkeys(hop.socket for hop in journal.hops))
        alone = len(journal.who()) == 1
        self._socket_names = _socket_names(sockets) if alone else {}
        ways = [(self._lane(m.sent), self._lane(m.received)) for m in messages]
        self.who = list(who) if who is not None else _columns(ways)
        self.kinds: dict[str, list[str]] = {name: [] for name in self.who}
        for hop in journal.hops:
            kinds = self.kinds.get(self._lane(hop), [])
            if hop.socket.kind not in kinds:
                kinds.append(hop.socket.kind)
        known = {*self.who, ""}
        self.messages = [m for m, way in zip(messages, ways, strict=True) if known.issuperset(way)]
        if limit is None and room is not None:
            limit = _fitting(self.messages, room)
        self.shown = self.messages[:limit]
        self.left_out = self.messages[len(self.shown) :]
        self.start = min(map(_first, self.shown), default=0.0)
        self._lines = _Lines(self.shown)
        self.height = self._lines.height + (1.0 if self.left_out else 0.0)
        self.arrows = [self._arrow(message, n) for n, message in enumerate(self.shown)]
        self.words = self._tell()

    def _lane(self, hop: Hop | None) -> str:
        """Whose line a hop is on; "" for one that was not recorded."""
        if hop is None:
            return ""
        return self._socket_names.get(hop.socket, hop.who)

    def title(self) -> str:
        n, lost = len(self.messages), sum(m.received is None for m in self.messages)
        if not n:
            return "No messages"
        if not lost:
            return f"All {n} messages were received" if n > 1 else "The message was received"
        return f"{lost} of {n} messages {'was' if lost == 1 else 'were'} not received"

    def rest(self) -> str:
        """What was left out, in words."""
        n, lost = len(self.left_out), sum(m.received is None for m in self.left_out)
        end = max(hop.time for message in self.left_out for hop in message if hop is not None)
        more = f"… {n} more {'message' if n == 1 else 'messages'}"
        until = f" until {_milliseconds(end - self.start)} ms left out here"
        return more + until + (f"; {lost} of them not received" if lost else "")

    def _tell(self) -> list[tuple[float, str]]:
        """Each end that has something to tell: when (seconds since the first), and in words."""
        width = max((len(self._way(message)) for message in self.shown), default=0)
        return [
            (moment - self.start, self._say(self.shown[n], arrived, width))
            for moment, arrived, n in self._lines.ends
            if (n, arrived) in self._lines.told
        ]

    def _way(self, message: Message) -> str:
        return f"{self._lane(message.sent) or '?'} → {self._lane(message.received) or '✕'}"

    def _say(self, message: Message, arrived: bool, width: int) -> str:
        hop = message[arrived]
        assert hop is not None
        frames, way = show_frames(hop.frames, hop.socket.kind), self._way(message)
        if not arrived:
            lost = "" if message.received else "  (not received)"
            return f"{way:{width}}  {frames}{lost}"
        if message.sent is None:
            return f"{way:{width}}  {frames}  (its sender was not recorded)"
        return f"{'→ ' + self._lane(hop):>{len(way)}}{'':{width - len(way)}}  {frames}"

    def _arrow(self, message: Message, n: int) -> _Arrow:
        """The arrow between two rows; one that has only one end points from or to nowhere."""
        sent, received = message
        rows = self._lines.rows
        start = end = (0.0, 0.0)
        if sent is not None:
            start = self.who.index(self._lane(sent)), rows[n, False]
        if received is not None:
            end = self.who.index(self._lane(received)), rows[n, True]
        if sent is None:
            start = end[0] - 0.35, end[1] - 0.5
        if received is None:
            end = start[0] + (0.55 if self._rightwards(message) else -0.55), start[1] + 0.5
        rightwards = end[0] >= start[0]
        labels = []
        if sent is not None:
            lost = "" if received else "  not received"
            labels.append(_Label(_short_frames(sent) + lost, start[0], start[1] - 0.5, rightwards))
        if received is not None and (n, True) in self._lines.told:
            labels.append(_Label(_short_frames(received), end[0], end[1] + 0.55, not rightwards))
        ends = (self._lane(sent), self._lane(received))
        worker = next((name for name in ends if _worker_number(name) is not None), "")
        way, time = self._way(message), _first(message) - self.start
        return _Arrow(message, way, time, start, end, labels, _darker(color(worker)))

    def _rightwards(self, lost: Message) -> bool:
        """Towards whom the sender of this message mostly sends."""
        assert lost.sent is not None
        here = self.who.index(self._lane(lost.sent))
        others = [
            self.who.index(self._lane(m.received))
            for m in self.messages
            if m.sent and m.received and m.sent.socket is lost.sent.socket
        ]
        if others:
            return sum(other > here for other in others) * 2 >= len(others)
        return here < len(self.who) - 1


def _first(message: Message) -> float:
    """When the first that is known of a message happened."""
    return message.sent.since if message.sent else message.received.time  # type: ignore[union-attr]


class _Lines:
    """The ends of messages in the order of time: the row of each, and which are told in words.

    An end is (which message, whether it is the receiving one). Each sending is told, a receipt
    where the frames are others or the sending stands far above.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.ends = sorted(
            (hop.time if arrived else hop.since, bool(arrived), n)
            for n, message in enumerate(messages)
            for arrived, hop in enumerate(message)
            if hop is not None
        )
        place = {(n, arrived): place for place, (_, arrived, n) in enumerate(self.ends)}
        self.rows: dict[tuple[int, bool], float] = {}
        self.told: set[tuple[int, bool]] = set()
        row = 0.0
        for _, arrived, n in self.ends:
            sent, received = messages[n]
            if not arrived:
                above, below = 1.05, 0.0 if received else 0.5
            elif sent and sent.frames == received.frames and place[n, True] - place[n, False] < FAR:  # type: ignore[union-attr]
                above, below = 0.5, 0.0
            else:
                above, below = 0.5 if sent else 1.0, 0.9
            self.rows[n, arrived] = row = row + above
            row += below
            if below or not arrived:
                self.told.add((n, arrived))
        self.height = row + 0.8


def _fitting(messages: Sequence[Message], room: float) -> int:
    """How many of the messages have room in so many rows: at least three, if there are so many."""

    def rows(n: int) -> float:
        return _Lines(messages[:n]).height + (1.0 if n < len(messages) else 0.0)

    most = min(len(messages), int(room) + 3)
    if rows(most) <= room:
        return most
    return max(min(3, most), bisect_right(range(most), room, key=rows) - 1)


def _short_frames(hop: Hop) -> str:
    return show_frames(hop.frames, hop.socket.kind, LONGEST)


def _socket_names(sockets: Iterable[SocketNote]) -> dict[SocketNote, str]:
    """A name for each of one participant's sockets: its kind, numbered where there are several."""
    seen: Counter[str] = Counter()
    names = {}
    for socket in sockets:
        seen[socket.kind] += 1
        number = f" {seen[socket.kind]}" if seen[socket.kind] > 1 else ""
        names[socket] = socket.kind + number
    return names


def _columns(ways: Iterable[tuple[str, str]]) -> list[str]:
    """The participants from left to right: clients, those between, workers, those behind.

    Between are the ones who talk with workers; who only gets something from them is behind.
    """
    ways = set(ways)
    names = sorted({name for way in ways for name in way if name}, key=_natural)

    def place(name: str) -> int:
        if re.fullmatch(r"c(?:lient)?[ _-]?\d+", name):
            return 0
        if _worker_number(name) is not None:
            return 3
        to_workers = any(one == name and _worker_number(other) for one, other in ways)
        from_workers = any(other == name and _worker_number(one) for one, other in ways)
        return 2 if to_workers else 4 if from_workers else 1

    return sorted(names, key=place)


def _draw_arrow(ax: Axes, arrow: _Arrow) -> None:
    (x, y), (x_end, y_end) = arrow.start, arrow.end
    look: dict[str, Any] = {"color": arrow.color, "linewidth": 1.4}
    if x == x_end:  # to another socket of the same participant
        ax.plot([x, x + 0.3, x + 0.3], [y, y, y_end], **look)
        x_from, y_from = x + 0.3, y_end
    else:
        x_from, y_from = x, y
    lost = arrow.message.received is None
    ax.annotate(
        "",
        (x_end, y_end),
        (x_from, y_from),
        arrowprops={"arrowstyle": "-" if lost else "-|>", "shrinkA": 0, "shrinkB": 0, **look},
    )
    inside = PAPER if arrow.message.sent is None else arrow.color
    ax.plot(x, y, marker="o", markersize=4, color=arrow.color, markerfacecolor=inside)
    if lost:
        ax.plot(x_end, y_end, marker="X", markersize=9, color=INK)


def _write(ax: Axes, x: float, y: float, text: str, align: str) -> None:
    """Write in letters of one width, on paper that covers the lines behind."""
    ax.text(
        x,
        y,
        text,
        family="monospace",
        fontsize=SMALL,
        color=INK,
        ha=align,
        va="center",
        zorder=4,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5, "alpha": 0.85},
    )


def _heads(ax: Axes, scene: _Scene, inches_apart: float) -> None:
    """The names above the lines, with the kinds of sockets where there is room."""
    wide = inches_apart > 0.9
    heads = [
        f"{name}\n{' '.join(scene.kinds[name])}" if wide and name not in scene.kinds[name] else name
        for name in scene.who
    ]
    ax.xaxis.tick_top()
    ax.set_xticks(range(len(heads)))
    longest = max(map(len, scene.who), default=0) * TEXT * 0.65 / 72
    slanted: dict[str, Any] = {"rotation": 40, "ha": "left"} if longest > inches_apart else {}
    ax.set_xticklabels(heads, color=INK, fontsize=TEXT, **slanted)
    ax.tick_params(axis="x", length=0)
    for side in ("bottom", "left"):
        ax.spines[side].set_visible(False)
    ax.grid(visible=False)


# --- Into the notebook ------------------------------------------------------------------------


class Picture:
    """One figure as a notebook shows it: a PNG, and a constant text where there are no pictures.

    `Picture(shares, counts, title="…")` is what `shares(ax, counts, title="…")` draws; any
    function that draws on Axes will do. nbval compares the text of an output but not its picture,
    so `text` must be the same in each run; by default it names the kind of picture. What the
    picture shows is said by `alt`, which goes into the output's metadata (nbconvert's classic
    template reads it, JupyterLab 4.6 does not: print the text twin where that matters).

    `height` and `width` are inches; by default the height follows from the data.
    """

    def __init__(
        self,
        draw: Callable[..., None],
        *data: Any,
        text: str | None = None,
        alt: str | None = None,
        height: float | None = None,
        width: float = WIDTH,
        **options: Any,
    ) -> None:
        kind = _KINDS.get(draw, _OTHER)
        self.text = text or kind.text
        self.alt = alt or kind.alt(*data, **{k: v for k, v in options.items() if k != kind.scale})
        self.width = width
        self.height = height or kind.height(*data, **options)
        self._panels = [(draw, data, options)]
        self._columns = 1

    def __repr__(self) -> str:
        return self.text

    def figure(self) -> Figure:
        """The picture as a new matplotlib Figure."""
        layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
        figure = Figure((self.width, self.height), DPI, facecolor=PAPER, layout=layout)
        rows = math.ceil(len(self._panels) / self._columns)
        for place, (draw, data, options) in enumerate(self._panels, 1):
            draw(
                figure.add_subplot(rows, self._columns, place),
                *data,
                **self._scale(draw),
                **options,
            )
        return figure

    def _scale(self, draw: Callable[..., None]) -> dict[str, float]:
        """The option that gives all panels of a kind one scale: lengths are to be compared."""
        kind = _KINDS.get(draw, _OTHER)
        alike = [(data, options) for other, data, options in self._panels if other is draw]
        if not kind.scale or len(alike) == 1:
            return {}
        return {kind.scale: max(kind.extent(*data, **options) for data, options in alike)}

    def png(self) -> bytes:
        """The picture as a PNG file."""
        file = BytesIO()
        self.figure().savefig(file, format="png", facecolor=PAPER, transparent=False)
        # 128 colours instead of millions make the file a third as big, and nobody sees it.
        image = Image.open(file).convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE)
        described = PngInfo()
        described.add_itxt("Description", self.alt)
        small = BytesIO()
        image.save(small, "png", optimize=True, pnginfo=described)
        return small.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the picture to a PNG file."""
        Path(path).write_bytes(self.png())

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, str], dict[str, Any]]:
        png = base64.b64encode(self.png()).decode()
        return {"image/png": png, "text/plain": self.text}, {"image/png": {"alt": self.alt}}


def together(*pictures: Picture, columns: int = 2, text: str | None = None) -> Picture:
    """Several pictures as one, row by row; bars and times of one kind get the same scale."""
    whole = copy(pictures[0])
    whole._panels = [panel for picture in pictures for panel in picture._panels]
    whole._columns = columns
    whole.alt = "\n".join(picture.alt for picture in pictures)
    whole.text = text or "\n".join(dict.fromkeys(picture.text for picture in pictures))
    whole.width = WIDTH if columns == 1 else WIDTH + 1.5
    rows = [pictures[n : n + columns] for n in range(0, len(pictures), columns)]
    whole.height = sum(max(picture.height for picture in row) + 0.2 for row in rows)
    return whole


def show(picture: Picture | Callable[..., None], *data: Any, **options: Any) -> None:
    """Show a picture in the notebook; `show(shares, counts, …)` makes it first.

    The options are those of `Picture` and of the drawing function.
    """
    if not isinstance(picture, Picture):
        picture = Picture(picture, *data, **options)
    display(picture)


class _Kind(NamedTuple):
    """What a Picture needs to know about a drawing function."""

    text: str
    alt: Callable[..., str]
    height: Callable[..., float]  # inches
    scale: str = ""  # the option that says for how much the axis has room
    extent: Callable[..., float] = max  # and how much it needs


def _alt_of_any(*_data: Any, title: str = "", **_options: Any) -> str:
    return title


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


def _space_time_height(
    journal: Journal, *, who: Sequence[str] | None = None, limit: int | None = None, **_options: Any
) -> float:
    return min(12.0, 1.2 + ROW * _Scene(journal, who, limit).height)


_KINDS: dict[Callable[..., None], _Kind] = {
    shares: _Kind(
        "Figure: share per participant.", shares_alt, _shares_height, "most", _shares_extent
    ),
    busy: _Kind("Figure: who was busy when.", busy_alt, _busy_height, "until", _busy_extent),
    stacked: _Kind(
        "Figure: what each whole was made of.",
        stacked_alt,
        lambda rows, **_options: 1.35 + (0.36 if len(rows) < 6 else 0.22) * len(rows),
    ),
    dots: _Kind(
        "Figure: where on the scale.",
        dots_alt,
        lambda rows, **_options: 1.35 + (0.36 if len(rows) < 6 else 0.26) * len(rows),
    ),
    ecdf: _Kind("Figure: how long it took.", ecdf_alt, _ecdf_height),
    space_time: _Kind("Figure: who told whom.", space_time_alt, _space_time_height),
}
_OTHER = _Kind("Figure.", _alt_of_any, lambda *_data, **_options: 3.5)


# --- The look that all have in common ---------------------------------------------------------


def _dress(ax: Axes, title: str, pad: float = 20) -> None:
    """Dark on light whatever matplotlib's settings are, with the finding above."""
    if figure := ax.get_figure():
        figure.set_facecolor(PAPER)
    ax.set_facecolor(PAPER)
    whole = re.sub(r"(\d) (ms|s|µs)\b", "\\1\N{NO-BREAK SPACE}\\2", title)
    letters = max(20, int(_inches(ax)[0] * 72 / (TITLE * 0.57)))
    ax.set_title(
        textwrap.fill(whole, letters),
        loc="left",
        color=INK,
        fontsize=TITLE,
        fontweight="bold",
        pad=pad,
    )
    ax.tick_params(colors=INK, labelsize=TEXT)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("bottom", "left"))
        spine.set_color(GREY)
    ax.grid(visible=False)


def _rows(ax: Axes, names: Iterable[str]) -> None:
    """A row for each name, the first on top."""
    names = list(names)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(max(1, len(names)) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


def _over(ax: Axes, x: float, text: str, align: str = "center") -> None:
    """Write above the axes what a vertical line means."""
    ax.annotate(
        text,
        (x, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha=align,
        color=INK,
        fontsize=TEXT,
    )


def _inches(ax: Axes) -> tuple[float, float]:
    """Width and height that these Axes will have when names and title have got their room."""
    figure, place = ax.get_figure(), ax.get_subplotspec()
    if figure is None or place is None:
        extent = ax.get_window_extent()
        return extent.width / DPI, extent.height / DPI
    rows, columns = place.get_gridspec().get_geometry()
    width, height = figure.bbox.width / figure.dpi, figure.bbox.height / figure.dpi
    return width / columns - 0.9, height / rows - 1.1


def _darker(colour: str) -> str:
    """The same colour with a third of its light taken away, for lines on light paper."""
    return "#" + "".join(f"{int(colour[n : n + 2], 16) * 2 // 3:02x}" for n in (1, 3, 5))


def _unit(longest: float) -> tuple[float, str]:
    """The factor from seconds to a readable unit, and its name."""
    return (
        (1.0, "s")
        if longest >= 1 or not longest
        else (1e3, "ms")
        if longest >= 1e-3
        else (1e6, "µs")
    )


def _duration(seconds: float) -> str:
    scale, unit = _unit(seconds)
    return f"{_short(seconds * scale)} {unit}"


def _short(number: float) -> str:
    """A number with at most three digits that matter."""
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.1f}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts w10 behind w9."""
    parts = re.split(r"(\d+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of one width each: the first aligned left, the others right."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[n]) for line in lines if n < len(line)) for n in range(len(heads))]
    return "\n".join(
        "  ".join(
            f"{cell:>{width}}" if n else f"{cell:<{width}}"
            for n, (cell, width) in enumerate(zip(line, widths, strict=False))
        ).rstrip()
        for line in lines
    )
