"""Who is there: peers of a binding socket, counted by their handshakes."""

from __future__ import annotations

import time

import zmq
from zmq.utils.monitor import recv_monitor_message


class Arrivals:
    """How many peers have finished their handshake with a binding socket.

    Counts ZMTP handshakes on the socket's monitor (zmq_socket_monitor(3)), less the peers that
    have left. Make it before `bind`, and use it in the thread of the socket. inproc has no
    handshake and no monitor events.
    """

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        events = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
        self._socket = socket
        self._monitor = socket.get_monitor_socket(events)
        self._count = 0

    @property
    def count(self) -> int:
        """Peers connected now; the socket's next send knows of them."""
        self._read(0)
        # A send looks for news of its peers about once a millisecond; this call always does.
        self._socket.get(zmq.EVENTS)
        return self._count

    def wait(self, n: int, patience: float) -> None:
        """Return when `n` peers are connected; raise TimeoutError after `patience` seconds."""
        deadline = time.monotonic() + patience
        while self.count < n:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"{self._count} of {n} peers connected within {patience:g} s.\n"
                    "Likely: a peer was not started, or connects to another endpoint."
                )
            self._read(left)

    def _read(self, seconds: float) -> None:
        """Take all events that are there; wait for the first at most `seconds`."""
        while self._monitor.poll(max(0, int(seconds * 1000))):
            event = recv_monitor_message(self._monitor)["event"]
            self._count += 1 if event == zmq.EVENT_HANDSHAKE_SUCCEEDED else -1
            seconds = 0
