"""A kernel under watch: run its cells, interrupt them, and count what they leave behind."""

import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

LISTEN = "0A"  # the state of a socket, as /proc/net/tcp writes it
LONGEST_CELL = 100.0  # seconds
PROC = Path("/proc")
T = TypeVar("T")


@dataclass
class Ran:
    """What came of one cell."""

    source: str
    texts: list[str] = field(default_factory=list)  # what it printed and showed, in words
    error: str = ""  # "ValueError: no" if it raised
    seconds: float = 0.0

    def text(self) -> str:
        return "\n".join(self.texts)


def is_idle(message: dict[str, Any]) -> bool:
    """Whether the kernel says with this that a cell has ended."""
    return message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"


def start(begin: Callable[[], T], attempts: int = 5) -> T:
    """What `begin` returns, which starts a kernel and waits for it.

    A manager looks for free ports, and its kernel binds them a second later. If another program
    has taken one by then, as tests beside it well may, the kernel dies: start another.
    """
    for _ in range(attempts - 1):
        with contextlib.suppress(RuntimeError):
            return begin()
    return begin()


class Kernel:
    """A kernel that works in `folder`, as JupyterLab starts one for a notebook there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"ZMQLAB_PROGRESS": ""}
        environment.pop("PYTEST_CURRENT_TEST", None)  # with it, a kernel leaves out some threads

        def begin() -> BlockingKernelClient:
            self.manager = KernelManager(kernel_name="python3")
            self.manager.start_kernel(cwd=str(folder), env=environment)
            return self._connected()

        self.client = start(begin)
        # pyzmq's own thread for messages that it does not copy; begun once, kept for good.
        self.run("import zmq\nzmq.Frame(bytes(1 << 20), copy=False)")

    def _connected(self) -> BlockingKernelClient:
        client: BlockingKernelClient = self.manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
        except RuntimeError:
            client.stop_channels()
            raise
        return client

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: Any) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def begin(self, source: str) -> str:
        """Send a cell off; return the id that its messages carry."""
        message_id: str = self.client.execute(source, allow_stdin=False)
        return message_id

    def messages(self, message_id: str, until: float) -> Iterator[dict[str, Any]]:
        """What the kernel publishes of a cell, up to the end of the cell or the time `until`."""
        while (left := until - time.monotonic()) > 0:
            try:
                message = self.client.get_iopub_msg(timeout=left)
            except queue.Empty:
                return
            if message["parent_header"].get("msg_id") == message_id:
                yield message
                if is_idle(message):
                    return

    def run(self, source: str, within: float = LONGEST_CELL) -> Ran:
        """Run a cell to its end."""
        began = time.monotonic()
        ran = self.finish(self.begin(source), Ran(source), within)
        ran.seconds = time.monotonic() - began
        return ran

    def finish(self, message_id: str, ran: Ran, within: float = LONGEST_CELL) -> Ran:
        """Gather what a cell gives until it ends; TimeoutError if it does not in time."""
        ended = False
        for message in self.messages(message_id, time.monotonic() + within):
            content, kind = message["content"], message["msg_type"]
            ended = is_idle(message)
            if kind == "stream":
                ran.texts.append(content["text"])
            elif kind in ("execute_result", "display_data", "update_display_data"):
                ran.texts.append(content["data"].get("text/plain", ""))
            elif kind == "error":
                ran.error = f"{content['ename']}: {content['evalue']}"
        if not ended:
            raise TimeoutError(f"a cell did not end within {within:g} s:\n{ran.source}")
        return ran

    def run_and_interrupt(self, source: str, after: float) -> Ran:
        """Begin a cell, interrupt it `after` seconds if it still runs, and see it end."""
        message_id = self.begin(source)
        for message in self.messages(message_id, time.monotonic() + after):
            if is_idle(message):
                return Ran(source)
        self.manager.interrupt_kernel()
        return self.finish(message_id, Ran(source), within=20)

    def run_until(self, source: str, condition: Callable[[], T]) -> T | None:
        """Run a cell until `condition()` is true, and return that; None if the cell ends before."""
        message_id = self.begin(source)
        limit = time.monotonic() + LONGEST_CELL
        while time.monotonic() < limit:
            if met := condition():
                return met
            for message in self.messages(message_id, time.monotonic() + 0.02):
                if is_idle(message):
                    return None
        raise TimeoutError(f"a cell did not end within {LONGEST_CELL:g} s:\n{source}")

    def restart(self) -> None:
        """What JupyterLab's Restart does while a cell runs."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=True)
        self.client = self._connected()

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)  # type: ignore[union-attr]

    def threads(self) -> int:
        """Threads of the kernel, ZeroMQ's included."""
        return len(list((PROC / str(self.pid) / "task").iterdir()))

    def open_files(self) -> int:
        return len(list((PROC / str(self.pid) / "fd").iterdir()))

    def children(self) -> list[int]:
        """The processes that the kernel started, and theirs."""
        return descendants(self.pid)


def descendants(pid: int) -> list[int]:
    found = []
    try:
        tasks = list((PROC / str(pid) / "task").glob("*/children"))
    except OSError:
        return []  # ended while we looked
    for task in tasks:
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue  # ended while we looked
        found += [*children, *(younger for child in children for younger in descendants(child))]
    return found


def exists(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be reaped."""
    try:
        status = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] not in "ZX"


# Who listens, and to whom


def beyond_loopback(table: str) -> dict[str, str]:
    """The listening sockets of a /proc/net/tcp table that others than this machine can reach.

    Returns inode to address, as the table writes it.
    """
    found = {}
    for line in table.splitlines()[1:]:
        columns = line.split()
        address, state, inode = columns[1], columns[3], columns[9]
        if state == LISTEN and not is_loopback(address.split(":")[0]):
            found[inode] = address
    return found


def is_loopback(address: str) -> bool:
    """Whether an address of /proc/net/tcp or tcp6 is 127.x, ::1, or 127.x written as IPv6.

    Each group of eight digits is one 32-bit word in the byte order of the machine.
    """
    words = [bytes.fromhex(address[i : i + 8]) for i in range(0, len(address), 8)]
    plain = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    if len(plain) == 16 and plain.startswith(bytes(10) + b"\xff\xff"):
        plain = plain[12:]
    return plain[0] == 127 if len(plain) == 4 else plain == bytes(15) + b"\x01"


def sockets_of(pid: int) -> set[str]:
    """The inodes of the sockets that a process has open."""
    found = set()
    try:
        for fd in (PROC / str(pid) / "fd").iterdir():
            target = os.readlink(fd)
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        pass  # ended, or closed one, while we looked: the next look sees the rest
    return found


class Watch:
    """Looks fifty times a second, while a `with` lasts, at who of a kernel's processes listens."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.heard: set[str] = set()  # addresses beyond loopback, as the system writes them
        self.looks = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="watch", daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._over.wait(0.02):
            self.look()

    def look(self) -> None:
        tables = [(PROC / "net" / name).read_text() for name in ("tcp", "tcp6")]
        open_to_others = {k: v for table in tables for k, v in beyond_loopback(table).items()}
        self.looks += 1
        if open_to_others:
            for pid in [self.kernel.pid, *self.kernel.children()]:
                mine = sockets_of(pid) & set(open_to_others)
                self.heard |= {open_to_others[inode] for inode in mine}
