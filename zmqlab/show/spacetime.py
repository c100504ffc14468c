"""Who told whom: a space-time diagram of the messages in a journal, and the same in words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from zmqlab.envelope import show as show_frames
from zmqlab.record.arrows import Message
from zmqlab.record.arrows import messages as messages_of
from zmqlab.record.journal import Hop, Journal, SocketNote

from .look import (
    INK,
    PALE,
    PAPER,
    SMALL,
    TEXT,
    color,
    cut,
    darker,
    dress,
    inches,
    milliseconds,
    natural,
    worker_number,
)
from .picture import KINDS, Kind

ROW = 0.165  # inches of height for a line of frames
FAR = 6  # ends between sending and receipt, from which on the receipt is told too
LONGEST = 20  # bytes shown of a frame
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
    width, height = inches(ax)
    scene = _Scene(journal, who, limit, room=height / ROW)
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
        (f"{milliseconds(time):>8} ms  " if times else "") + words for time, words in scene.words
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
        messages = messages_of(journal)
        sockets = list(dict.fromkeys(hop.socket for hop in journal.hops))
        self.alone = len(journal.who()) == 1
        self._socket_names = _socket_names(sockets) if self.alone else {}
        ways = [(self._lane(m.sent), self._lane(m.received)) for m in messages]
        if who is None:
            who = list(self._socket_names.values()) if self.alone else _columns(ways)
        self.who = list(who)
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
        until = f" until {milliseconds(end - self.start)} ms left out here"
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
        worker = next((name for name in ends if worker_number(name) is not None), "")
        way, time = self._way(message), _first(message) - self.start
        return _Arrow(message, way, time, start, end, labels, darker(color(worker)))

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

    most = min(len(messages), max(3, int(room)))
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
    names = sorted({name for way in ways for name in way if name}, key=natural)

    def place(name: str) -> int:
        if re.fullmatch(r"c(?:lient)?[ _-]?\d+", name):
            return 0
        if worker_number(name) is not None:
            return 3
        to_workers = any(one == name and worker_number(other) for one, other in ways)
        from_workers = any(other == name and worker_number(one) for one, other in ways)
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
        f"{name}\n{' '.join(scene.kinds[name])}" if wide and not scene.alone else name
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


def _space_time_height(
    journal: Journal, *, who: Sequence[str] | None = None, limit: int | None = None, **_options: Any
) -> float:
    return min(12.0, 1.2 + ROW * _Scene(journal, who, limit).height)


KINDS[space_time] = Kind("Figure: who told whom.", space_time_alt, _space_time_height)
