"""One connection through the tap: two sockets, and two streams of octets between them."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable

from .faults import Fault, Plan
from .record import Record
from .zmtp import Decoder, Dialogue, Unit

ROOM = 256 * 1024  # octets held for one direction before no more are read
FOREVER = float("inf")


class Link:
    """One connection: the socket on the near side, the one on the far side, two streams.

    near: the socket of who has connected. target: host and port of the far side.
    selector: it is told what the two sockets wait for. faults: what is to happen before which
    message. log: takes every record. keep: octets kept of each body.
    """

    def __init__(
        self,
        near: socket.socket,
        target: tuple[str, int],
        selector: selectors.BaseSelector,
        faults: Plan,
        log: Callable[[Record], None],
        keep: int,
    ) -> None:
        self.number = 0  # the tap gives it one when the far side has answered
        self.near = near
        self.far = socket.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET)
        self.far.setblocking(False)
        for end in (near, self.far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.latency = 0.0
        self.stalled_until = 0.0  # FOREVER: until somebody says otherwise
        self.faults = faults
        self.dialogue = Dialogue(keep)
        self.streams = (
            Stream(self, "→", near, self.far),
            Stream(self, "←", self.far, near),
        )
        self.connected = self.closed = False
        self._log = log
        self._selector = selector
        self._watched: dict[socket.socket, int] = {}
        self.far.connect_ex(target)
        self._watch(self.far, selectors.EVENT_WRITE)

    def due(self) -> float:
        """When something can be done that no socket will announce (monotonic seconds)."""
        if not self.connected:
            return FOREVER
        if 0 < self.stalled_until < FOREVER:
            return self.stalled_until
        return FOREVER if self.stalled_until else min(s.due() for s in self.streams)

    def connect(self) -> bool:
        """Whether the far side took the connection; if not, the link is closed."""
        if self.far.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.close()
        else:
            self.connected = True
        return self.connected

    def step(self, near_ready: bool, far_ready: bool) -> None:
        """Read, pass on, close, as far as possible now."""
        now = time.monotonic()
        if self.stalled_until <= now:
            self.stalled_until = 0.0
        outward, homeward = self.streams
        if not self.stalled_until:
            if near_ready:
                outward.read()
            if far_ready:
                homeward.read()
            outward.write(now)
            homeward.write(now)
        if outward.ended and homeward.ended:
            self.close()
        else:
            self._watch(self.near, *self._wanted(outward, homeward))
            self._watch(self.far, *self._wanted(homeward, outward))

    def _wanted(self, reading: Stream, writing: Stream) -> tuple[int, ...]:
        if self.stalled_until:
            return ()
        wanted = [selectors.EVENT_READ] if reading.wants_more() else []
        return (*wanted, selectors.EVENT_WRITE) if writing.blocked else tuple(wanted)

    def _watch(self, end: socket.socket, *events: int) -> None:
        """Have the selector tell of just these events at this socket."""
        mask = sum(events)
        if self._watched.get(end, 0) == mask:
            return
        if end in self._watched:
            self._selector.unregister(end)
            del self._watched[end]
        if mask:
            self._selector.register(end, mask)
            self._watched[end] = mask

    def close(self) -> None:
        """Close both sides; what the tap still holds is lost, and its records say so."""
        for stream in self.streams:
            stream.give_up()
        for end in (self.near, self.far):
            self._watch(end)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.closed = True

    def note(self, way: str, unit: Unit) -> Record:
        """Record what has passed in this direction, or befallen it."""
        record = Record(time.monotonic(), self.number, way, unit)
        self._log(record)
        return record


class Stream:
    """One direction of a connection: octets read, decoded, held for a while, passed on."""

    def __init__(self, link: Link, way: str, source: socket.socket, sink: socket.socket) -> None:
        self.link = link
        self.way = way
        self.source = source
        self.sink = sink
        self.decoder: Decoder = link.dialogue.sides[way]
        self.queue: deque[tuple[float, memoryview | Fault]] = deque()  # (due, octets)
        self.held = 0  # octets in the queue
        self.passed = 0  # octets passed on so far
        self.unpassed: deque[Record] = deque()  # records of what is not wholly passed on yet
        self.not_before = 0.0
        self.messages = 0
        self.blocked = False  # the sink takes no more for now
        self.ending = False  # the source has ended
        self.ended = False  # and its end has been passed on, or there is nobody to take more

    def wants_more(self) -> bool:
        """Whether to read on: the source has not ended and there is room."""
        return not self.ending and not self.ended and self.held < ROOM

    def due(self) -> float:
        """When the next octets may be passed on."""
        if self.blocked or not self.queue:
            return FOREVER
        return max(self.queue[0][0], self.not_before)

    def read(self) -> None:
        """Take what the source has sent, note it, and queue it."""
        if not self.wants_more():
            return
        try:
            data = self.source.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ending = True
            for unit in self.decoder.close():
                self.link.note(self.way, unit)
            return
        base = self.decoder.taken
        for unit in self.link.dialogue.feed(self.way, data):
            self.unpassed.append(self.link.note(self.way, unit))
        self._enqueue(data, base)

    def _enqueue(self, data: bytes, base: int) -> None:
        """Queue octets, and before each message that begins in them the fault planned for it."""
        due = time.monotonic() + self.link.latency
        view, at = memoryview(data), 0
        for start in self.decoder.starts:
            fault = self.link.faults(self.link.number, self.way, self.messages)
            self.messages += 1
            if fault is not None:
                if start - base > at:
                    self.queue.append((due, view[at : start - base]))
                self.queue.append((due, fault))
                at = start - base
        self.queue.append((due, view[at:]))
        self.held += len(data)

    def write(self, now: float) -> None:
        """Pass on what is due, as far as the sink takes it."""
        self.blocked = False
        while self.queue and not self.ended and self.due() <= now and not self.link.stalled_until:
            due, head = self.queue.popleft()
            if isinstance(head, Fault):
                self._suffer(head, now)
                continue
            try:
                sent = self.sink.send(head)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.queue.appendleft((due, head))
                self.give_up()
                return
            self._count_passed(sent)
            if sent < len(head):
                self.queue.appendleft((due, head[sent:]))
                self.blocked = True
                return
        if self.ending and not self.queue and not self.ended:
            self.ended = True
            with contextlib.suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)

    def _count_passed(self, sent: int) -> None:
        self.held -= sent
        self.passed += sent
        while self.unpassed and self.unpassed[0].unit.end <= self.passed:
            self.unpassed.popleft()

    def _suffer(self, fault: Fault, now: float) -> None:
        """Carry out a planned fault whose turn has come."""
        wait = f"{fault.seconds * 1000:.0f} ms, " if fault.seconds else ""
        note = f"{wait}as planned"
        self.link.note(self.way, Unit("fault", b"", 0, 0, 0, fault.kind, {}, note))
        if fault.kind == "delay":
            self.not_before = now + fault.seconds
        elif fault.kind == "stall":
            self.link.stalled_until = now + fault.seconds
        else:
            for stream in self.link.streams:
                stream.give_up()

    def give_up(self) -> None:
        """Drop what is queued and mark its records as lost."""
        for record in self.unpassed:
            record.lost = True
        self.unpassed.clear()
        self.queue.clear()
        self.held = 0
        self.ended = True
