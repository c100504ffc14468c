"""The one history of a play: what peers and subject did, read in a lab's words, and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from zmqlab.record.journal import Journal, SocketNote
from zmqlab.record.place import place_of

from .dispatch import Event, Ledger, Read
from .peer import on_the_wire
from .report import LONGEST_STORY

if TYPE_CHECKING:
    from .lab import Lab
    from .subject import Subject


LARGE = 4096  # bytes; a frame of more is known by its beginning, its length and its hash


def in_short(frame: bytes) -> bytes:
    """What stands for a frame in events: itself, unless it is large."""
    if len(frame) <= LARGE:
        return frame
    return frame[:64] + b"... %d bytes, %x" % (len(frame), hash(frame))


class Chronicle:
    """Events folded from the peers' journal and the subject's, in the order in which they happened.

    names: of peers, by their sockets; a peer in a thread has the thread's. roles: by name.
    marks: what no message says, and when. bound: the subject's endpoints, by name.
    """

    def __init__(
        self, lab: Lab, peers: Journal, subject: Subject, bound: Mapping[str, str]
    ) -> None:
        self.lab, self.peers, self.subject, self.bound = lab, peers, subject, bound
        self.names: dict[SocketNote, str] = {}
        self.roles: dict[str, str] = {}
        self.marks: list[tuple[float, Event]] = []
        self._folded: tuple[tuple[int, ...], list[Event], Ledger] = ((), [], Ledger())

    @property
    def size(self) -> tuple[int, ...]:
        """How much has happened; the same as long as nothing does."""
        return len(self.peers), len(self.subject.journal), len(self.marks)

    def _fold(self) -> tuple[tuple[int, ...], list[Event], Ledger]:
        if (size := self.size) != self._folded[0]:
            moments = [*self.marks, *self._of_peers(), *self._of_subject()]
            events = [event for _, event in sorted(moments, key=lambda moment: moment[0])]
            self._folded = size, events, Ledger(events)
        return self._folded

    @property
    def events(self) -> list[Event]:
        """All that has happened so far."""
        return self._fold()[1]

    @property
    def ledger(self) -> Ledger:
        """What follows from that."""
        return self._fold()[2]

    def _of_peers(self) -> Iterator[tuple[float, Event]]:
        """What they sent and received, each at its moment."""
        for hop in self.peers:
            who = self.names.get(hop.socket, hop.who)
            frames = tuple(map(in_short, on_the_wire(hop.socket.kind, hop.frames)))
            event = self.lab.reading(self.roles.get(who, ""), hop.way, who, frames)
            if event is not None:
                yield hop.moment, event

    def _of_subject(self) -> Iterator[tuple[float, Event]]:
        """What it has read, where it is recorded and each role has an endpoint of its own."""
        roles = {place_of(self.bound[end]): role for role, end in self.lab.ends.items()}
        if len(roles) < len(self.lab.ends):
            return
        for hop in self.subject.journal:
            role = next((roles[p] for p in map(place_of, hop.socket.bound) if p in roles), "")
            if role and hop.way == "received":
                yield hop.time, Read(role, hop.frames)

    def named(self, routing_id: bytes) -> str:
        """The client that has this routing id; "" if none is known to have it."""
        clients = (n for s, n in self.names.items() if s.routing_id == routing_id != b"")
        return next((name for name in clients if self.roles[name] == "client"), "")

    def story(self, *frames: bytes) -> Journal:
        """The latest that was seen of messages with one of these frames, or of any."""
        told = set(filter(None, frames))
        both = Journal.joined(self.subject.journal, self.peers, names=self.names)
        hops = [hop for hop in both if not told or not told.isdisjoint(map(in_short, hop.frames))]
        return both.only(hops[-LONGEST_STORY if told else -8 :])

    def ends(self) -> str:
        """What the subject has bound, in words; of sockets that were recorded."""
        known = {place_of(endpoint): f"the {name}" for name, endpoint in self.bound.items()}
        ends = [
            f"a {note.kind} at {known.get(place_of(end), end)}"
            for note in self.subject.journal.sockets
            for end in note.bound
        ]
        return " and ".join(ends) or "nothing"
