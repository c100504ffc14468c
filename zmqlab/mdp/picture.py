"""The messages of a failed scene as a space-time diagram, where matplotlib is installed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from .frames import show
from .outcome import Result

BROKER = "broker"
WIDE = 56  # characters of a message that are shown


def picture(result: Result, path: Path) -> str:
    """Draw the last messages of a result's scene into a file; returns what became of it."""
    try:
        pyplot: Any = import_module("matplotlib.pyplot")
    except ImportError:
        return f"no picture: matplotlib is not installed; {path} was not written"
    if not result.lines:
        return f"no picture: {result.rule.id} has no messages; {path} was not written"
    names = list(dict.fromkeys(line.who for line in result.lines))
    lanes = {name: number for number, name in enumerate([*names, BROKER])}
    figure, ax = pyplot.subplots(figsize=(9, 0.55 * len(result.lines) + 1.2), layout="constrained")
    for row, line in enumerate(result.lines):
        ends = lanes[line.who], lanes[BROKER]
        start, end = ends if line.way == "→" else ends[::-1]
        ax.annotate(
            "", xy=(end, row), xytext=(start, row), arrowprops={"arrowstyle": "->", "lw": 1.4}
        )
        text = show(line.frames)
        short = text if len(text) <= WIDE else text[: WIDE - 1] + "…"
        ax.text(sum(ends) / 2, row - 0.12, short, ha="center", va="bottom", fontsize=8)
    ax.set_xticks(list(lanes.values()), list(lanes))
    ax.xaxis.tick_top()
    ax.vlines(list(lanes.values()), -0.7, len(result.lines) - 0.5, color="0.8", zorder=0)
    ax.set_yticks(range(len(result.lines)), [f"{line.time:.3f} s" for line in result.lines])
    ax.set_xlim(-0.4, len(lanes) - 0.6)
    ax.set_ylim(len(result.lines) - 0.5, -0.8)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set_title(f"{result.rule.id}: {result.evidence}", fontsize=9, loc="left", wrap=True)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return f"the last messages of {result.rule.id} are drawn in {path}"
