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
from types import TracebackType

from zmqlab.record.journal import Journal
from zmqlab.run.interrupt import put_off_interrupt

from .faults import Plan
from .link import FOREVER, Link
from .record import Record, Wire
from .zmtp import KEEP, Unit

MOST = 100_000  # records kept; later ones are only counted


class Tap:
    """A relay between whoever connects to `tap.endpoint` and the socket bound at `endpoint`.

    endpoint: "tcp://127.0.0.1:PORT"; anything beyond loopback is refused, unless `anywhere`.
    listen: where the tap listens; "": at a port of loopback that the system chooses.
    between: names for the two sides in what is shown.
    faults: a `Faults` plan, or a function like it.
    journal: of the experiment that is tapped; with it, messages are matched across the tap.
    told: called by the relay's thread with each record, which is then not kept in `wire`.

    `wire` is what has travelled so far (`Wire`), also after the end. Commands take effect before
    they return; without `link` they mean all connections, those to come included.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        between: tuple[str, str] = ("connecting", "bound"),
        faults: Plan | None = None,
        journal: Journal | None = None,
        keep: int = KEEP,
        listen: str = "",
        told: Callable[[Record], object] | None = None,
        anywhere: bool = False,
    ) -> None:
        self.between = between
        self._real = endpoint
        self._journal = journal
        self._target = place(endpoint, anywhere)
        self._at = place(listen, anywhere) if listen else None
        self._told = told
        self._faults = faults or (lambda _link, _way, _number: None)
        self._keep = keep
        self._records: list[Record] = []
        self._forgotten = 0
        self._links: list[Link] = []
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
        at = self._at or ("::1" if ":" in self._target[0] else "127.0.0.1", 0)
        host, family = at[0], socket.AF_INET6 if ":" in at[0] else socket.AF_INET
        self._listener = socket.create_server(at, family=family, backlog=100)
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
        cut: list[Link] = []

        def order() -> None:
            cut.extend(self._chosen(link))
            for found in cut:
                found.note("→", Unit("fault", b"", 0, 0, name="cut", note="on command"))
                found.close()
                self._links.remove(found)

        self._do(order)
        return len(cut)

    def _set_stalled(self, stalled: bool, link: int | None) -> None:
        if link is None:
            self._stalled = stalled
        for found in self._chosen(link):
            found.stalled_until = FOREVER if stalled else 0.0

    def _chosen(self, link: int | None) -> list[Link]:
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
            for link in self._links:
                link.close()
            self._links.clear()
            assert self._listener is not None
            self._listener.close()
            self._selector.close()
            self._bell.close()

    def _step(self) -> None:
        """Wait until something can be done, and do it."""
        now = time.monotonic()
        due = min((link.due() for link in self._links), default=FOREVER)
        patience = None if due == FOREVER else max(0.0, due - now)
        ready = {key.fileobj for key, _ in self._selector.select(patience)}
        if self._bell in ready:
            with contextlib.suppress(BlockingIOError):
                self._bell.recv(4096)
        while self._orders:
            self._orders.popleft()()
        if self._listener in ready:
            self._accept()
        for link in list(self._links):
            if link.connected or (link.far in ready and self._connect(link)):
                link.step(link.near in ready, link.far in ready)
            if link.closed:
                self._links.remove(link)

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(BlockingIOError, ConnectionError):
            near, _ = self._listener.accept()
            near.setblocking(False)
            link = Link(near, self._target, self._selector, self._faults, self._log, self._keep)
            link.latency = self._latency
            link.stalled_until = FOREVER if self._stalled else 0.0
            self._links.append(link)

    def _connect(self, link: Link) -> bool:
        """Number the link if the far side took the connection, else count it as refused."""
        if not link.connect():
            self._refused += 1
            return False
        self._made += 1
        link.number = self._made
        return True

    def _log(self, record: Record) -> None:
        if self._told is not None:
            self._told(record)
        elif len(self._records) < MOST:
            self._records.append(record)
        else:
            self._forgotten += 1


_NOT_RUNNING = "the tap is not running: give commands inside its with"


def place(endpoint: str, anywhere: bool = False) -> tuple[str, int]:
    """Host and port of a tcp endpoint; ValueError for one beyond loopback, unless `anywhere`."""
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
    if not (inside or anywhere):
        raise ValueError(f"{endpoint!r} is not on loopback, and the tap does not leave it")
    return host, int(port)
