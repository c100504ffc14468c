"""What befell two brokers, step by step: a space-time diagram of a history, and the same in words.

A history is what `zmqlab.balance.standby.explore` finds.
"""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from zmqlab.balance.standby import NAMES, START, History, told

from .look import GREY, INK, PALE, PALETTE, PAPER, SMALL, TEXT, darker, dress
from .picture import KINDS, Kind

ROW = 0.36  # inches of height for a step
REACH = 0.62  # how far beside a broker's line a client stands
ACTIVE = darker(PALETTE[0])
WIDTHS = {"active": 9.0, "passive": 5.0}  # of a line; of a broker that has just started, 2
COLORS = {"active": ACTIVE, "passive": darker(PALETTE[1])}
BOX = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0, "alpha": 0.9}


def pair(ax: Axes, history: History, *, title: str | None = None) -> None:
    """A line for each broker, downwards step by step, and an arrow for each heartbeat and request.

    The line says in which state its broker is: thin when it has just started, then passive, then
    active the widest, and none while it is dead. A heartbeat ends in a cross where it is lost. A
    request comes from the side, and goes back where it is answered.
    """
    dress(ax, title or _title(history), pad=8)
    _lines(ax, history)
    under_way: list[list[tuple[int, str]]] = [[], []]  # to each broker: since which step, and what
    before = START
    for row, (step, after) in enumerate(history, 1):
        match step:
            case (who, "says", state):
                under_way[1 - NAMES.index(who)].append((row, state))
            case (who, "hears", _):
                _heartbeat(ax, NAMES.index(who), row, *under_way[NAMES.index(who)].pop(0))
            case (who, "misses", _):
                _lost(ax, NAMES.index(who), row, *under_way[NAMES.index(who)].pop(0))
            case (who, "gets first", _):
                under_way[NAMES.index(who)].reverse()
                _note(ax, NAMES.index(who), row, "overtaken")
            case (client, "asks", who, answer):
                _request(ax, NAMES.index(who), row, client, answer)
            case (who, "loses patience"):
                _note(ax, NAMES.index(who), row, "heard nothing for too long")
            case (who, "starts again"):
                _note(ax, NAMES.index(who), row, "starts again")
            case (who, does):
                _break(ax, who, does, row, under_way)
        for name, old, new in zip(NAMES, before.brokers, after.brokers, strict=True):
            if step[1] != "dies" and new.state == "dead" != old.state:
                _break(ax, name, "stops", row, under_way)
        before = after
    for x, rest in enumerate(under_way):  # still under way at the end
        for since, state in rest:
            _arrow(ax, (1 - x, since), (1 - x + (x - (1 - x)) * 0.5, len(history) + 0.5))
            _label(ax, x, since, state)
    ax.set_xlim(-1.1, 2.1)
    ax.set_ylim(len(history) + 0.7, 0.2)
    ax.set_yticks(range(1, len(history) + 1))
    ax.set_xticks([0, 1], NAMES)
    ax.xaxis.tick_top()
    ax.tick_params(axis="both", length=0)
    ax.tick_params(axis="x", labelsize=TEXT)
    for spine in ax.spines.values():
        spine.set_visible(False)


def pair_text(history: History, *, title: str | None = None) -> str:
    """The steps in words, a line each, below the title."""
    return "\n".join([title or _title(history), *told(history)])


def pair_alt(history: History, *, title: str | None = None) -> str:
    """What the diagram says, step by step."""
    steps = "; then ".join(line.strip().partition(" ")[2] for line in told(history))
    return f"{(title or _title(history)).rstrip('.')}. Space-time diagram of two brokers: {steps}."


def _title(history: History) -> str:
    return f"{len(history)} steps"


def _lines(ax: Axes, history: History) -> None:
    """The brokers' lines, and the name of each state where it begins."""
    worlds = [START, *(world for _, world in history)]
    for x in 0, 1:
        begin = 0
        states = [world.brokers[x].state for world in worlds]
        for row in range(1, len(states) + 1):
            if row < len(states) and states[row] == states[begin]:
                continue
            state, top = states[begin], begin or 0.35
            bottom = row if row < len(states) else row - 0.4
            if state != "dead":
                ax.plot(
                    [x, x],
                    [top, bottom],
                    color=COLORS.get(state, GREY),
                    linewidth=WIDTHS.get(state, 2.0),
                    solid_capstyle="butt",
                    zorder=1,
                )
                if state in WIDTHS:
                    _state(ax, x, top, state)
            begin = row


def _state(ax: Axes, x: int, row: float, state: str) -> None:
    side = 1 if x else -1
    ax.text(
        x + side * 0.06,
        row + 0.32,
        state,
        ha="left" if x else "right",
        va="center",
        color=COLORS[state],
        fontsize=SMALL + 1,
        fontweight="bold",
        bbox=BOX,
        zorder=3,
    )


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], **look: Any) -> None:
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.4, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=arrow | look, zorder=4)


def _label(ax: Axes, x: int, since: int, state: str) -> None:
    """What a heartbeat to broker x tells, beside its start."""
    place = (1 - x) + (0.1 if x else -0.1)
    ax.text(
        place,
        since - 0.02,
        f"“{state}”",
        ha="left" if x else "right",
        va="bottom",
        color=INK,
        fontsize=SMALL + 1,
        bbox=BOX,
        zorder=5,  # above the arrow of a heartbeat that is under way beside it
    )


def _heartbeat(ax: Axes, x: int, row: int, since: int, state: str) -> None:
    _arrow(ax, (1 - x, since), (x, row))
    ax.plot(1 - x, since, marker="o", markersize=4, color=INK, zorder=5)
    _label(ax, x, since, state)


def _lost(ax: Axes, x: int, row: float, since: int, state: str) -> None:
    end = (1 - x) + (0.5 if x else -0.5), since + (row - since) * 0.5
    _arrow(ax, (1 - x, since), end, arrowstyle="-")
    ax.plot(1 - x, since, marker="o", markersize=4, color=INK, zorder=5)
    ax.plot(*end, marker="X", markersize=8, color=INK, markeredgewidth=0, zorder=5)
    _label(ax, x, since, state)


def _request(ax: Axes, x: int, row: int, client: str, answer: str) -> None:
    """A request from the side, and what came of it."""
    side = 1 if x else -1
    far = x + side * REACH
    if answer == "lost":
        middle = x + side * 0.3
        _arrow(ax, (far, row), (middle, row), arrowstyle="-")
        ax.plot(middle, row, marker="X", markersize=8, color=INK, markeredgewidth=0, zorder=5)
    else:
        _arrow(ax, (far, row), (x, row), arrowstyle="<|-|>" if answer == "answered" else "-|>")
    answered = answer == "answered"
    ax.text(
        far + side * 0.03,
        row,
        f"{client}\n{'request lost' if answer == 'lost' else answer}",
        ha="left" if x else "right",
        va="center",
        color=INK,
        fontsize=SMALL + 1,
        fontweight="bold" if answered else "normal",
        linespacing=1.1,
    )


def _note(ax: Axes, x: int, row: float, words: str) -> None:
    """What befell broker x, outside beside its line."""
    ax.text(
        x + (0.1 if x else -0.1),
        row,
        words,
        ha="left" if x else "right",
        va="center",
        color=INK,
        fontsize=SMALL + 1,
        style="italic",
        bbox=BOX,
        zorder=3,
    )


def _break(ax: Axes, who: str, does: str, row: int, under_way: list[list[tuple[int, str]]]) -> None:
    """A broker's end, or the link's: all that is under way is lost."""
    if who in NAMES:
        x = NAMES.index(who)
        ax.plot(x, row, marker="X", markersize=11, color=INK, markeredgewidth=0, zorder=6)
        _note(ax, x, row, does)
    else:
        ax.axhline(row, 0.36, 0.64, color=PALE, linewidth=10, zorder=0)
        ax.text(0.5, row, f"{who} {does}", ha="center", va="center", color=INK, fontsize=SMALL + 1)
    for x, lost in enumerate(under_way):
        for since, state in lost:
            _lost(ax, x, row, since, state)
        lost.clear()


def _height(history: History, **_options: Any) -> float:
    return 1.0 + ROW * len(history)


KINDS[pair] = Kind("Figure: what befell two brokers.", pair_alt, _height)
