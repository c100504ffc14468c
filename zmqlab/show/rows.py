"""Rows of named numbers: bars made of their parts (`stacked`), marks on a scale (`dots`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes

from .look import (
    GREY,
    INK,
    PALE,
    PAPER,
    SMALL,
    TEXT,
    color,
    dress,
    hatch,
    legend,
    log_ticks,
    name_rows,
    short,
    table,
)
from .picture import KINDS, Kind

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
    for part, (face, its_hatch) in zip(parts, _looks(parts), strict=True):
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
    for place, row in enumerate(rows.values()):  # a bar without room for any number
        if 0 < left[place] <= longest / 14:
            told = " + ".join(short(number) for number in row.values() if number)
            ax.text(
                left[place] + longest / 90, place, told, va="center", color=INK, fontsize=SMALL + 1
            )
    name_rows(ax, rows)
    ax.set_xlim(0, longest * 1.02)
    ax.set_xlabel(unit, color=INK, fontsize=TEXT)
    legend(ax, parts)


def stacked_text(rows: Mapping[str, Row], *, unit: str = "tasks") -> str:
    """The parts of each row, as a table."""
    parts = _parts(rows)
    lines = [[name, *(short(row.get(part, 0)) for part in parts)] for name, row in rows.items()]
    return table([unit, *parts], lines)


def stacked_alt(rows: Mapping[str, Row], *, title: str | None = None, unit: str = "tasks") -> str:
    """What the bars say, in a sentence or two."""
    return f"{title or _stacked_title(rows, unit)}. Stacked bars of {unit}: {_told(rows)}."


def _stacked_title(rows: Mapping[str, Row], unit: str) -> str:
    alone = sum(1 for row in rows.values() if sum(1 for n in row.values() if n) == 1)
    even = sum(1 for row in rows.values() if max(row.values()) - min(row.values()) <= 1)
    return f"Of {len(rows)}, {alone} have all {unit} in one part, {even} have even parts"


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
    marks = _parts(rows)
    dress(ax, title or _dots_title(rows, unit), pad=24, names=rows)
    for row in range(len(rows)):
        ax.axhline(row, color=PALE, linewidth=1.0, zorder=0)
    looks = zip(marks, _looks(marks), cycle("os^DvP"), strict=False)
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
            clip_on=False,  # a mark at 0 is whole
            label=name,
        )
    name_rows(ax, rows)
    ax.tick_params(axis="y", pad=8)  # room for half a mark
    if log:
        ax.set_xscale("log")
        log_ticks(ax.xaxis)
    else:
        ax.set_xlim(left=0)
    ax.set_xlabel(unit + (", logarithmic scale" if log else ""), color=INK, fontsize=TEXT)
    legend(ax, marks)


def dots_text(rows: Mapping[str, Row], *, unit: str = "") -> str:
    """The values of each row, as a table; a dash where there is none."""
    marks = _parts(rows)
    lines = [
        [name, *(short(row[mark]) if mark in row else "–" for mark in marks)]
        for name, row in rows.items()
    ]
    return table([unit, *marks], lines)


def dots_alt(
    rows: Mapping[str, Row], *, title: str | None = None, unit: str = "", log: bool = False
) -> str:
    """What the marks say, in a sentence or two."""
    scale = ", logarithmic scale" if log else ""
    return f"{title or _dots_title(rows, unit)}. Dot chart, {unit}{scale}: {_told(rows)}."


def _dots_title(rows: Mapping[str, Row], unit: str) -> str:
    values = [value for row in rows.values() for value in row.values()]
    return f"From {short(min(values))} to {short(max(values))} {unit}" if values else "No values"


def _parts(rows: Mapping[str, Row]) -> list[str]:
    return list(dict.fromkeys(part for row in rows.values() for part in row))


def _looks(parts: Sequence[str]) -> list[tuple[str, str]]:
    """A colour and a hatch for each part: a worker's own, else the next grey."""
    greys = cycle([(GREY, ""), (PALE, "///"), (PAPER, "xx"), ("#a6a6a6", "..")])
    return [next(greys) if color(part) == GREY else (color(part), hatch(part)) for part in parts]


def _told(rows: Mapping[str, Row]) -> str:
    return (
        "; ".join(
            f"{name} " + ", ".join(f"{part} {short(number)}" for part, number in row.items())
            for name, row in rows.items()
        )
        or "none"
    )


def _stacked_height(rows: Mapping[str, Row], **_options: Any) -> float:
    return 1.35 + (0.36 if len(rows) < 6 else 0.22) * len(rows)


def _dots_height(rows: Mapping[str, Row], **_options: Any) -> float:
    return 1.35 + (0.36 if len(rows) < 6 else 0.26) * len(rows)


KINDS[stacked] = Kind("Figure: what each whole was made of.", stacked_alt, _stacked_height)
KINDS[dots] = Kind("Figure: where on the scale.", dots_alt, _dots_height)
