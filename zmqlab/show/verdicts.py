"""A table of verdicts: which rule was kept by whom, broken, or could not be decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .look import INK, PALE, PALETTE, PAPER, TEXT, dress, name_rows, table
from .picture import KINDS, Kind

MARKS = {"passed": "✓", "failed": "✗", "undecided": "?"}
# What is failed is fuller: it has to be found at once, without colours, too.
FACES = {"passed": (PALETTE[2], 0.25), "failed": (PALETTE[5], 0.75), "undecided": (PALE, 1.0)}

Columns = Mapping[str, Mapping[str, str]]


def verdicts(ax: Axes, columns: Columns, *, title: str | None = None) -> None:
    """A column for each subject, a row for each rule, and the verdict where they meet.

    `verdicts(ax, {"right": {"rule 1": "passed", …}, …})`; verdicts are "passed", "failed" and
    "undecided". A rule that a subject has no verdict of is left out there.
    """
    rows = _rows(columns)
    dress(ax, title or _title(columns), pad=26, names=rows)
    for column, found in enumerate(columns.values()):
        for row, rule in enumerate(rows):
            if rule not in found:
                continue
            face, alpha = FACES[found[rule]]
            place = (column - 0.48, row - 0.45)
            ax.add_patch(
                Rectangle(
                    place, 0.96, 0.9, facecolor=face, alpha=alpha, edgecolor=PAPER, linewidth=0
                )
            )
            ax.text(
                column,
                row,
                MARKS[found[rule]],
                ha="center",
                va="center",
                color=INK,
                fontsize=TEXT + 1,
            )
    name_rows(ax, rows)
    ax.set_xticks(range(len(columns)), list(columns))
    ax.xaxis.tick_top()
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, max(1, len(columns)) - 0.5)
    for spine in ax.spines.values():
        spine.set_visible(False)


def verdicts_text(columns: Columns) -> str:
    """The verdicts as a table; nothing where there is none."""
    lines = [
        [rule, *(MARKS.get(found.get(rule, ""), "") for found in columns.values())]
        for rule in _rows(columns)
    ]
    return table(["", *columns], lines)


def verdicts_alt(columns: Columns, *, title: str | None = None) -> str:
    """Who broke what, and what could not be decided, in a sentence or two."""
    told = "; ".join(f"{name}: {_told(found)}" for name, found in columns.items())
    return f"{title or _title(columns)}. Table of {len(_rows(columns))} rules. {told or 'Nobody'}."


def _told(found: Mapping[str, str]) -> str:
    said = []
    for verdict in ("failed", "undecided"):
        rules = [rule for rule, its in found.items() if its == verdict]
        said += [f"{verdict} {', '.join(rules)}"] if rules else []
    return ", ".join(said) or "all passed"


def _rows(columns: Columns) -> list[str]:
    return list(dict.fromkeys(rule for found in columns.values() for rule in found))


def _title(columns: Columns) -> str:
    broken = sum("failed" in found.values() for found in columns.values())
    return f"{broken} of {len(columns)} break a rule"


def _height(columns: Columns, **_options: Any) -> float:
    return 1.2 + 0.3 * max(1, len(_rows(columns)))


KINDS[verdicts] = Kind("Figure: which rules were kept.", verdicts_alt, _height)
