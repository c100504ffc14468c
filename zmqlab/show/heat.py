"""A table of numbers in which the large ones stand out, and so do the cells that stay empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .look import GREY, INK, PALE, PALETTE, PAPER, TEXT, dress, name_rows, short, table
from .picture import KINDS, Kind

FAINT, FULL = 0.2, 0.75  # of the colour; with more, words would not stand out in a dark theme

Cells = Mapping[str, Mapping[str, float | None]]


def heat(
    ax: Axes, rows: Cells, *, title: str | None = None, unit: str = "s", none: str = "never"
) -> None:
    """A cell for each number of each row, the larger, the fuller.

    `heat(ax, {"by sight": {"slow": 0.5, "dead": None}, …})`. Where the number is None the cell is
    hatched and says `none`; where a row has none of that name, it is left out.
    """
    columns = _columns(rows)
    dress(ax, title or _title(rows, none), pad=26, names=rows)
    largest = max(_numbers(rows), default=0) or 1
    for row, numbers in enumerate(rows.values()):
        for column, name in enumerate(columns):
            if name not in numbers:
                continue
            number = numbers[name]
            ax.add_patch(
                Rectangle(
                    (column - 0.48, row - 0.45),
                    0.96,
                    0.9,
                    facecolor=PALE if number is None else PALETTE[1],
                    alpha=None if number is None else FAINT + (FULL - FAINT) * number / largest,
                    hatch="///" if number is None else "",
                    edgecolor=PAPER,
                    linewidth=0,
                )
            )
            said = none if number is None else f"{short(number)} {unit}".strip()
            ax.text(column, row, said, ha="center", va="center", color=INK, fontsize=TEXT)
    name_rows(ax, rows)
    ax.set_xticks(range(len(columns)), columns)
    ax.xaxis.tick_top()
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, max(1, len(columns)) - 0.5)
    for spine in ax.spines.values():
        spine.set_visible(False)
        spine.set_color(GREY)


def heat_text(rows: Cells, *, unit: str = "s", none: str = "never") -> str:
    """The numbers as a table; a dash where a row has none of that name."""
    columns = _columns(rows)
    lines = [
        [name, *(_said(numbers, column, none) for column in columns)]
        for name, numbers in rows.items()
    ]
    return table([unit, *columns], lines)


def heat_alt(rows: Cells, *, title: str | None = None, unit: str = "s", none: str = "never") -> str:
    """What the cells say, in a sentence or two."""
    told = "; ".join(
        f"{name}: " + ", ".join(f"{column} {_said(numbers, column, none)}" for column in numbers)
        for name, numbers in rows.items()
    )
    return f"{title or _title(rows, none)}. Heat map, {unit}: {told or 'no cells'}."


def _said(numbers: Mapping[str, float | None], column: str, none: str) -> str:
    number = numbers.get(column)
    return short(number) if number is not None else none if column in numbers else "–"


def _columns(rows: Cells) -> list[str]:
    return list(dict.fromkeys(column for row in rows.values() for column in row))


def _numbers(rows: Cells) -> list[float]:
    return [number for row in rows.values() for number in row.values() if number is not None]


def _title(rows: Cells, none: str) -> str:
    cells = sum(len(row) for row in rows.values())
    return f"{cells - len(_numbers(rows))} of {cells} cells: {none}"


def _height(rows: Cells, **_options: Any) -> float:
    return 1.2 + 0.42 * max(1, len(rows))


KINDS[heat] = Kind("Figure: a cell for each pair.", heat_alt, _height)
