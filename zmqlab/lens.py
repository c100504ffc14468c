"""The lens: a zmq.Context whose sockets note every whole message in a journal.

To the code that uses them they are pyzmq's own sockets: same calls, same options, same errors.
"""

from __future__ import annotations

from threading import current_thread, get_ident
from time import monotonic
from typing import Any

import zmq
from zmq.backend import Socket as _Backend

from .journal import Hop, Journal, SocketNote, Wait

_SNDMORE = int(zmq.SNDMORE)  # an int: arithmetic with zmq's enum flags costs more than a send


def participant() -> str:
    """The name under which this thread appears in journals ("main" for the main thread)."""
    name = current_thread().name
    return "main" if name == "MainThread" else name


class PlainSocket(zmq.Socket[bytes]):
    """A zmq.Socket that cannot keep its context open for ever.

    Where its context states a `longest_linger`, a closed socket waits no longer than that for
    messages that nobody fetches. The limit is set with the option, not at the close: once a
    context is ending, its sockets take no more options.
    """

    context: Context
    _maker: int = 0  # the thread that made it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._maker = get_ident()

    def set(self, option: int, value: Any) -> None:
        """Set a socket option; ZMQ_LINGER at most as long as the context allows."""
        super().set(option, self._allowed(value) if option == zmq.LINGER else value)

    setsockopt = set  # type: ignore[assignment]

    def close(self, linger: int | None = None) -> None:
        """Close the socket, and the monitor that was made for it."""
        monitor, self._monitor_socket = self._monitor_socket, None
        if monitor is not None:
            monitor.close()
        super().close(linger if linger is None else self._allowed(linger))

    def _allowed(self, linger: int) -> int:
        longest = self.context.longest_linger
        return linger if longest is None or 0 <= linger <= longest else longest


class Socket(PlainSocket):
    """A zmq.Socket that notes each whole message it has sent or received."""

    note: SocketNote | None = None  # None while a socket is not to be noted (monitors)
    _out: list[bytes]
    _in: list[bytes]
    _out_since: float = 0.0
    _in_since: float = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._out, self._in = [], []
        journal = self.context.journal
        if journal is not None:
            self.note = journal.open_socket(participant(), self._type_name)

    def bind(self, addr: str) -> Any:
        """Bind as zmq.Socket does, and note the endpoint."""
        bound = super().bind(addr)
        if self.note is not None:
            self._note_routing_id(self.note)
            self.note.bound.append(self.get(zmq.LAST_ENDPOINT).decode())  # type: ignore[union-attr]
        return bound

    def connect(self, addr: str) -> Any:
        """Connect as zmq.Socket does, and note the endpoint."""
        if addr.startswith("inproc://monitor."):
            self.note = None  # ZeroMQ's own events are not messages of the program
        connected = super().connect(addr)
        if self.note is not None:
            self._note_routing_id(self.note)
            self.note.connected.append(addr)
        return connected

    def _note_routing_id(self, note: SocketNote) -> None:
        if note.kind in ("REQ", "REP", "DEALER", "ROUTER"):
            note.routing_id = self.get(zmq.ROUTING_ID)  # type: ignore[assignment]

    def send(  # type: ignore[override]
        self, data: Any, flags: int = 0, copy: bool = True, track: bool = False, **kwargs: Any
    ) -> Any:
        """Send one frame as zmq.Socket does; the last frame of a message makes a hop."""
        since = monotonic()
        if kwargs:
            tracker = super().send(data, flags, copy, track, **kwargs)
        else:
            tracker = _Backend.send(self, data, flags, copy, track)
        note = self.note
        if note is None:
            return tracker
        frame = data if type(data) is bytes else bytes(data)
        if flags & _SNDMORE:
            if not self._out:
                self._out_since = since
            self._out.append(frame)
            return tracker
        if self._out:
            frames, since = (*self._out, frame), self._out_since
            self._out = []
        else:
            frames = (frame,)
        self._hop(note, "sent", frames, since)
        return tracker

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one frame as zmq.Socket does; the last frame of a message makes a hop."""
        since = monotonic()
        try:
            # A Frame knows whether more follow; asking the socket would cost another call.
            part = _Backend.recv(self, flags, False, track)
        except zmq.ZMQError:
            self._nothing_came(since)
            raise
        frame = part.bytes
        self._received(frame, part.more, since)
        return frame if copy else part

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> Any:
        """Receive one frame into a buffer as zmq.Socket does; note what fitted."""
        since = monotonic()
        try:
            size = super().recv_into(buffer, nbytes=nbytes, flags=flags)
        except zmq.ZMQError:
            self._nothing_came(since)
            raise
        frame = bytes(memoryview(buffer).cast("B")[: min(size, nbytes or size)])
        self._received(frame, bool(self.get(zmq.RCVMORE)), since)
        return size

    def _received(self, frame: bytes, more: bool, since: float) -> None:
        note = self.note
        if note is None:
            return
        if more:
            if not self._in:
                self._in_since = since
            self._in.append(frame)
        elif self._in:
            frames, self._in = (*self._in, frame), []
            self._hop(note, "received", frames, self._in_since)
        else:
            self._hop(note, "received", (frame,), since)

    def _hop(self, note: SocketNote, way: Any, frames: tuple[bytes, ...], since: float) -> None:
        who = note.who if get_ident() == self._maker else participant()
        self.context.journal.add(Hop(monotonic(), who, note, way, frames, since))  # type: ignore[union-attr]

    def _nothing_came(self, since: float) -> None:
        if self.note is not None:
            self.context.journal.add_wait(Wait(participant(), self.note, since))  # type: ignore[union-attr]


class Context(zmq.Context[Any]):
    """A zmq.Context that notes in `journal` what its sockets send and receive.

    Without a journal its sockets are plain and cost nothing. `longest_linger` (milliseconds)
    limits how long a closed socket may keep the context from ending; None: no limit.
    """

    journal: Journal | None = None
    longest_linger: int | None = None

    def __init__(self, journal: Journal | None = None, *, longest_linger: int | None = None):
        super().__init__()
        self.journal = journal
        self.longest_linger = longest_linger

    def socket(self, socket_type: int, socket_class: Any = None, **kwargs: Any) -> Any:
        """Make a socket of this context: recording, if there is a journal to record in."""
        if socket_class is None:
            socket_class = PlainSocket if self.journal is None else Socket
        return super().socket(socket_type, socket_class, **kwargs)

    def open_sockets(self) -> list[str]:
        """The sockets that nobody has closed yet, as "w1's PULL"."""
        return sorted(
            repr(getattr(socket, "note", None) or socket._type_name)
            for socket in list(self._sockets)
            if not socket.closed
        )
