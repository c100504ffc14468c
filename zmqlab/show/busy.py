"""Who was busy when: a row of time for each worker, coloured where it worked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from zmqlab.span import Span

from .look import (
    INK,
    PALE,
    PAPER,
    TEXT,
    color,
    darker,
    dress,
    duration,
    inches,
    name_rows,
    natural,
    over,
    table,
    unit_for,
)
from .picture import KINDS, Kind


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
    dress(ax, title or _title(work, bound), names=work.rows)
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
            facecolor=darker(color(name)),
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
    line = ax.axvline(bound * scale, color=INK, linestyle="--", linewidth=1.6)
    line.set_path_effects([withStroke(linewidth=3.2, foreground=PAPER)])  # over dark bars
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
        f"{title or _title(work, bound)}. Time chart of who was busy when, over "
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


def _title(work: _Work, bound: float | None) -> str:
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


def _height(spans: Sequence[Span], *, who: Sequence[str] | None = None, **_options: Any) -> float:
    return 1.45 + 0.4 * len(_Work(spans, who).rows)


def _extent(
    spans: Sequence[Span],
    *,
    who: Sequence[str] | None = None,
    bound: float | None = None,
    **_options: Any,
) -> float:
    return max(_Work(spans, who).makespan, bound or 0)


KINDS[busy] = Kind("Figure: who was busy when.", busy_alt, _height, "until", _extent)
