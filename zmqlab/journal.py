"""The journal: every whole message that a socket sent or received, in order, with who and when.

One journal feeds every picture, table and verdict of the course. It knows nothing of ZeroMQ's
library: `lens` writes it, hand-written histories in tests do too.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Way = Literal["sent", "received"]
Frames = tuple[bytes, ...]


@dataclass(eq=False, slots=True)
class SocketNote:
    """What the journal knows of a socket."""

    number: int  # 1, 2, 3 … in order of creation
    who: str  # the thread that made it
    kind: str  # "PUSH", "ROUTER", …
    routing_id: bytes = b""  # b"": ZeroMQ chooses one for each connection
    bound: list[str] = field(default_factory=list)  # endpoints
    connected: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"{self.who}'s {self.kind}"


class Hop(NamedTuple):
    """One whole message as one socket's program saw it."""

    time: float  # seconds on the monotonic clock, when the call returned
    who: str  # the thread that made the call
    socket: SocketNote
    way: Way
    frames: Frames  # exactly what the program gave to, or got from, this socket
    since: float  # when the call began: time - since is how long it waited


class Wait(NamedTuple):
    """A receive that ended without a message (time-out, end of the context)."""

    who: str
    socket: SocketNote
    since: float  # when the call began, seconds on the monotonic clock


class Span(NamedTuple):
    """One participant at work on one task, from `start` to `end` (seconds, the journal's clock)."""

    who: str
    start: float
    end: float
    task: Frames


class Message(NamedTuple):
    """One message on its way: the hop that sent it and the hop that received it.

    `received` is None for a message that never arrived, `sent` is None for one whose sender was
    not recorded (a process, or a program of somebody else's).
    """

    sent: Hop | None
    received: Hop | None


def wire(hop: Hop) -> Frames:
    """The frames that travel between the two sockets for this hop (28/REQREP).

    A ROUTER's first frame is an address for its own use and does not travel; the empty frame of a
    REQ or REP travels although its program does not see it. Of a REP's answer only what follows
    the first empty frame is known here, so `Journal.messages` compares from there.
    """
    frames = hop.frames
    if hop.socket.kind == "ROUTER":
        return frames[1:]
    if hop.socket.kind in ("REQ", "REP"):
        return (b"", *frames)
    return frames


class Journal:
    """Hops in the order in which they were noted: append-only, safe to write from any thread."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.sockets: list[SocketNote] = []
        self._hops: list[Hop] = []
        self._waits: list[Wait] = []
        # list.append is atomic in CPython: writers need no lock, readers take a copy.
        self.add = self._hops.append
        self.add_wait = self._waits.append

    @classmethod
    def of(cls, hops: Iterable[Hop]) -> Journal:
        """A journal of these hops; it starts with the first one's call."""
        journal = cls()
        for hop in hops:
            journal.add(hop)
        journal.start = min((hop.since for hop in journal._hops), default=journal.start)
        journal.sockets = list(dict.fromkeys(hop.socket for hop in journal._hops))
        return journal

    def open_socket(
        self, who: str, kind: str, *, bound: Sequence[str] = (), connected: Sequence[str] = ()
    ) -> SocketNote:
        """A new note for a socket that `who` has just made."""
        note = SocketNote(len(self.sockets) + 1, who, kind, b"", list(bound), list(connected))
        self.sockets.append(note)
        return note

    def __len__(self) -> int:
        return len(self._hops)

    def __iter__(self) -> Iterator[Hop]:
        return iter(self.hops)

    def __repr__(self) -> str:
        return f"<Journal of {len(self)} hops by {', '.join(self.who()) or 'nobody'}>"

    @property
    def hops(self) -> list[Hop]:
        """All hops so far, earliest first."""
        return sorted(self._hops, key=lambda hop: hop.time)

    def who(self) -> list[str]:
        """The participants, in the order in which they first sent or received."""
        return list(dict.fromkeys(hop.who for hop in self.hops))

    def counts(self, way: Way = "received", who: Sequence[str] | None = None) -> dict[str, int]:
        """Messages per participant: of all that had some, or of `who`, zeros included."""
        found = dict.fromkeys(who or (), 0)
        for hop in self.hops:
            if hop.way == way and (who is None or hop.who in found):
                found[hop.who] = found.get(hop.who, 0) + 1
        return found

    def story(self, frame: bytes) -> Journal:
        """The hops that carry this frame: the way of one task through the system."""
        return self.of(hop for hop in self.hops if frame in hop.frames)

    def spans(self, who: Sequence[str] | None = None) -> list[Span]:
        """Who was busy when: each message received is work, until the first sign of its end.

        The end is the next message that the same thread sends (its answer, or its question for
        more) or the beginning of its next receive, whichever comes first. Work without such a
        sign (the thread died in it) ends with the journal.
        """
        signs: dict[str, list[tuple[float, Hop | Wait]]] = defaultdict(list)
        for hop in self.hops:
            signs[hop.who].append((hop.since if hop.way == "sent" else hop.time, hop))
        for wait in list(self._waits):
            signs[wait.who].append((wait.since, wait))
        last = max((hop.time for hop in self._hops), default=self.start)
        spans = []
        for name, events in signs.items():
            if who is not None and name not in who:
                continue
            events.sort(key=lambda event: event[0])
            for (_, event), following in zip(events, [*events[1:], None], strict=True):
                if isinstance(event, Wait) or event.way == "sent":
                    continue
                end = last if following is None else following[1].since
                spans.append(Span(name, event.time, max(event.time, end), event.frames))
        return sorted(spans, key=lambda span: span.start)

    def messages(self) -> list[Message]:
        """Every message with both its ends, matched by what travels and by order, earliest first.

        A sent hop and a received hop are one message when their sockets share an endpoint (where
        endpoints are known), the frames on the wire agree, and it is the earliest such pair.
        """
        waiting: dict[Frames, deque[Hop]] = defaultdict(deque)
        pairs: list[Message] = []
        for hop in sorted(self.hops, key=lambda hop: hop.since if hop.way == "sent" else hop.time):
            if hop.way == "sent":
                waiting[_key(hop)].append(hop)
                continue
            candidates = waiting[_key(hop)]
            sent = next((other for other in candidates if _linked(other, hop)), None)
            if sent is not None:
                candidates.remove(sent)
            pairs.append(Message(sent, hop))
        pairs += [Message(hop, None) for left in waiting.values() for hop in left]
        return sorted(pairs, key=lambda pair: (pair.sent or pair.received).time)  # type: ignore[union-attr]


def _key(hop: Hop) -> Frames:
    """What a sent and a received hop have in common: the frames from the first empty one on."""
    frames = wire(hop)
    return frames[frames.index(b"") :] if b"" in frames else frames


def _linked(sent: Hop, received: Hop) -> bool:
    """Whether the one socket can have sent to the other."""
    one, other = sent.socket, received.socket
    if one is other:
        return False
    if one.kind == "ROUTER" and other.routing_id and sent.frames[0] != other.routing_id:
        return False
    if other.kind == "ROUTER" and one.routing_id and received.frames[0] != one.routing_id:
        return False
    ends = (set(one.bound), set(one.connected), set(other.bound), set(other.connected))
    if not (ends[0] or ends[1]) or not (ends[2] or ends[3]):
        return True  # a hand-written history without endpoints
    return bool(ends[0] & ends[3] or ends[1] & ends[2])
