"""The tap: a relay on loopback between two sockets that shows what travels, and can disturb it.

    with Tap(endpoint, between=("client", "broker")) as tap:
        client.connect(tap.endpoint)      # in place of endpoint
        ...
    tap.wire                              # greeting, READY, frames with their flags

Every connection made to `tap.endpoint` is carried on to the real endpoint, octet by octet,
whatever the octets are. On command or by a plan the tap delays, stalls or cuts it. One thread
does all of it and ends with the `with`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Literal, NamedTuple

from zmqlab.record.journal import Journal
from zmqlab.run.interrupt import put_off_interrupt

from .record import Record, Wire
from .zmtp import KEEP, Decoder, Dialogue, Unit

ROOM = 256 * 1024  # octets that the tap holds for one direction before it stops reading
MOST = 100_000  # records kept; later ones are only counted


class Fault(NamedTuple):
    """Something to do to a connection just before a message passes.

    "delay": this direction waits `seconds`; "stall": both directions do; "cut": the connection
    is closed and the message is lost with all that was behind it.
    """

    kind: Literal["delay", "stall", "cut"]
    seconds: float = 0.0


@dataclass(frozen=True)
class Faults:
    """A plan of faults that depends on nothing but its seed and on which message it is.

    `cut`, `stall` and `delay` are probabilities for each message; the waits are drawn evenly
    from `seconds`. The same traffic meets the same faults, however fast it flows. Any function
    of (link, way, number) that returns a `Fault` or None may stand in its place.
    """

    seed: int
    cut: float = 0.0
    stall: float = 0.0
    delay: float = 0.0
    seconds: tuple[float, float] = (0.01, 0.1)

    def __call__(self, link: int, way: str, number: int) -> Fault | None:
        """The fault before the message `number` (0, 1, 2 …) in this direction of this link."""
        dice = Random(f"{self.seed} {link} {way} {number}")
        drawn, seconds = dice.random(), dice.uniform(*self.seconds)
        for kind, chance in (("cut", self.cut), ("stall", self.stall), ("delay", self.delay)):
            if drawn < chance:
                return Fault(kind, 0.0 if kind == "cut" else seconds)  # type: ignore[arg-type]
            drawn -= chance
        return None


class Tap:
    """A relay between whoever connects to `tap.endpoint` and the socket bound at `endpoint`.

    endpoint: "tcp://127.0.0.1:PORT"; anything beyond loopback is refused.
    between: names for the two sides in what is shown.
    faults: a `Faults` plan, or a function like it.
    journal: of the experiment that is tapped; with it, messages are matched across the tap.

    `wire` is what has travelled so far (`Wire`), also after the end. Commands take effect before
    they return; without `link` they mean all connections, those to come included.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        between: tuple[str, str] = ("connecting", "bound"),
        faults: Callable[[int, str, int], Fault | None] | None = None,
        journal: Journal | None = None,
        keep: int = KEEP,
    ) -> None:
        self.between = between
        self._real = endpoint
        self._journal = journal
        self._target = _loopback(endpoint)
        self._faults = faults
        self._keep = keep
        self._records: list[Record] = []
        self._forgotten = 0
        self._links: list[_Link] = []
        self._made = 0
        self._refused = 0
        self._latency = 0.0
        self._stalled = False
        self._orders: deque[Callable[[], None]] = deque()
        self._error: BaseException | None = None
        self._closing = False
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.endpoint = ""

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self) -> Tap:
        if self._thread is not None:
            raise RuntimeError("a Tap is used once; make another for the next experiment")
        try:
            with put_off_interrupt():
                self._begin()
        except KeyboardInterrupt:  # the `with` is not there yet to end anything
            self._end()
            raise
        return self

    def _begin(self) -> None:
        family = socket.AF_INET6 if ":" in self._target[0] else socket.AF_INET
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        self._listener = socket.create_server((host, 0), family=family, backlog=100)
        self._listener.setblocking(False)
        port = self._listener.getsockname()[1]
        self.endpoint = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
        if self._journal is not None:
            self._journal.same_place(self.endpoint, self._real)
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name=f"tap {port}", daemon=True)
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with put_off_interrupt():
            self._end()
        if self._error is not None:
            if error is None:
                raise self._error
            error.add_note(f"the tap had stopped before: {self._error!r}")

    def _end(self) -> None:
        if self._thread is None:
            return
        self._closing = True
        with contextlib.suppress(OSError):
            self._rope.send(b".")
        self._thread.join()
        self._rope.close()

    # -- what one can see ---------------------------------------------------------------------

    @property
    def wire(self) -> Wire:
        """What has travelled so far, earliest first."""
        return Wire(list(self._records), self.between, self._forgotten)

    @property
    def made(self) -> int:
        """Connections carried on to the real endpoint so far."""
        return self._made

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._links)

    @property
    def refused(self) -> int:
        """Connections that nobody was there to take at the real endpoint."""
        return self._refused

    # -- what one can do ----------------------------------------------------------------------

    def delay(self, seconds: float, link: int | None = None) -> None:
        """From now on let every octet arrive `seconds` later, in both directions."""
        if seconds < 0:
            raise ValueError("nothing can arrive before it was sent: seconds >= 0")

        def order() -> None:
            if link is None:
                self._latency = seconds
            for found in self._chosen(link):
                found.latency = seconds

        self._do(order)

    def stall(self, link: int | None = None) -> None:
        """Let nothing pass any more; the connection stays open, and the senders' queues fill."""
        self._do(lambda: self._set_stalled(True, link))

    def resume(self, link: int | None = None) -> None:
        """Let what was stalled go on; nothing was lost."""
        self._do(lambda: self._set_stalled(False, link))

    def cut(self, link: int | None = None) -> int:
        """Close the connections and drop what the tap holds of them; return how many there were.

        ZeroMQ's connecting side makes a new one by itself, soon after.
        """
        cut: list[_Link] = []

        def order() -> None:
            cut.extend(self._chosen(link))
            for found in cut:
                self._note(found, "→", Unit("fault", b"", 0, 0, name="cut", note="on command"))
                found.close()

        self._do(order)
        return len(cut)

    def _set_stalled(self, stalled: bool, link: int | None) -> None:
        if link is None:
            self._stalled = stalled
        for found in self._chosen(link):
            found.stalled_until = _FOREVER if stalled else 0.0

    def _chosen(self, link: int | None) -> list[_Link]:
        return [found for found in self._links if link is None or found.number == link]

    def _do(self, order: Callable[[], None]) -> None:
        """Have the relay's thread carry this out, and wait until it has."""
        if self._thread is None:
            raise RuntimeError(_NOT_RUNNING)
        if threading.current_thread() is self._thread:
            raise RuntimeError("a plan of faults gives no commands: let it return a Fault")
        done = threading.Event()

        def carry_out() -> None:
            order()
            done.set()

        self._orders.append(carry_out)
        with contextlib.suppress(OSError):
            self._rope.send(b".")
        while not done.wait(0.05):
            if not self._thread.is_alive():
                raise RuntimeError(_NOT_RUNNING)

    # -- the relay's thread -------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closing:
                self._step()
        except BaseException as error:
            self._error = error
        finally:
            for link in list(self._links):
                link.close()
            assert self._listener is not None
            self._listener.close()
            self._selector.close()
            self._bell.close()

    def _step(self) -> None:
        """Wait until something can be done, and do it."""
        now = time.monotonic()
        due = min((link.due() for link in self._links), default=_FOREVER)
        patience = None if due == _FOREVER else max(0.0, due - now)
        ready = {key.fileobj for key, _ in self._selector.select(patience)}
        if self._bell in ready:
            with contextlib.suppress(BlockingIOError):
                self._bell.recv(4096)
        while self._orders:
            self._orders.popleft()()
        if self._listener in ready:
            self._accept()
        for link in list(self._links):
            link.step(link.near in ready, link.far in ready)

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(BlockingIOError, ConnectionError):
            near, _ = self._listener.accept()
            near.setblocking(False)
            self._links.append(_Link(self, near))

    def _note(self, link: _Link, way: str, unit: Unit) -> Record:
        record = Record(time.monotonic(), link.number, way, unit)
        if len(self._records) < MOST:
            self._records.append(record)
        else:
            self._forgotten += 1
        return record

    def _fault_before(self, link: int, way: str, number: int) -> Fault | None:
        return self._faults(link, way, number) if self._faults is not None else None


_FOREVER = float("inf")
_NOT_RUNNING = "the tap is not running: give commands inside its with"


class _Link:
    """One connection: the socket on the near side, the one on the far side, two streams."""

    def __init__(self, tap: Tap, near: socket.socket) -> None:
        self.tap = tap
        self.number = 0  # known when the far side has answered
        self.near = near
        self.far = socket.socket(socket.AF_INET6 if ":" in tap._target[0] else socket.AF_INET)
        self.far.setblocking(False)
        for end in (near, self.far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.latency = tap._latency
        self.stalled_until = _FOREVER if tap._stalled else 0.0
        self.dialogue = Dialogue(tap._keep)
        self.streams = (
            _Stream(self, "→", near, self.far),
            _Stream(self, "←", self.far, near),
        )
        self._watched: dict[socket.socket, int] = {}
        self.connected = False
        self.far.connect_ex(tap._target)
        self._watch(self.far, selectors.EVENT_WRITE)

    def due(self) -> float:
        """When something can be done that no socket will announce (monotonic seconds)."""
        if not self.connected:
            return _FOREVER
        if 0 < self.stalled_until < _FOREVER:
            return self.stalled_until
        return _FOREVER if self.stalled_until else min(s.due() for s in self.streams)

    def step(self, near_ready: bool, far_ready: bool) -> None:
        """Read, pass on, close, as far as possible now."""
        now = time.monotonic()
        if not self.connected:
            if far_ready and not self._connect():
                return
            if not self.connected:
                return
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

    def _connect(self) -> bool:
        """Whether the far side took the connection; if not, the link is closed."""
        if self.far.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.close()
            self.tap._refused += 1
            return False
        self.connected = True
        self.number = self.tap._made + 1
        self.tap._made = self.number
        return True

    def _wanted(self, reading: _Stream, writing: _Stream) -> tuple[int, ...]:
        if self.stalled_until:
            return ()
        wanted = [selectors.EVENT_READ] if reading.wants_more() else []
        return (*wanted, selectors.EVENT_WRITE) if writing.blocked else tuple(wanted)

    def _watch(self, end: socket.socket, *events: int) -> None:
        """Have the selector tell of just these events at this socket."""
        mask, selector = sum(events), self.tap._selector
        if self._watched.get(end, 0) == mask:
            return
        if end in self._watched:
            selector.unregister(end)
            del self._watched[end]
        if mask:
            selector.register(end, mask)
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
        self.tap._links.remove(self)


class _Stream:
    """One direction of a connection: octets read, decoded, held for a while, passed on."""

    def __init__(self, link: _Link, way: str, source: socket.socket, sink: socket.socket) -> None:
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
            return _FOREVER
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
                self.link.tap._note(self.link, self.way, unit)
            return
        base = self.decoder.taken
        for unit in self.link.dialogue.feed(self.way, data):
            self.unpassed.append(self.link.tap._note(self.link, self.way, unit))
        self._enqueue(data, base)

    def _enqueue(self, data: bytes, base: int) -> None:
        """Queue octets, and before each message that begins in them the fault planned for it."""
        due = time.monotonic() + self.link.latency
        view, at = memoryview(data), 0
        for start in self.decoder.starts:
            fault = self.link.tap._fault_before(self.link.number, self.way, self.messages)
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
        self.link.tap._note(self.link, self.way, Unit("fault", b"", 0, 0, 0, fault.kind, {}, note))
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


def _loopback(endpoint: str) -> tuple[str, int]:
    """Host and port of a tcp endpoint on this machine; ValueError for any other."""
    scheme, _, address = endpoint.partition("://")
    if scheme != "tcp":
        raise ValueError(f"{endpoint!r}: only tcp can be tapped; {scheme} passes no wire")
    host, _, port = address.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{endpoint!r}: no port; give the endpoint that the other side binds")
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise ValueError(f"{endpoint!r} is not on loopback, and the tap does not leave it")
    return host, int(port)
