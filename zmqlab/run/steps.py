"""The steps of a program: counted in its own process, which dies before one of them if it is told.

A step is a statement that SQLite begins, a call of os.fsync or os.fdatasync, a message that is
sent, or one that has been received. They are counted where the standard library and pyzmq are
called, so a program is counted as it is: `Counter.count` changes `sqlite3`, `os` and `zmq.Socket`
for the whole process, before the program is imported.
"""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import zmq

LEFT = 0.03  # seconds in which what has been sent leaves, at least
AT_MOST = 1.0  # seconds, where the machine is busy
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows: TerminateProcess, the same to it


class Step(NamedTuple):
    """One step.

    kind: a statement begins, a file is synced, a message is sent, or has been received.
    what: the statement, or the frames as the program's socket has them.
    endpoint: where that socket is bound, or last connected.
    stores: when a message is sent, `PRAGMA synchronous` (0 OFF, 1 NORMAL, 2 FULL, 3 EXTRA) and
        `PRAGMA journal_mode` ("wal") of each connection that has written by then; of one that is
        closed, as they were at its end.
    moment: seconds on the monotonic clock, which all processes of the machine share.
    """

    kind: Literal["SQL", "fsync", "send", "receive"]
    what: str | tuple[bytes, ...] = ""
    endpoint: str = ""
    stores: tuple[tuple[int, str], ...] = ()
    moment: float = 0.0

    def __str__(self) -> str:
        if self.kind == "SQL":
            return " ".join(str(self.what).split())
        return f"{self.kind} {list(self.what)}" if self.what else self.kind


class Killed(NamedTuple):
    """A step that was not taken: the process was killed before it."""

    step: Step


class Counter:
    """Writes down each step of this process, and kills it before one of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here = threading.local()  # .inside: what this thread does there is no step
        self._log: Any = None
        self._kill_before = self._taken = 0
        self.connections: weakref.WeakSet[sqlite3.Connection] = weakref.WeakSet()
        self._closed: set[tuple[int, str]] = set()  # as in Step.stores

    def count(self) -> None:
        """Count all that this process does from now on, in what it has not imported yet."""
        _count_statements(self)
        _count_syncs(self)
        _count_messages(self)

    def begin(self, log: str, kill_before: int) -> None:
        """Write the steps into this file from now on; kill before the one of this number."""
        self._log, self._kill_before = open(log, "ab", buffering=0), kill_before  # noqa: SIM115

    def note(self, entry: object) -> None:
        """Write an entry at once: it is there even if the process is dead a moment later."""
        self._log.write(pickle.dumps(entry))

    def step(self, kind: Any, what: str | Sequence[bytes] = "", socket: Any = None) -> None:
        """Count a step before it is taken; a message that is received, when it has been."""
        if self._log is None or getattr(self._here, "inside", False):
            return
        endpoint = "" if socket is None else socket.get(zmq.LAST_ENDPOINT).decode().rstrip("\0")
        stores = self._stores() if kind == "send" else ()  # SQLite has locks of its own: not ours
        what = what if isinstance(what, str) else tuple(bytes(frame) for frame in what)
        with self._lock:  # kept to the end: nobody takes another step
            self._taken += 1
            step = Step(kind, what, endpoint, stores, time.monotonic())
            if self._taken != self._kill_before:
                self.note(step)
                return
            self.note(Killed(step))
            _let_leave()
            os.kill(os.getpid(), KILL)
            time.sleep(AT_MOST)  # a signal may take its time

    def closes(self, connection: sqlite3.Connection) -> None:
        """A connection is about to be closed."""
        self._closed.update(self._settings([connection]))

    def _stores(self) -> tuple[tuple[int, str], ...]:
        return tuple(sorted(self._closed.union(self._settings(list(self.connections)))))

    def _settings(self, connections: Sequence[sqlite3.Connection]) -> set[tuple[int, str]]:
        self._here.inside = True
        try:
            return set(filter(None, map(_settings, connections)))
        finally:
            self._here.inside = False


def _settings(connection: sqlite3.Connection) -> tuple[int, str] | None:
    """How a connection that has written to a file keeps that; None if it has not."""
    try:
        if not connection.total_changes:
            return None
        found = []
        for name in ("database_list", "synchronous", "journal_mode"):
            *_, value = sqlite3.Cursor(connection).execute(f"PRAGMA {name}").fetchone()
            found.append(value.decode() if isinstance(value, bytes) else value)
        file, synchronous, journal = found
        return (int(synchronous), str(journal)) if file else None
    except (sqlite3.Error, TypeError, ValueError):
        return None  # it is closed, or in use at this moment


def _let_leave() -> None:
    """Wait until what has been sent has left: a while, and until no other thread wants to run."""
    end, me = time.monotonic() + AT_MOST, threading.get_native_id()
    time.sleep(LEFT)
    while time.monotonic() < end and any(
        _wants_to_run(task) for task in Path("/proc/self/task").glob("*") if int(task.name) != me
    ):
        time.sleep(LEFT / 10)


def _wants_to_run(task: Path) -> bool:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0] == "R"
    except (OSError, IndexError):  # it has ended
        return False


# ------------------------------------------------------------------ where they are counted


def _count_statements(counter: Counter) -> None:
    class Connection(sqlite3.Connection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if len(args) > 4:  # whichever thread sends looks at its settings
                args = (*args[:4], False, *args[5:])
            else:
                kwargs["check_same_thread"] = False
            super().__init__(*args, **kwargs)
            counter.connections.add(self)
            self.set_trace_callback(None)

        def set_trace_callback(self, callback: Callable[[str], object] | None) -> None:
            def both(statement: str) -> None:
                counter.step("SQL", statement)
                if callback is not None:
                    callback(statement)

            super().set_trace_callback(both)

        def close(self) -> None:
            counter.closes(self)
            super().close()

        def __del__(self) -> None:
            counter.closes(self)

    def connect(*args: Any, **kwargs: Any) -> Any:
        if len(args) > 5:
            return args[5](*args, **kwargs)
        return kwargs.get("factory", Connection)(*args, **kwargs)

    for name in ("sqlite3", "sqlite3.dbapi2", "_sqlite3"):  # by any of which it may be known
        module = sys.modules[name]
        module.connect, module.Connection = connect, Connection  # type: ignore[attr-defined]


def _count_syncs(counter: Counter) -> None:
    def counted(sync: Callable[[Any], None]) -> Callable[[Any], None]:
        def synced(fd: Any) -> None:
            counter.step("fsync")
            sync(fd)

        return synced

    for name in {"fsync", "fdatasync"} & set(dir(os)):
        for module in (os, sys.modules[os.name]):
            setattr(module, name, counted(getattr(module, name)))


def _count_messages(counter: Counter) -> None:
    plain = {name: getattr(zmq.Socket, name) for name in ("send", "recv")}
    whole = {name: getattr(zmq.Socket, f"{name}_multipart") for name in plain}
    sending: weakref.WeakSet[Any] = weakref.WeakSet()  # sockets in the middle of a message
    receiving: weakref.WeakSet[Any] = weakref.WeakSet()

    def send(self: Any, data: Any, flags: int = 0, *args: Any, **kwargs: Any) -> Any:
        if self not in sending:
            counter.step("send", [getattr(data, "bytes", data)], self)
        sent = plain["send"](self, data, flags, *args, **kwargs)
        (sending.add if flags & zmq.SNDMORE else sending.discard)(self)
        return sent

    def send_multipart(self: Any, parts: Any, *args: Any, **kwargs: Any) -> Any:
        parts = list(parts)
        if self not in sending:
            counter.step("send", [getattr(part, "bytes", part) for part in parts], self)
        sending.add(self)
        try:
            return whole["send"](self, parts, *args, **kwargs)
        finally:
            sending.discard(self)

    def recv(self: Any, *args: Any, **kwargs: Any) -> Any:
        frame = plain["recv"](self, *args, **kwargs)
        if self not in receiving:
            counter.step("receive", [getattr(frame, "bytes", frame)], self)
        (receiving.add if self.get(zmq.RCVMORE) else receiving.discard)(self)
        return frame

    def recv_multipart(self: Any, *args: Any, **kwargs: Any) -> Any:
        begun = self in receiving
        receiving.add(self)
        try:
            parts = whole["recv"](self, *args, **kwargs)
        finally:
            receiving.discard(self)
        if not begun:
            counter.step("receive", [getattr(part, "bytes", part) for part in parts], self)
        return parts

    for counted in (send, send_multipart, recv, recv_multipart):
        setattr(zmq.Socket, counted.__name__, counted)
