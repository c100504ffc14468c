"""The lens: a zmq.Context whose sockets note every whole message in a journal.

To the code that uses them they are pyzmq's own sockets: same calls, same options, same errors.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread, current_thread, get_ident, local
from time import monotonic
from typing import Any

import zmq
from zmq.backend import Socket as _Backend

from .journal import Journal, SocketNote, Wait, Way

_send, _recv = _Backend.send, _Backend.recv
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
    _maker: int = 0  # the thread that made it: its number, which another may get when it ended
    _thread: Thread | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._maker, self._thread = get_ident(), current_thread()
        super().__init__(*args, **kwargs)

    def set(self, option: int, value: Any) -> None:
        """Set a socket option; ZMQ_LINGER at most as long as the context allows."""
        super().set(option, self._allowed(value) if option == zmq.LINGER else value)

    setsockopt = set  # type: ignore[assignment]

    def connect(self, addr: str) -> Any:
        """Connect as zmq.Socket does, before the end of the Context begins or not at all.

        ContextTerminated: it has begun.
        """
        with self.context.connecting:
            if self.context.ending:
                raise zmq.ContextTerminated
            return super().connect(addr)

    def close(self, linger: int | None = None) -> None:
        """Close the socket, and the monitor that was made for it."""
        monitor, self._monitor_socket = self._monitor_socket, None
        if monitor is not None:
            monitor.close()
        super().close(linger if linger is None else self._allowed(linger))

    def _allowed(self, linger: int) -> int:
        longest = self.context.longest_linger
        return linger if longest is None or 0 <= linger <= longest else longest


class _Here(local):
    """What `participant` said in this thread when it last made a socket, or first used one.

    Not kept by the thread's number: another thread may get that when this one has ended.
    """

    def __init__(self) -> None:  # in each thread, when it asks first
        self.name = participant()


_here = _Here()

# What a socket notes its hops with: the call that takes them, the place of its note in the
# journal, and the frames of a message that is not whole yet, each with the beginning of its call.
# One tuple, because reading an attribute of a zmq.Socket costs almost as much as the clock.
_Pen = tuple[Callable[[Any], None], int, list[tuple[bytes, float]]]


def _note_part(pen: _Pen, way: Way, frame: bytes, more: bool, since: float) -> None:
    """Note one frame of several; after the last one, the message."""
    record, place, parts = pen
    parts.append((frame, since))
    if not more:
        frames, began = zip(*parts, strict=True)
        parts.clear()
        record((monotonic(), _here.name, place, way, frames, began[0]))


def _ignore(hop: object) -> None:
    """Take the hops of a socket that is not to be noted."""


class Socket(PlainSocket):
    """A zmq.Socket that notes each whole message it has sent or received.

    Noting is six values put on a list, so that it changes little of what it shows. Messages of
    one frame, the most frequent, take the short way.
    """

    note: SocketNote | None = None  # None while a socket is not to be noted (monitors)
    _out: _Pen
    _in: _Pen
    _hops_at_wait: int = -1  # how many hops there were when it last noted a wait

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _here.name = participant()
        journal = self.context.journal
        if journal is not None:
            self.note = journal.open_socket(_here.name, self._type_name)
            self._note_with(journal.record, self.note.number - 1)
        else:
            self._note_with(_ignore)

    def _note_with(self, record: Callable[[Any], None], place: int = 0) -> None:
        self._out, self._in = (record, place, []), (record, place, [])

    def bind(self, addr: str) -> Any:
        """Bind as zmq.Socket does, and note the endpoint."""
        bound = super().bind(addr)
        if self.note is not None:
            self._note_routing_id(self.note)
            self.note.bound.append(self.get(zmq.LAST_ENDPOINT).decode())  # type: ignore[union-attr]
        return bound

    def connect(self, addr: str) -> Any:
        """Connect as zmq.Socket does, and note the endpoint."""
        if addr.startswith("inproc://monitor."):  # ZeroMQ's own events are not messages
            self.note = None
            self._note_with(_ignore)
        connected = super().connect(addr)
        if self.note is not None:
            self._note_routing_id(self.note)
            self.note.connected.append(addr)
        return connected

    def _note_routing_id(self, note: SocketNote) -> None:
        if note.kind in ("REQ", "REP", "DEALER", "ROUTER"):
            note.routing_id = self.get(zmq.ROUTING_ID)  # type: ignore[assignment]

    def send(
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        routing_id: int | None = None,
        group: str | None = None,
    ) -> Any:
        """Send one frame as zmq.Socket does; the last frame of a message makes a hop."""
        since = monotonic()
        if routing_id is None and group is None:
            tracker = _send(self, data, flags, copy, track)
        else:
            tracker = super().send(data, flags, copy, track, routing_id, group)
        frame = data if type(data) is bytes else bytes(data)
        pen = record, place, parts = self._out
        if parts or (flags and flags & _SNDMORE):
            _note_part(pen, "sent", frame, bool(flags & _SNDMORE), since)
        else:
            record((monotonic(), _here.name, place, "sent", frame, since))
        return tracker

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one frame as zmq.Socket does; the last frame of a message makes a hop."""
        since = monotonic()
        try:
            # A Frame knows whether more follow; asking the socket would cost more than this.
            part = _recv(self, flags, False, track)
        except zmq.ZMQError:
            self._note_wait(since)
            raise
        frame = part.bytes
        pen = record, place, parts = self._in
        if parts or part.more:
            _note_part(pen, "received", frame, part.more, since)
        else:
            record((monotonic(), _here.name, place, "received", frame, since))
        return frame if copy else part

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> Any:
        """Receive one frame into a buffer as zmq.Socket does; note what fitted."""
        since = monotonic()
        try:
            size = super().recv_into(buffer, nbytes=nbytes, flags=flags)
        except zmq.ZMQError:
            self._note_wait(since)
            raise
        frame = bytes(memoryview(buffer).cast("B")[: min(size, nbytes or size)])
        _note_part(self._in, "received", frame, bool(self.get(zmq.RCVMORE)), since)
        return size

    def poll(self, timeout: int | None = None, flags: int = zmq.POLLIN) -> int:
        """Poll as zmq.Socket does; who asks for a message has ended the work before it."""
        if flags & zmq.POLLIN:
            self._note_wait(monotonic())
        return super().poll(timeout, flags)

    def _note_wait(self, since: float) -> None:
        """Note that somebody asked for a message; once between two hops, however often he asks."""
        journal = self.context.journal
        if self.note is not None and journal is not None and len(journal) != self._hops_at_wait:
            self._hops_at_wait = len(journal)
            journal.add_wait(Wait(_here.name, self.note, since))


class Context(zmq.Context[Any]):
    """A zmq.Context that notes in `journal` what its sockets send and receive.

    Without a journal its sockets are plain and cost nothing. `longest_linger` (milliseconds)
    limits how long a closed socket may keep the context from ending; None: no limit.
    """

    journal: Journal | None = None
    longest_linger: int | None = None
    connecting: Any = None  # a lock, held while a socket connects
    ending = False  # set under that lock: from then on no socket connects

    def __init__(self, journal: Journal | None = None, *, longest_linger: int | None = None):
        super().__init__()
        self.journal = journal
        self.connecting = Lock()
        self.longest_linger = longest_linger

    def socket(self, socket_type: int, socket_class: Any = None, **kwargs: Any) -> Any:
        """Make a socket of this context: recording, if there is a journal to record in."""
        if socket_class is None:
            socket_class = PlainSocket if self.journal is None else Socket
        return super().socket(socket_type, socket_class, **kwargs)

    def unclosed(self) -> list[zmq.Socket[bytes]]:
        """The sockets that nobody has closed yet. Others may make and close some meanwhile."""
        while True:
            with suppress(RuntimeError):  # "Set changed size": another thread just has
                return [socket for socket in list(self._sockets) if not socket.closed]

    def open_sockets(self) -> list[str]:
        """The same in words, as "w1's PULL"."""
        return sorted(
            repr(getattr(socket, "note", None) or socket._type_name) for socket in self.unclosed()
        )
