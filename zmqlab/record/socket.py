"""A recording socket: zmq.Socket in all that it does, and it notes what it sends and receives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from threading import current_thread, local
from time import monotonic
from typing import Any

import zmq
from zmq.backend import Socket as _Backend

from .journal import Name, SocketNote, Wait, Way
from .more import More, asks_pyzmq, more_of
from .plain import PlainSocket, text

_send, _recv = _Backend.send, _Backend.recv
_SNDMORE = int(zmq.SNDMORE)  # an int: arithmetic with zmq's enum flags costs more than a send


def participant() -> str:
    """The name under which this thread appears in journals ("main" for the main thread)."""
    name = current_thread().name
    return "main" if name == "MainThread" else name


_threads = count(1)


class _Here(local):
    """What `participant` said in this thread when it last made a socket, or first used one.

    Not kept by the thread's number: another thread may get that when this one has ended.
    """

    def __init__(self) -> None:  # in each thread, when it asks first
        self.thread = next(_threads)
        self.look()

    def look(self) -> None:
        """Look again how this thread is called."""
        self.name = Name(participant(), self.thread)


_here = _Here()

_Record = Callable[[Any], None]
_Parts = list[Any]

# What a socket notes its hops with: the call that takes them, the place of its note in the
# journal, and of a message that is not whole yet the beginning of its first call and its frames.
# One tuple, because reading an attribute of a zmq.Socket costs almost as much as the clock. (The
# calls as closures would cost less still. But then a socket that nobody closes would live on.)
_Pen = tuple[_Record, int, _Parts]


def _note(pen: _Pen, way: Way, frames: Sequence[bytes], more: Any, since: float) -> None:
    """Note frames whose call began at `since`: at the last one of a message, the message."""
    record, place, parts = pen
    if more or parts:
        parts.extend(frames if parts else (since, *frames))
        if more:
            return
        since, *frames = parts
        parts.clear()
    whole = tuple(frames) if len(frames) > 1 else frames[0]
    record((monotonic(), _here.name, place, way, whole, since))


def _ignore(hop: object) -> None:
    """Take the hops of a socket that is not to be noted."""


def _bytes_of(data: Any) -> bytes:
    """What travels when this is sent: the bytes of its buffer, in the order of the memory."""
    try:
        return memoryview(data).tobytes("A")
    except (TypeError, ValueError, BufferError):
        return b""  # it cannot be sent: pyzmq will say why


class Socket(PlainSocket):
    """A zmq.Socket that notes each whole message it has sent or received.

    Noting is six values put on a list, so that it changes little of what it shows. Messages of
    one frame, the most frequent, take the short way.
    """

    __slots__ = ("__in", "__out")  # found sooner than in the __dict__
    _repr_cls = "zmq.Socket"
    _noted: SocketNote | None = None
    __out: _Pen
    __in: tuple[_Record, int, _Parts, *More]
    _hops_at_wait: int = -1  # how many hops there were when it last noted a wait

    def __new__(cls, *args: Any, **kwargs: Any) -> Socket:
        """A socket that notes nothing yet."""
        socket: Socket = super().__new__(cls, *args, **kwargs)  # type: ignore[assignment]
        socket.__out, socket.__in = (_ignore, 0, []), (_ignore, 0, [], *asks_pyzmq(socket))
        return socket

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.begin_to_note()

    def begin_to_note(self) -> None:
        """Begin to note, in the journal of the Context. Twice is once."""
        journal = getattr(self.context, "journal", None)
        if isinstance(self.original, Socket):  # one socket for libzmq: one for the journal
            self._noted = self.original._noted
            self.__out, self.__in = self.original.__out, self.original.__in
        elif journal is not None and self._noted is None:
            _here.look()
            self._noted = journal.open_socket(_here.name, self._type_name)
            place = self._noted.number - 1
            self.__out = journal.record, place, []
            self.__in = journal.record, place, [], *more_of(self)

    @property
    def note(self) -> SocketNote | None:
        """What the journal knows of it; None while it is not to be noted (a monitor's reader)."""
        return self._noted

    def bind(self, addr: str) -> Any:
        """Bind as zmq.Socket does, and note the endpoint."""
        bound = super().bind(addr)
        if self._noted is not None:
            self._note_routing_id(self._noted)
            self._noted.bound.append(text(self.get(zmq.LAST_ENDPOINT)))
        return bound

    def connect(self, addr: str) -> Any:
        """Connect as zmq.Socket does, and note the endpoint."""
        connected = super().connect(addr)
        if self._noted is not None:
            self._note_routing_id(self._noted)
            self._noted.connected.append(self.peers[-1])
        return connected

    def _read_events(self) -> None:
        """From now on this socket is a monitor's reader: ZeroMQ's events are not messages."""
        super()._read_events()
        self._noted = None
        self.__out, self.__in = (_ignore, 0, []), (_ignore, 0, [], *more_of(self))

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
        since, tracker = monotonic(), None
        if copy and type(data) is bytes and not track and routing_id is None and group is None:
            frame = data
            _send(self, data, flags)
        else:
            frame = _bytes_of(data)
            tracker = super().send(data, flags, copy, track, routing_id, group)
        record, place, parts = self.__out
        if parts or (flags and flags & _SNDMORE):
            _note(self.__out, "sent", [frame], flags & _SNDMORE, since)
        else:
            record((monotonic(), _here.name, place, "sent", frame, since))
        return tracker

    def recv(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive one frame as zmq.Socket does; the last frame of a message makes a hop."""
        since = monotonic()
        try:
            frame: Any = _recv(self, flags) if copy else _recv(self, flags, copy, track)
        except zmq.ZMQError:
            self._note_wait(since)
            raise
        data = frame if copy else frame.bytes
        record, place, parts, ask, where, answer = self.__in
        ask(*where)
        if parts or answer.value:
            _note((record, place, parts), "received", [data], answer.value, since)
        else:
            record((monotonic(), _here.name, place, "received", data, since))
        return frame

    def send_multipart(
        self, msg_parts: Any, flags: int = 0, copy: bool = True, track: bool = False, **kwargs: Any
    ) -> Any:
        """Send a message as zmq.Socket does; it makes a hop."""
        if (
            type(msg_parts) not in (list, tuple)
            or {*map(type, msg_parts)} != {bytes}
            or not copy
            or kwargs
            or self._is_changed("send")
        ):
            return super().send_multipart(msg_parts, flags, copy, track, **kwargs)
        since, flags, sent = monotonic(), int(flags), 0
        more = flags | _SNDMORE
        try:
            for part in msg_parts[:-1]:
                _send(self, part, more)
                sent += 1
            _send(self, msg_parts[-1], flags)
        except BaseException:
            if sent:
                _note(self.__out, "sent", msg_parts[:sent], True, since)
            raise
        _note(self.__out, "sent", msg_parts, flags & _SNDMORE, since)
        return None

    def recv_multipart(self, flags: int = 0, copy: bool = True, track: bool = False) -> Any:
        """Receive a message as zmq.Socket does; it makes a hop."""
        if not copy or self._is_changed("recv"):
            return super().recv_multipart(flags, copy, track)
        since, frames = monotonic(), []
        record, place, parts, ask, where, answer = self.__in
        pen = (record, place, parts)
        try:
            answer.value = 1
            while answer.value:
                frames.append(_recv(self, flags))
                ask(*where)
        except BaseException as error:
            if frames:
                _note(pen, "received", frames, True, since)
            elif isinstance(error, zmq.ZMQError):
                self._note_wait(since)
            raise
        _note(pen, "received", frames, False, since)
        return frames

    def _is_changed(self, name: str) -> bool:
        """Whether a subclass, or whoever has the socket, has a `send` or `recv` of its own."""
        return getattr(getattr(self, name), "__func__", None) is not getattr(Socket, name)

    def recv_into(self, buffer: Any, /, *, nbytes: int = 0, flags: int = 0) -> Any:
        """Receive one frame into a buffer as zmq.Socket does; note what fitted."""
        since = monotonic()
        try:
            size = super().recv_into(buffer, nbytes=nbytes, flags=flags)
        except zmq.ZMQError:
            self._note_wait(since)
            raise
        record, place, parts, ask, where, answer = self.__in
        pen = (record, place, parts)
        ask(*where)
        frame = _bytes_of(buffer)[: min(size, nbytes or size)]
        _note(pen, "received", [frame], answer.value, since)
        return size

    def poll(self, timeout: int | None = None, flags: int = zmq.POLLIN) -> int:
        """Poll as zmq.Socket does; who asks for a message has ended the work before it."""
        if flags & zmq.POLLIN:
            self._note_wait(monotonic())
        return super().poll(timeout, flags)

    def _note_wait(self, since: float) -> None:
        """Note that somebody asked for a message; once between two hops, however often he asks."""
        journal = getattr(self.context, "journal", None)
        if self._noted is not None and journal is not None and len(journal) != self._hops_at_wait:
            self._hops_at_wait = len(journal)
            journal.add_wait(Wait(_here.name, self._noted, since))
