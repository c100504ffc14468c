"""Which socket can reach which, as far as their endpoints tell: directly, or through proxies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from .journal import SocketNote
from .place import place_of

MEETS = {  # which kinds of sockets talk to each other (28/REQREP, 30/PIPELINE, 31/EXPAIR)
    "PUSH": {"PULL"},
    "PULL": {"PUSH"},
    "REQ": {"REP", "ROUTER"},
    "REP": {"REQ", "DEALER"},
    "DEALER": {"REP", "DEALER", "ROUTER"},
    "ROUTER": {"REQ", "DEALER", "ROUTER"},
    "PAIR": {"PAIR"},
}


class Link(NamedTuple):
    """How a message gets from one socket to another."""

    direct: bool  # else through proxies
    gained: int  # addresses in front, once it is there; negative: as many lost


class Net:
    """Which socket can reach which, as far as their endpoints tell."""

    def __init__(
        self,
        sockets: Iterable[SocketNote],
        heard: Iterable[SocketNote],
        same_places: Iterable[tuple[str, str]],
    ) -> None:
        self.sockets = dict.fromkeys(heard)
        self._place: dict[str, str] = {}  # one name for all places that are one
        for one, other in same_places:
            kept, gone = self._at(one), self._at(other)
            self._place |= {name: kept for name, place in self._place.items() if place == gone}
            self._place[gone] = kept
        # A thread with sockets that are never heard of may hand messages on where no journal
        # sees it (zmq.proxy does so in C): what reaches one of them comes out of another.
        self._proxies: dict[str, list[SocketNote]] = defaultdict(list)  # by their threads
        self._doors: dict[str, list[SocketNote]] = defaultdict(list)  # by their places
        for socket in sockets:
            if socket not in self.sockets:
                self._proxies[socket.who].append(socket)
                for place in set.union(*self._ends(socket)):
                    self._doors[place].append(socket)
        self._beyond: dict[frozenset[str], dict[str, int]] = {}
        self._links: dict[tuple[SocketNote, SocketNote], Link | None] = {}
        self._depths = {socket: self._depth(socket) for socket in self.sockets}
        self.depths = sorted({*self._depths.values(), 0})

    def depth(self, socket: SocketNote) -> int:
        """How many addresses the proxies before this socket put in front of what comes there."""
        return self._depths[socket]

    def link(self, one: SocketNote, other: SocketNote) -> Link | None:
        """How what the one socket sends gets to the other; None: it cannot."""
        pair = (one, other)
        if pair not in self._links:
            self._links[pair] = self._find(one, other)
        return self._links[pair]

    def meet(self, one: SocketNote, other: SocketNote) -> bool:
        """Whether nothing stands between the two."""
        link = self.link(one, other)
        return link is not None and link.direct

    def _find(self, one: SocketNote, other: SocketNote) -> Link | None:
        if one is other:
            return None
        bound, connected = self._ends(one)
        others_bound, others_connected = self._ends(other)
        ends, others_ends = bound | connected, others_bound | others_connected
        if not ends or not others_ends or bound & others_connected or connected & others_bound:
            meets = other.kind in MEETS.get(one.kind, {other.kind})
            return Link(True, 0) if meets else None
        beyond = self._through(ends)
        return next(
            (Link(False, beyond[end]) for end in sorted(others_ends) if end in beyond), None
        )

    def _depth(self, socket: SocketNote) -> int:
        beyond = self._through(set.union(*self._ends(socket)))
        return max(0, -min(beyond.values(), default=0))

    def _through(self, ends: set[str]) -> dict[str, int]:
        """Each place that proxies lead to from these: how many addresses a message gains to there.

        Where a proxy takes in a message at a ROUTER it gains one, where it goes out at a ROUTER it
        loses one.
        """
        start = frozenset(ends)
        if start not in self._beyond:
            gained, todo, passed = dict.fromkeys(start, 0), sorted(start), set()
            for place in todo:
                for near in self._doors.get(place, ()):
                    if near.who in passed:
                        continue
                    passed.add(near.who)
                    for far in self._proxies[near.who]:
                        if far is not near:
                            more = (near.kind == "ROUTER") - (far.kind == "ROUTER")
                            new = sorted(set.union(*self._ends(far)) - gained.keys())
                            gained |= dict.fromkeys(new, gained[place] + more)
                            todo += new
            self._beyond[start] = {end: n for end, n in gained.items() if end not in start}
        return self._beyond[start]

    def _ends(self, socket: SocketNote) -> tuple[set[str], set[str]]:
        return {self._at(end) for end in socket.bound}, {self._at(end) for end in socket.connected}

    def _at(self, endpoint: str) -> str:
        place = place_of(endpoint)
        return self._place.get(place, place)
