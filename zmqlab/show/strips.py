"""How the same thing ended in each of many tries: a strip of cells for each row, best to worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from .look import INK, PALETTE, PAPER, TEXT, dress, legend, name_rows, table
from .picture import KINDS, Kind

Ends = Mapping[str, Sequence[str]]
LOOKS = ((PALETTE[2], ""), (PALETTE[1], "//"), (PALETTE[5], "xx"))  # of the best end, the next, …


def strips(
    ax: Axes, rows: Ends, *, ends: Sequence[str], title: str | None = None, unit: str = "try"
) -> None:
    """One strip for each row, the first on top; in it a cell for each try, numbered from 1.

    `strips(ax, {"memory": ["right", "lost", …], …}, ends=["right", "twice", "lost"])`. `ends` are
    the up to three ways in which a try may end, the best first: each has a colour and a hatch.
    """
    dress(ax, title or _title(rows, ends), pad=24, names=rows)
    looks = dict(zip(ends, LOOKS, strict=False))
    for place, tries in enumerate(rows.values()):
        for number, end in enumerate(tries, 1):
            face, hatch = looks[end]
            ax.barh(
                place,
                1,
                left=number - 0.5,
                height=0.75,
                color=face,
                hatch=hatch,
                edgecolor=PAPER,
                linewidth=1.5,
            )
    name_rows(ax, rows)
    longest = max(map(len, rows.values()), default=0) or 1
    ax.set_xlim(0.5, longest + 0.5)
    ax.set_xticks(range(1, longest + 1))
    ax.set_xlabel(unit, color=INK, fontsize=TEXT)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="x", length=0)
    shown = [
        Patch(facecolor=face, hatch=hatch, edgecolor=PAPER, label=end)
        for end, (face, hatch) in looks.items()
    ]
    legend(ax, ends, shown)


def strips_text(rows: Ends, *, ends: Sequence[str], unit: str = "try") -> str:
    """How often each row ended in each way, as a table."""
    lines = [[name, *(str(Counter(tries)[end]) for end in ends)] for name, tries in rows.items()]
    return table([unit, *ends], lines)


def strips_alt(
    rows: Ends, *, ends: Sequence[str], title: str | None = None, unit: str = "try"
) -> str:
    """Which tries ended how, in a sentence for each row."""
    told = "; ".join(f"{name}: {_told(tries, ends)}" for name, tries in rows.items())
    return f"{title or _title(rows, ends)}. Strips of cells, by {unit}: {told or 'none'}."


def _told(tries: Sequence[str], ends: Sequence[str]) -> str:
    places = {end: [n for n, ended in enumerate(tries, 1) if ended == end] for end in ends}
    return ", ".join(f"{end} {_ranges(found)}" for end, found in places.items() if found)


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers that follow each other as one: "1–5 and 7"."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return " and ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in found)


def _title(rows: Ends, ends: Sequence[str]) -> str:
    worst = ends[-1]
    found = sum(worst in tries for tries in rows.values())
    return f"{found} of {len(rows)}: {worst} at least once"


def _height(rows: Ends, **_options: Any) -> float:
    return 1.35 + 0.42 * max(1, len(rows))


KINDS[strips] = Kind("Figure: how each try ended.", strips_alt, _height)
