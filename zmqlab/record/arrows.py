"""Which send and which receive are one message: the arrows of a journal.

Nothing on the wire numbers messages, so the two ends are matched by what is known of them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .journal import Frames, Hop, Journal, SocketNote
from .place import place_of

_Peers = dict[tuple[SocketNote, bytes], set[SocketNote]]
_Times = dict[Frames, dict[SocketNote, list[float]]]  # by key, by socket


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
    the first empty frame is known here, so `messages` compares from there.
    """
    frames = hop.frames
    if hop.socket.kind == "ROUTER":
        return frames[1:]
    if hop.socket.kind in ("REQ", "REP"):
        return (b"", *frames)
    return frames


def messages(journal: Journal) -> list[Message]:
    """Every message with both its ends, in order of the hop that shows it first.

    What is known: sockets that share an endpoint (where endpoints are known), the frames that
    travel, that no message is received before it was sent, the order of messages between two
    sockets, and for a ROUTER which peer it means by an address, learned from all the hops. Where
    messages are alike in all of that, the one sent first counts as received first.
    """
    hops = journal.hops
    net = _Net(journal.sockets, (hop.socket for hop in hops), journal.same_places)
    return _match(hops, net)


# --- Which receive belongs to which send ------------------------------------------------------

_MEETS = {  # which kinds of sockets talk to each other (28/REQREP, 30/PIPELINE, 31/EXPAIR)
    "PUSH": {"PULL"},
    "PULL": {"PUSH"},
    "REQ": {"REP", "ROUTER"},
    "REP": {"REQ", "DEALER"},
    "DEALER": {"REP", "DEALER", "ROUTER"},
    "ROUTER": {"REQ", "DEALER", "ROUTER"},
    "PAIR": {"PAIR"},
}


class _Link(NamedTuple):
    """How a message gets from one socket to another."""

    direct: bool  # else through proxies
    gained: int  # addresses in front, once it is there; negative: as many lost


class _Net:
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
        self._proxies: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)  # kinds, places
        for socket in sockets:
            if socket not in self.sockets:
                self._proxies[socket.who].append((socket.kind, set.union(*self._ends(socket))))
        self._doors: dict[str, list[tuple[str, str]]] = defaultdict(list)  # at a place: whose, kind
        for who, silent in self._proxies.items():
            for kind, places in silent:
                for place in places:
                    self._doors[place].append((who, kind))
        self._beyond: dict[frozenset[str], dict[str, int]] = {}
        self._links: dict[tuple[SocketNote, SocketNote], _Link | None] = {}
        self._depths = {socket: self._depth(socket) for socket in self.sockets}
        self.depths = sorted({*self._depths.values(), 0})

    def depth(self, socket: SocketNote) -> int:
        """How many addresses the proxies before this socket put in front of what comes there."""
        return self._depths[socket]

    def link(self, one: SocketNote, other: SocketNote) -> _Link | None:
        """How what the one socket sends gets to the other; None: it cannot."""
        pair = (one, other)
        if pair not in self._links:
            self._links[pair] = self._find(one, other)
        return self._links[pair]

    def meet(self, one: SocketNote, other: SocketNote) -> bool:
        """Whether nothing stands between the two."""
        link = self.link(one, other)
        return link is not None and link.direct

    def _find(self, one: SocketNote, other: SocketNote) -> _Link | None:
        if one is other:
            return None
        bound, connected = self._ends(one)
        others_bound, others_connected = self._ends(other)
        ends, others_ends = bound | connected, others_bound | others_connected
        if not ends or not others_ends or bound & others_connected or connected & others_bound:
            meets = other.kind in _MEETS.get(one.kind, {other.kind})
            return _Link(True, 0) if meets else None
        beyond = self._through(ends)
        return next((_Link(False, beyond[end]) for end in others_ends if end in beyond), None)

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
            gained, todo, passed = dict.fromkeys(start, 0), list(start), set()
            for place in todo:
                for who, kind in self._doors.get(place, ()):
                    if who in passed:
                        continue
                    passed.add(who)
                    for other_kind, places in self._proxies[who]:
                        more = (kind == "ROUTER") - (other_kind == "ROUTER")
                        for end in places - gained.keys():
                            gained[end] = gained[place] + more
                            todo.append(end)
            self._beyond[start] = {end: n for end, n in gained.items() if end not in start}
        return self._beyond[start]

    def _ends(self, socket: SocketNote) -> tuple[set[str], set[str]]:
        return {self._at(end) for end in socket.bound}, {self._at(end) for end in socket.connected}

    def _at(self, endpoint: str) -> str:
        place = place_of(endpoint)
        return self._place.get(place, place)


def _sent_first(hop: Hop) -> tuple[float, bool]:
    """The moment of a hop; where two are the same, what was sent comes first."""
    return hop.moment, hop.way == "received"


def _key(hop: Hop, depth: int = 0) -> Frames:
    """What a sent and a received hop have in common: the frames from the first empty one on.

    Where none is empty: those after so many addresses that proxies put there.
    """
    frames = wire(hop)
    return frames[frames.index(b"") :] if b"" in frames else frames[depth:]


def _match(hops: Iterable[Hop], net: _Net) -> list[Message]:
    """Pair each received hop with the earliest sent one that can be its other end."""
    hops = sorted(hops, key=_sent_first)
    peers = _peers(hops, net)
    # By what travels, then by what else the sender tells; hops in one queue are alike but for time.
    waiting: dict[Frames, dict[_Lane, deque[Hop]]] = defaultdict(dict)
    envelopes: dict[SocketNote, Frames | None] = {}  # what each REP's next answer will carry
    pairs: list[Message] = []
    for hop in hops:
        if hop.way == "sent":
            key = _key(hop, net.depth(hop.socket))
            waiting[key].setdefault(_lane(hop, envelopes), deque()).append(hop)
            continue
        fitting = [
            (key, lane)
            for key in dict.fromkeys(_key(hop, depth) for depth in net.depths)
            for lane in waiting.get(key, ())
            if _can_be(lane, hop, net, peers)
        ]
        if not fitting:
            pairs.append(Message(None, hop))
            continue
        key, lane = min(fitting, key=lambda found: waiting[found[0]][found[1]][0].moment)
        lanes = waiting[key]
        pairs.append(Message(lanes[lane].popleft(), hop))
        direct = net.meet(lane.socket, hop.socket)
        envelopes[hop.socket] = lane.frames if direct else None  # proxies add addresses
        if not lanes[lane]:
            del lanes[lane]
        if not lanes:
            del waiting[key]
    left = (hop for lanes in waiting.values() for lane in lanes.values() for hop in lane)
    pairs += [Message(hop, None) for hop in left]
    return sorted(pairs, key=lambda pair: (pair.sent or pair.received).moment)  # type: ignore[union-attr]


class _Lane(NamedTuple):
    """What tells one sent hop from another with the same key."""

    socket: SocketNote
    address: bytes | None  # whom a ROUTER means
    frames: Frames | None  # all that travels, where that is known


def _lane(hop: Hop, envelopes: dict[SocketNote, Frames | None]) -> _Lane:
    kind, frames = hop.socket.kind, wire(hop)
    if kind == "ROUTER":
        return _Lane(hop.socket, hop.frames[0], frames)
    if kind == "REQ":
        return _Lane(hop.socket, None, None)  # REQ_CORRELATE puts an unseen frame before these
    if kind == "REP":  # answers with the addresses of the request that it received last
        request = envelopes.get(hop.socket)
        known = request is not None and b"" in request
        addresses = request[: request.index(b"")] if request is not None and known else ()
        return _Lane(hop.socket, None, (*addresses, *frames) if known else None)
    return _Lane(hop.socket, None, frames)


def _can_be(lane: _Lane, received: Hop, net: _Net, peers: _Peers) -> bool:
    """Whether a hop sent in this lane, with the same key, can be the other end of this one."""
    socket = received.socket
    link = net.link(lane.socket, socket)
    if link is None:
        return False
    if link.direct and not _is_meant(lane, received, peers):
        return False  # beyond a proxy, it is the proxy that a ROUTER means
    if lane.frames is None or socket.kind in ("REQ", "REP"):
        return True  # not all that travels is known: the keys are alike
    return lane.frames[max(0, -link.gained) :] == wire(received)[max(0, link.gained) :]


def _is_meant(lane: _Lane, received: Hop, peers: _Peers) -> bool:
    """Whether the address that a ROUTER at either end knows is the socket at the other end."""
    one, other = lane.socket, received.socket
    if lane.address is not None and other not in peers.get((one, lane.address), ()):
        return False
    return other.kind != "ROUTER" or one in peers.get((other, received.frames[0]), ())


# --- Whom a ROUTER means by an address --------------------------------------------------------


class _Talk:
    """What a ROUTER had to do with one of its addresses: the times of messages, by key."""

    def __init__(self) -> None:
        self.to_it: dict[Frames, list[float]] = defaultdict(list)
        self.from_it: dict[Frames, list[float]] = defaultdict(list)


def _peers(hops: Iterable[Hop], net: _Net) -> _Peers:
    """For each ROUTER and each address that it used: the sockets that this can be.

    An address that is some peer's own routing id is that peer. Any other is the peer whose
    messages explain best what the ROUTER received from there and sent there: several workers'
    READY are alike, but the first task that one of them gets tells which address is its own.
    """
    sent: _Times = defaultdict(dict)
    received: _Times = defaultdict(dict)
    talks: dict[SocketNote, dict[bytes, _Talk]] = defaultdict(lambda: defaultdict(_Talk))
    for hop in hops:
        key, moment = _key(hop), hop.moment
        times = (sent if hop.way == "sent" else received)[key]
        times.setdefault(hop.socket, []).append(moment)
        if hop.socket.kind == "ROUTER":
            talk = talks[hop.socket][hop.frames[0]]
            (talk.to_it if hop.way == "sent" else talk.from_it)[key].append(moment)
    peers: _Peers = {}
    for router, addresses in talks.items():
        for talk in addresses.values():  # what no recorded socket has sent is no evidence
            talk.from_it = {key: times for key, times in talk.from_it.items() if key in sent}
        linked = [socket for socket in net.sockets if net.meet(router, socket)]
        for address in addresses:
            peers[router, address] = {peer for peer in linked if peer.routing_id == address}
        unnamed = {a: talk for a, talk in addresses.items() if not peers[router, a]}
        others = [peer for peer in linked if peer.routing_id not in addresses]
        fits = {a: _fits(talk, others, sent, received) for a, talk in unnamed.items()}
        for address, peer in _assign(fits, unnamed, sent).items():
            peers[router, address] = {peer}
    return peers


def _fits(
    talk: _Talk, peers: Iterable[SocketNote], sent: _Times, received: _Times
) -> dict[SocketNote, int]:
    """Those of the peers that an address can mean, each with how many messages that explains."""
    fits = {}
    for peer in peers:
        if not _all_sent_by(peer, [talk], sent):
            continue
        n = sum(map(len, talk.from_it.values())) + sum(
            _explained(times, received[key].get(peer, ()))
            for key, times in talk.to_it.items()
            if key in received
        )
        if n:
            fits[peer] = n
    return fits


def _assign(
    fits: dict[bytes, dict[SocketNote, int]], talks: dict[bytes, _Talk], sent: _Times
) -> dict[bytes, SocketNote]:
    """To each address a socket of its own: one that explains most, else one that fits.

    A maximum matching (H. W. Kuhn 1955, by augmenting paths). Who is left without gets a socket
    that has an address already (it has connected again) if that has sent enough for both.
    """
    owner: dict[SocketNote, bytes] = {}

    def settle(address: bytes, choices: dict[bytes, list[SocketNote]], asked: set[Any]) -> bool:
        for peer in sorted(choices[address], key=lambda peer: peer in owner):  # the free first
            if peer not in asked:
                asked.add(peer)
                if peer not in owner or settle(owner[peer], choices, asked):
                    owner[peer] = address
                    return True
        return False

    most = {address: max(fit.values(), default=0) for address, fit in fits.items()}
    best = {a: [peer for peer, n in fit.items() if n == most[a]] for a, fit in fits.items()}
    any_that_fits = {address: list(fit) for address, fit in fits.items()}
    for choices in (best, any_that_fits):
        for address in sorted(fits, key=lambda address: -most[address]):
            if address not in owner.values():
                settle(address, choices, set())
    found = {address: peer for peer, address in owner.items()}
    uses = {peer: [talks[address]] for peer, address in owner.items()}
    for address in fits.keys() - found.keys():
        for peer in fits[address]:
            both = [*uses[peer], talks[address]]
            if _all_sent_by(peer, both, sent):
                found[address], uses[peer] = peer, both
                break
    return found


def _all_sent_by(peer: SocketNote, talks: Sequence[_Talk], sent: _Times) -> bool:
    """Whether this socket had sent all that a ROUTER received from these addresses."""
    for key in dict.fromkeys(key for talk in talks for key in talk.from_it):
        arrived = sorted(time for talk in talks for time in talk.from_it.get(key, ()))
        if _explained(sent[key].get(peer, ()), arrived) < len(arrived):
            return False
    return True


def _explained(sent: Sequence[float], received: Sequence[float]) -> int:
    """How many of these can be the same messages, none received before it was sent."""
    n = 0
    for moment in received:
        if n < len(sent) and sent[n] <= moment:
            n += 1
    return n
