"""Who told whom: a space-time diagram of the messages in a journal, and the same in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from matplotlib.axes import Axes

from zmqlab.record.journal import Hop, Journal

from .look import INK, PALE, PAPER, SMALL, TEXT, cut, dress, inches, milliseconds
from .picture import KINDS, Kind
from .scene import Arrow, Scene

ROW = 0.165  # inches of height for a line of frames
MOST = 40  # messages told in words


def space_time(
    ax: Axes,
    journal: Journal,
    *,
    title: str | None = None,
    who: Sequence[str] | None = None,
    limit: int | None = None,
    about: Collection[bytes | Hop] = (),
) -> None:
    """A line for each participant, downwards in the order of time; an arrow for each message.

    Beside the start of an arrow stand the frames that its sender gave, beside its end those that
    the receiver got, where they differ (`@` an address, `∅` the empty frame). The rows are events
    in order, not a scale of time; when each message was sent stands at the left. A message that
    nobody has received ends in a cross; one whose sender was not recorded begins in a ring.

    `who`: the participants from left to right; messages of others are not shown. In a journal of
    one participant each of its sockets is one. `limit`: the most messages to show, by default as
    many as these Axes have room for. `about`: frames and hops; where not all is shown, the messages
    with one of them are, and those around them, else the first ones. What is left out is said
    below.
    """
    width, height = inches(ax)
    scene = Scene(journal, who, limit, about, room=height / ROW)
    dress(ax, title or scene.title(), pad=8)
    left, right = -0.4, max(0.6, len(scene.who) - 0.6)
    letter = (right - left) / width * SMALL * 0.602 / 72  # the width of one, on the axis
    ax.vlines(range(len(scene.who)), -0.5, scene.height, colors=PALE, linewidth=2.5, zorder=0)
    for arrow in scene.arrows:
        _draw_arrow(ax, arrow)
        for label in arrow.labels:
            text = cut(label.text, int((right - left) / letter))
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
    ax.set_yticklabels([milliseconds(arrow.time) for arrow in scene.arrows])
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
    title: str = "",
    who: Sequence[str] | None = None,
    limit: int = MOST,
    about: Collection[bytes | Hop] = (),
    times: bool = True,
) -> str:
    """The messages in words, a line for each end that has something to tell, below the title.

    Times are milliseconds since the first message was sent; without them the story of one request
    after another is the same in every run, but for addresses that ZeroMQ made up.
    """
    scene = Scene(journal, who, limit, about)
    lines = [
        (f"{milliseconds(time):>8} ms  " if times else "") + words for time, words in scene.words
    ] or ["No messages."]
    rest = scene.rest() if scene.left_out else ""
    return "\n".join(filter(None, [title, *lines, rest]))


def space_time_alt(
    journal: Journal,
    *,
    title: str | None = None,
    who: Sequence[str] | None = None,
    limit: int | None = None,
    about: Collection[bytes | Hop] = (),
) -> str:
    """What the diagram says, in a sentence or two; what the frames are, its text twin tells."""
    scene = Scene(journal, who, limit, about)
    ways = Counter(arrow.way for arrow in scene.arrows)
    told = ", ".join(f"{way} {n}" for way, n in ways.items()) or "none"
    rest = f" {scene.rest()}" if scene.left_out else ""
    finding = (title or scene.title()).rstrip(".")
    return f"{finding}. Space-time diagram of the messages: {told}.{rest}"


def _draw_arrow(ax: Axes, arrow: Arrow) -> None:
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
        parse_math=False,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5, "alpha": 0.85},
    )


def _heads(ax: Axes, scene: Scene, inches_apart: float) -> None:
    """The names above the lines, with the kinds of sockets where there is room."""
    wide = inches_apart > 0.9
    heads = [
        f"{name}\n{' '.join(scene.kinds[name])}" if wide and not scene.alone else name
        for name in scene.who
    ]
    ax.xaxis.tick_top()
    ax.set_xticks(range(len(heads)))
    longest = max(map(len, scene.who), default=0) * TEXT * 0.65 / 72
    slanted: dict[str, Any] = {"rotation": 40, "ha": "left"} if longest > inches_apart else {}
    ax.set_xticklabels(heads, color=INK, fontsize=TEXT, parse_math=False, **slanted)
    ax.tick_params(axis="x", length=0)
    for side in ("bottom", "left"):
        ax.spines[side].set_visible(False)
    ax.grid(visible=False)


def _space_time_height(
    journal: Journal,
    *,
    who: Sequence[str] | None = None,
    limit: int | None = None,
    about: Collection[bytes | Hop] = (),
    **_options: Any,
) -> float:
    return min(12.0, 1.2 + ROW * Scene(journal, who, limit, about).height)


KINDS[space_time] = Kind("Figure: who told whom.", space_time_alt, _space_time_height)
