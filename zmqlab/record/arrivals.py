"""Who is there: peers of a socket, counted by their handshakes."""

from __future__ import annotations

import time
from itertools import count

import zmq
from zmq.utils.monitor import recv_monitor_message

_FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
_BEGUN = zmq.EVENT_ACCEPTED | zmq.EVENT_CONNECTED  # who binds says the one, who connects the other
_EVENTS = _BEGUN | zmq.EVENT_HANDSHAKE_SUCCEEDED | _FAILED | zmq.EVENT_DISCONNECTED
_NUMBERS = count(1)


class Connections:
    """The connections of a socket, each with its own handshake and its own end.

    The monitor names a connection by its file descriptor where it begins and where it ends, and
    not where its handshake succeeds. As long as several have none, one of them is meant.
    """

    def __init__(self) -> None:
        self._peers: set[int] = set()  # their handshake has succeeded
        self._new: set[int] = set()  # that of some of these has
        self._succeeded = 0  # of how many
        self._failed = False  # a handshake just has: libzmq says so before it ends its connection

    @property
    def peers(self) -> int:
        """Those that have finished their handshake and are still there."""
        return len(self._peers) + self._succeeded

    def note(self, event: int, value: int) -> None:
        """Take one event of the monitor, with its value."""
        if event & _BEGUN:
            self._end(value)  # an end that nobody told of: the number was free again
            self._new.add(value)
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            self._succeeded += 1
        elif event == zmq.EVENT_DISCONNECTED:
            self._end(value)
        self._failed = bool(event & _FAILED)
        if self._succeeded >= len(self._new):
            self._peers |= self._new
            self._new, self._succeeded = set(), 0

    def _end(self, connection: int) -> None:
        self._peers.discard(connection)
        if connection in self._new:
            self._new.discard(connection)
            self._succeeded -= self._succeeded > 0 and not self._failed


class Arrivals:
    """How many peers have finished their handshake with a socket and are still there.

    Reads the socket's monitor (zmq_socket_monitor(3)). Make it before `bind` or `connect`, and use
    it in the thread of the socket. inproc has no handshake and no monitor events.
    """

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self._socket = socket
        # pyzmq would name it by the socket's descriptor: a closed one may have that name still.
        self._monitor = socket.get_monitor_socket(_EVENTS, f"inproc://arrivals-{next(_NUMBERS)}")
        self._connections = Connections()

    @property
    def count(self) -> int:
        """Peers connected now; the socket's next send knows of them."""
        self._read(0)
        # A send looks for news of its peers about once a millisecond; this call always does.
        self._socket.get(zmq.EVENTS)
        return self._connections.peers

    def wait(self, n: int, patience: float) -> None:
        """Return when `n` peers are connected; raise TimeoutError after `patience` seconds."""
        deadline = time.monotonic() + patience
        while (here := self.count) < n:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"{here} of {n} peers connected within {patience:g} s.\n"
                    "Likely: a peer was not started, or connects to another endpoint."
                )
            self._read(left)

    def _read(self, seconds: float) -> None:
        """Take all events that are there; wait for the first at most `seconds`."""
        while self._monitor.poll(max(0, int(seconds * 1000))):
            told = recv_monitor_message(self._monitor)
            self._connections.note(told["event"], told["value"])
            seconds = 0
