"""What a space-time diagram shows: which messages, where, and in which words. Nothing is drawn."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from zmqlab.envelope import show as show_frames
from zmqlab.record.arrows import Message
from zmqlab.record.arrows import messages as messages_of
from zmqlab.record.journal import Hop, Journal, SocketNote

from .look import color, darker, milliseconds, natural, worker_number

FAR = 6  # ends between sending and receipt, from which on the receipt is told too
LONGEST = 20  # bytes shown of a frame


class Label(NamedTuple):
    """Frames as they are written beside one end of an arrow."""

    text: str
    lane: float
    row: float
    rightwards: bool


class Arrow(NamedTuple):
    """One message as it is drawn: from and to (lane, row), and what is written beside it."""

    message: Message
    way: str  # "main → w1"
    time: float  # seconds since the first
    start: tuple[float, float]
    end: tuple[float, float]
    labels: list[Label]
    color: str


class Scene:
    """Which messages a space-time diagram shows, where, and in which words."""

    def __init__(
        self,
        journal: Journal,
        who: Sequence[str] | None = None,
        limit: int | None = None,
        about: Collection[bytes | Hop] = (),
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
        ranks = _ranks(self.messages, about)
        if limit is None and room is not None:
            limit = _fitting(self.messages, ranks, room)
        self._places = sorted(ranks[:limit])  # of those that are shown
        self.shown = [self.messages[n] for n in self._places]
        self.left_out = [self.messages[n] for n in sorted(ranks[len(self.shown) :])]
        self.start = min(map(_first, self.messages), default=0.0)
        self.lines = Lines(self.shown)
        self.height = self.lines.height + (1.0 if self.left_out else 0.0)
        self.arrows = [self._arrow(message, n) for n, message in enumerate(self.shown)]
        self.words = self._tell()

    def _lane(self, hop: Hop | None) -> str:
        """Whose line a hop is on; "" for one that was not recorded."""
        if hop is None:
            return ""
        return self._socket_names.get(hop.socket, hop.who)

    def title(self) -> str:
        """How many messages there are and whether all were received, in words."""
        n, lost = len(self.messages), sum(m.received is None for m in self.messages)
        if not n:
            return "No messages"
        if not lost:
            return f"All {n} messages were received" if n > 1 else "The message was received"
        return f"{lost} of {n} messages {'was' if lost == 1 else 'were'} not received"

    def rest(self) -> str:
        """What is left out, in words."""
        n, lost = len(self.left_out), sum(m.received is None for m in self.left_out)
        more = f"… {n} more {'message' if n == 1 else 'messages'}"
        before = self._places[0] if self._places else 0
        after = len(self.messages) - 1 - self._places[-1] if self._places else n
        if after == n:
            end = max(hop.time for message in self.left_out for hop in message if hop is not None)
            where = f" until {milliseconds(end - self.start)} ms left out here"
        else:
            counts = {"before": before, "between": n - before - after, "after": after}
            told = ", ".join(f"{count} {place}" for place, count in counts.items() if count)
            where = f" left out: {told} these"
        return more + where + (f"; {lost} of them not received" if lost else "")

    def _tell(self) -> list[tuple[float, str]]:
        """Each end that has something to tell: when (seconds since the first), and in words."""
        width = max((len(self._way(message)) for message in self.shown), default=0)
        return [
            (moment - self.start, self._say(self.shown[n], arrived, width))
            for moment, arrived, n in self.lines.ends
            if (n, arrived) in self.lines.told
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

    def _arrow(self, message: Message, n: int) -> Arrow:
        """The arrow between two rows; one that has only one end points from or to nowhere."""
        sent, received = message
        rows = self.lines.rows
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
            labels.append(Label(_short_frames(sent) + lost, start[0], start[1] - 0.5, rightwards))
        if received is not None and (n, True) in self.lines.told:
            labels.append(Label(_short_frames(received), end[0], end[1] + 0.55, not rightwards))
        ends = (self._lane(sent), self._lane(received))
        worker = next((name for name in ends if worker_number(name) is not None), "")
        way, time = self._way(message), _first(message) - self.start
        return Arrow(message, way, time, start, end, labels, darker(color(worker)))

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
    return (message.sent or message.received).moment  # type: ignore[union-attr]


def _ranks(messages: Sequence[Message], about: Collection[bytes | Hop]) -> list[int]:
    """The messages by their places, those first that are to be shown first.

    First those with such a hop or frame, then the nearest to one of them, rather before than after.
    """
    about = set(about)
    matter = [
        n
        for n, message in enumerate(messages)
        if any(hop in about or not about.isdisjoint(hop.frames) for hop in message if hop)
    ]

    def far(n: int) -> tuple[int, bool]:
        return min(((abs(n - other), n > other) for other in matter), default=(n, False))

    return sorted(range(len(messages)), key=lambda n: (far(n), n))


class Lines:
    """The ends of messages in the order of time: the row of each, and which are told in words.

    An end is (which message, whether it is the receiving one). Each sending is told, a receipt
    where the frames are others or the sending stands far above.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.ends = sorted(
            (hop.moment, bool(arrived), n)
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


def _fitting(messages: Sequence[Message], ranks: Sequence[int], room: float) -> int:
    """How many of the messages have room in so many rows: at least three, if there are so many."""

    def rows(n: int) -> float:
        shown = [messages[place] for place in sorted(ranks[:n])]
        return Lines(shown).height + (1.0 if n < len(messages) else 0.0)

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
