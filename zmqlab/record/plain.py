"""Plain sockets: zmq.Socket in all that it does, but unable to keep their Context from ending.

Here is also what their Context must know of them to end: who made them, and who may still connect.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Lock, Thread, current_thread
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import zmq


def text(addr: Any) -> str:
    """An address as it was given to pyzmq, which takes bytes too."""
    return addr if isinstance(addr, str) else bytes(addr).decode(errors="backslashreplace")


class Common:
    """What a Context and its shadows know together: they are one for libzmq."""

    def __init__(self) -> None:
        self.connecting = Lock()  # held while a socket connects
        self.ending = False  # set under that lock: from then on no socket connects
        self.makers: WeakKeyDictionary[Any, Thread] = WeakKeyDictionary()  # of every socket
        self.monitors: set[str] = set()  # the addresses at which sockets report their events
        self.terminating: list[Thread] = []  # who waits for the Context's end
        self.end = Lock()  # held by who ends it
        self.held: list[PlainSocket] = []  # readers of closed sockets' monitors: see `hold`

    def unclosed(self) -> list[Any]:
        """The sockets that nobody has closed yet. Others may make and close some meanwhile."""
        made = [ref() for ref in self.makers.keyrefs()]
        return [socket for socket in made if socket is not None and not socket.closed]

    def readers(self, addr: str) -> list[PlainSocket]:
        """The sockets that read, or wait to read, what is reported at a monitor's address."""
        sockets = [socket for socket in self.unclosed() if isinstance(socket, PlainSocket)]
        return [socket for socket in sockets if addr in socket.peers]

    def hold(self, addr: str) -> None:
        """Keep alive who reads this monitor, as long as the monitor is there.

        A closed socket that still has messages to deliver goes on reporting. When its reader is
        gone, libzmq's own thread waits for another one, and delivers nothing any more.
        """
        for reader in self.held.copy():
            if reader.maker is current_thread() and not reader._has_peer():
                self.held.remove(reader)
        self.held += self.readers(addr)


class PlainSocket(zmq.Socket[bytes]):
    """A zmq.Socket that cannot keep its Context open for ever.

    Where its Context states a `longest_linger`, a closed socket waits no longer than that for
    messages that nobody fetches. The limit is set with the option, not at the close: once a
    Context is ending, its sockets take no more options.
    """

    _repr_cls = "zmq.Socket"
    _maker: Thread
    _common: Common  # its Context's; one of its own, if that is no Context of this package
    peers: list[str]  # what it has connected to
    _reports_at: str = ""  # its monitor's address, while one is on
    _reads_events: bool = False  # whether it is the reader of a monitor
    original: PlainSocket | None = None  # the socket that this is a shadow of, if that is known

    def __new__(cls, ctx_or_socket: Any = None, *args: Any, **kwargs: Any) -> PlainSocket:
        """A socket that its Context knows before libzmq does: an interrupt cannot lose it.

        Not in __init__: a subclass may call that of zmq.Socket itself.
        """
        socket = super().__new__(cls)
        socket._maker, socket.peers = current_thread(), []
        socket._common = getattr(ctx_or_socket, "common", None) or Common()
        if isinstance(ctx_or_socket, zmq.Context):
            socket._common.makers[socket] = socket._maker
        return socket

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self._shadow:
            _by_address[self.underlying] = self
            return
        original = _by_address.get(self.underlying)
        if original is not None and not original.closed:
            self.original, self.context = original, original.context
        self._common = getattr(self.context, "common", None) or self._common

    @property
    def maker(self) -> Thread:
        """The thread that made it: not its number, which another thread may get."""
        return self._maker

    def set(self, option: int, optval: Any) -> None:
        """Set a socket option; ZMQ_LINGER at most as long as the Context allows."""
        super().set(option, self._allowed(optval) if option == zmq.LINGER else optval)

    setsockopt = set

    def connect(self, addr: str) -> Any:
        """Connect as zmq.Socket does, before the end of the Context begins or not at all.

        ContextTerminated: it has begun.
        """
        with self._common.connecting:
            if self._common.ending:
                raise zmq.ContextTerminated
            connected = super().connect(addr)
        self.peers.append(text(addr))
        if self.peers[-1] in self._common.monitors:
            self._read_events()
        return connected

    def monitor(self, addr: str | bytes | None, events: int = zmq.EVENT_ALL) -> None:
        """Report events as zmq.Socket does: what is read at `addr` is no message."""
        super().monitor(addr, events)
        self._common.monitors.discard(self._reports_at)
        self._reports_at = "" if addr is None else text(addr)
        if self._reports_at:
            self._common.monitors.add(self._reports_at)
            for reader in self._common.readers(self._reports_at):
                reader._read_events()

    def close(self, linger: int | None = None) -> None:
        """Close the socket. Its monitor, if one is on, keeps its reader until it is through."""
        if self._reports_at and not self.closed:
            self._common.monitors.discard(self._reports_at)
            if not self._common.ending:
                self._common.hold(self._reports_at)
        super().close(linger if linger is None else self._allowed(linger))

    def __del__(self) -> None:
        """A monitor's reader that nobody has closed goes with its socket: no word of warning."""
        if self._reads_events and not self.closed:
            self.close()
        super().__del__()

    def _read_events(self) -> None:
        """From now on this socket is a monitor's reader."""
        self._reads_events = True

    def _has_peer(self) -> bool:
        """Whether somebody is at the other end of this PAIR. Ask in the thread that uses it."""
        with suppress(zmq.ZMQError):
            return bool(int(self.get(zmq.EVENTS)) & zmq.POLLOUT)
        return False

    def _allowed(self, linger: Any) -> Any:
        longest = getattr(self.context, "longest_linger", None)
        if longest is None or not isinstance(linger, int) or 0 <= linger <= longest:
            return linger
        return longest


_by_address: WeakValueDictionary[int, PlainSocket] = WeakValueDictionary()
