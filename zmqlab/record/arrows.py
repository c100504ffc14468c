"""Which send and which receive are one message: the arrows of a journal.

Nothing on the wire numbers messages, so the two ends are matched by what is known of them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .journal import Frames, Hop, Journal, SocketNote
from .net import Link, Net

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

    What is known: which sockets reach each other (where endpoints are known), directly or through
    proxies that no journal hears; the frames that travel; that no message is received before it was
    sent; the order of messages between two sockets; and for a ROUTER which peer it means by an
    address, learned from all the hops. Where messages are alike in all of that, the one sent first
    counts as received first.
    """
    hops = journal.hops
    net = Net(journal.sockets, (hop.socket for hop in hops), journal.same_places)
    return _match(hops, net)


# --- Which receive belongs to which send ------------------------------------------------------


def _sent_first(hop: Hop) -> tuple[float, bool]:
    """The moment of a hop; where two are the same, what was sent comes first."""
    return hop.moment, hop.way == "received"


def _key(hop: Hop, depth: int = 0) -> Frames:
    """What a sent and a received hop have in common: the frames from the first empty one on.

    Where none is empty: those after so many addresses that proxies put there.
    """
    frames = wire(hop)
    return frames[frames.index(b"") :] if b"" in frames else frames[depth:]


def _match(hops: Iterable[Hop], net: Net) -> list[Message]:
    """Pair each received hop with a sent one that can be its other end."""
    hops = sorted(hops, key=_sent_first)
    waiting = _Waiting(net, _peers(hops, net))
    pairs: list[Message] = []
    for hop in hops:
        if hop.way == "sent":
            waiting.add(hop)
        else:
            pairs.append(Message(waiting.take(hop), hop))
    pairs += [Message(hop, None) for hop in waiting.left()]
    return sorted(pairs, key=lambda pair: (pair.sent or pair.received).moment)  # type: ignore[union-attr]


class _Lane(NamedTuple):
    """What tells one sent hop from another with the same key."""

    socket: SocketNote
    address: bytes | None  # whom a ROUTER means
    frames: Frames | None  # all that travels, where that is known


class _Waiting:
    """What was sent and is not received yet, by key, then by lane.

    The hops of a lane are alike but for time.
    """

    def __init__(self, net: Net, peers: _Peers) -> None:
        self._net, self._peers = net, peers
        self._lanes: dict[Frames, dict[_Lane, deque[Hop]]] = defaultdict(dict)
        self._envelopes: dict[SocketNote, Frames | None] = {}  # what a REP's next answer will carry

    def add(self, sent: Hop) -> None:
        key = _key(sent, self._net.depth(sent.socket))
        self._lanes[key].setdefault(self._lane(sent), deque()).append(sent)

    def take(self, received: Hop) -> Hop | None:
        """Its other end: the earliest that can be, of those that come directly if there are any."""
        best: tuple[tuple[bool, float], Frames, _Lane] | None = None
        for key in dict.fromkeys(_key(received, depth) for depth in self._net.depths):
            for lane, queue in self._lanes.get(key, {}).items():
                if (link := self._net.link(lane.socket, received.socket)) is None:
                    continue
                rank = (not link.direct, queue[0].moment)
                if (best is None or rank < best[0]) and self._can_be(lane, received, link):
                    best = rank, key, lane
        if best is None:
            return None
        (beyond, _), key, lane = best
        self._envelopes[received.socket] = None if beyond else lane.frames  # they add addresses
        lanes = self._lanes[key]
        sent = lanes[lane].popleft()
        if not lanes[lane]:
            del lanes[lane]
        if not lanes:
            del self._lanes[key]
        return sent

    def left(self) -> list[Hop]:
        """What nobody has received."""
        return [hop for lanes in self._lanes.values() for queue in lanes.values() for hop in queue]

    def _lane(self, sent: Hop) -> _Lane:
        kind, frames = sent.socket.kind, wire(sent)
        if kind == "ROUTER":
            return _Lane(sent.socket, sent.frames[0], frames)
        if kind == "REQ":
            return _Lane(sent.socket, None, None)  # REQ_CORRELATE puts an unseen frame before these
        if kind == "REP":  # answers with the addresses of the request that it received last
            request = self._envelopes.get(sent.socket)
            known = request is not None and b"" in request
            addresses = request[: request.index(b"")] if request is not None and known else ()
            return _Lane(sent.socket, None, (*addresses, *frames) if known else None)
        return _Lane(sent.socket, None, frames)

    def _can_be(self, lane: _Lane, received: Hop, link: Link) -> bool:
        """Whether a hop sent in this lane, with the same key, can be the other end of this one."""
        if link.direct and not self._is_meant(lane, received):
            return False  # beyond a proxy, it is the proxy that a ROUTER means
        if lane.frames is None or received.socket.kind in ("REQ", "REP"):
            return True  # not all that travels is known: the keys are alike
        return lane.frames[max(0, -link.gained) :] == wire(received)[max(0, link.gained) :]

    def _is_meant(self, lane: _Lane, received: Hop) -> bool:
        """Whether the address that a ROUTER at either end knows is the socket at the other end."""
        one, other = lane.socket, received.socket
        if lane.address is not None and other not in self._peers.get((one, lane.address), ()):
            return False
        return other.kind != "ROUTER" or one in self._peers.get((other, received.frames[0]), ())


# --- Whom a ROUTER means by an address --------------------------------------------------------


class _Talk:
    """What a ROUTER had to do with one of its addresses: the times of messages, by key."""

    def __init__(self) -> None:
        self.to_it: dict[Frames, list[float]] = defaultdict(list)
        self.from_it: dict[Frames, list[float]] = defaultdict(list)


def _peers(hops: Iterable[Hop], net: Net) -> _Peers:
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
