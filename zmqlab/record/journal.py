"""The journal: every whole message that a socket sent or received, in order, with who and when.

One journal feeds every picture, table and verdict of the course. It knows nothing of ZeroMQ's
library: `lens` writes it, hand-written histories in tests do too.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from threading import Lock
from typing import Any, Literal, NamedTuple

from zmqlab.span import Span

Way = Literal["sent", "received"]
Frames = tuple[bytes, ...]

_moment = attrgetter("moment")


class Name(str):
    """A participant's name that knows its thread: two may be called alike, and one may change."""

    __slots__ = ("thread",)
    thread: int  # 1, 2, 3 … no two threads have the same

    def __new__(cls, name: str, thread: int = 0) -> Name:
        """The name of this thread; 0 is none."""
        made = super().__new__(cls, name)
        made.thread = thread
        return made


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

    @property
    def moment(self) -> float:
        """When the message changed hands: as its sending began, or as its receiving was done.

        The one moment of a hop in every order, picture and verdict: so what a message causes
        comes after it, however long its sender waited, or was late in noting that it was sent.
        """
        return self.since if self.way == "sent" else self.time

    @property
    def by_maker(self) -> bool:
        """Whether it was the thread that made the socket. Its name may be another one by now."""
        threads = [getattr(who, "thread", who) for who in (self.who, self.socket.who)]
        return threads[0] == threads[1]


class Wait(NamedTuple):
    """A poll, or a receive that ended without a message (time-out, end of the context)."""

    who: str
    socket: SocketNote
    since: float  # when the call began, seconds on the monotonic clock


class Journal:
    """Hops in the order of their moments: append-only, safe to write from any thread."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.sockets: list[SocketNote] = []
        self._opening = Lock()  # a socket's number is its place in `sockets`, from 1
        self.same_places: list[tuple[str, str]] = []  # pairs of endpoints: see `same_place`
        # A hop is kept as six values in a row, with its socket's place in `sockets` for the
        # note and a single frame for itself: nothing that the garbage collector would follow.
        self._values: list[Any] = []
        self._waits: list[Wait] = []
        # list.append and list.extend are atomic in CPython: writers need no lock, readers copy.
        self.record: Callable[[tuple[float, str, int, Way, Frames | bytes, float]], None] = (
            self._values.extend
        )
        self.add_wait = self._waits.append

    @classmethod
    def of(cls, hops: Iterable[Hop], sockets: Sequence[SocketNote] = ()) -> Journal:
        """A journal of these hops; it starts with the first one's call."""
        journal = cls()
        journal.sockets = list(sockets)
        for hop in hops:
            journal.add(hop)
        journal.start = min((hop.since for hop in journal.hops), default=journal.start)
        return journal

    @classmethod
    def joined(cls, *journals: Journal, names: Mapping[SocketNote, str] | None = None) -> Journal:
        """One journal of what several Contexts saw: all hops, waits and places, on one clock.

        Its sockets are copies, numbered anew. `names`: sockets that are each a participant of
        their own, as the peers are that one thread of a check plays; the name of each.
        """
        whole, names = cls(), names or {}
        places: dict[SocketNote, int] = {}  # of each note's copy in whole.sockets
        for journal in journals:
            rows, waits = list(journal._rows()), journal._waits.copy()
            for note in journal.sockets:
                if note not in places:
                    places[note] = len(places)
                    ends, others = list(note.bound), list(note.connected)
                    own = replace(note, number=len(places), bound=ends, connected=others)
                    own.who = names.get(note, note.who)
                    whole.sockets.append(own)
            for ended, who, place, way, frames, since in rows:
                note = journal.sockets[place]
                whole.record((ended, names.get(note, who), places[note], way, frames, since))
            for who, note, since in waits:
                whole.add_wait(Wait(names.get(note, who), whole.sockets[places[note]], since))
            whole.same_places += journal.same_places
        whole.start = min((journal.start for journal in journals), default=whole.start)
        return whole

    def add(self, hop: Hop) -> None:
        """Note one hop; its socket is noted too, if it is new."""
        place = next((i for i, note in enumerate(self.sockets) if note is hop.socket), None)
        if place is None:
            place = len(self.sockets)
            self.sockets.append(hop.socket)
        self.record((hop.time, hop.who, place, hop.way, hop.frames, hop.since))

    def open_socket(
        self, who: str, kind: str, *, bound: Sequence[str] = (), connected: Sequence[str] = ()
    ) -> SocketNote:
        """A new note for a socket that `who` has just made."""
        with self._opening:
            note = SocketNote(len(self.sockets) + 1, who, kind, b"", list(bound), list(connected))
            self.sockets.append(note)
        return note

    def same_place(self, endpoint: str, other: str) -> None:
        """Note that who connects to the one endpoint reaches the other (through a tap, say)."""
        self.same_places.append((endpoint, other))

    def __len__(self) -> int:
        return len(self._values) // 6

    def __iter__(self) -> Iterator[Hop]:
        return iter(self.hops)

    def __repr__(self) -> str:
        return f"<Journal of {len(self)} hops by {', '.join(self.who()) or 'nobody'}>"

    @property
    def hops(self) -> list[Hop]:
        """All hops so far, earliest first; of one moment, the one noted first."""
        hops = [
            Hop(
                ended,
                who,
                self.sockets[place],
                way,
                frames if isinstance(frames, tuple) else (frames,),
                since,
            )
            for ended, who, place, way, frames, since in self._rows()
        ]
        return sorted(hops, key=_moment)

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        """The six values of each hop, in the order in which they were noted."""
        values = iter(self._values.copy())
        return zip(*[values] * 6, strict=True)

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

    def only(self, hops: Iterable[Hop]) -> Journal:
        """A journal of these of its hops, with its clock, waits and places.

        Without the sockets that only its other hops are of: none of them was silent.
        """
        hops = list(hops)
        others = {hop.socket for hop in self.hops} - {hop.socket for hop in hops}
        part = self.of(hops, [note for note in self.sockets if note not in others])
        part.start = self.start
        part.same_places += self.same_places
        part._waits += self._waits
        return part

    def spans(self, who: Sequence[str] | None = None) -> list[Span]:
        """Who was busy when: each message received is work, until the first sign of its end.

        The end is the next message that the same thread sends (its answer, or its question for
        more) or the beginning of its next receive or poll of a socket, whichever comes first. Of
        a zmq.Poller or zmq.select nothing is seen. Work without such a sign (the thread died in
        it) ends with the journal.
        """
        signs: dict[str, list[tuple[float, Hop | Wait]]] = defaultdict(list)
        for hop in self.hops:
            signs[hop.who].append((hop.moment, hop))
        for wait in list(self._waits):
            signs[wait.who].append((wait.since, wait))
        last = max((hop.time for hop in self.hops), default=self.start)
        spans = []
        for name, events in signs.items():
            if who is not None and name not in who:
                continue
            events.sort(key=lambda event: event[0])
            for (_, event), following in zip(events, [*events[1:], None], strict=True):
                if isinstance(event, Wait) or event.way == "sent":
                    continue
                end = last if following is None else following[1].since
                spans.append(Span(name, event.moment, max(event.moment, end), event.frames))
        return sorted(spans, key=lambda span: span.start)
