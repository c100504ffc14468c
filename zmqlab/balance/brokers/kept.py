"""Requests are on the disk before a client reads that they were taken: any id, any body.

A client makes the id of its request and may send the same again as often as it likes:

    REQUEST id body …   200 id           it is kept, and will be done
                        400 id           this id has another body, or it is too long
                        500 id           the disk is full: it is not kept
    REPLY id            200 id reply …   done
                        300 id           not yet
                        400 id           nobody knows this id
    CLOSE id            200 id           nobody knows it any more, and it is not done if it was not

A worker says READY, is given [id, b"", body …] and answers [id, b"", reply …]. What it was given
when it dies is given out again when it says READY once more, or when the server starts again.
"""

# mypy: disable-error-code="type-arg"
# (as a learner writes it: zmq.Context, without the type of its sockets)

from __future__ import annotations

import sqlite3
from collections import deque
from contextlib import closing, suppress

import zmq

LONGEST = 100_000_000  # octets of an id, a body or a reply; SQLite would take ten times that
SETTINGS = "pragma journal_mode = wal", "pragma synchronous = full"
TABLE = """create table if not exists requests (
    number integer primary key autoincrement, -- never given twice: a closed id may come again
    id blob not null unique, body blob not null, reply blob)"""


def packed(frames: list[bytes]) -> bytes:
    """Frames as one piece: before each its length, in eight octets."""
    return b"".join(part for frame in frames for part in (len(frame).to_bytes(8, "big"), frame))


def unpacked(piece: bytes) -> list[bytes]:
    """And back."""
    frames, at = [], 0
    while at < len(piece):
        start = at + 8
        at = start + int.from_bytes(piece[at:start], "big")
        frames.append(piece[start:at])
    return frames


class DiskFull(Exception):
    """The disk has no room: nothing was changed."""


class Store:
    """Requests and replies. When a call returns, what it has changed is on the disk.

    Any error of SQLite but DiskFull ends the server: after one nobody knows what is on the disk.
    """

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)  # each statement is a transaction
        for statement in (*SETTINGS, TABLE):
            self.db.execute(statement)

    def close(self) -> None:
        """Let the file go."""
        self.db.close()

    def _change(self, statement: str, *values: object) -> int:
        """Change something; returns the number of the new row, if it is one."""
        try:
            return self.db.execute(statement, values).lastrowid or 0
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname == "SQLITE_FULL":
                raise DiskFull from error
            raise

    def find(self, id: bytes) -> tuple[bytes, bytes | None] | None:
        """Body and reply of a request; None for a stranger."""
        query = "select body, reply from requests where id = ?"
        return self.db.execute(query, (id,)).fetchone()  # type: ignore[no-any-return]

    def add(self, id: bytes, body: bytes) -> int:
        """Keep a new request; returns its number."""
        return self._change("insert into requests (id, body) values (?, ?)", id, body)

    def done(self, number: int, reply: bytes) -> None:
        """Keep a reply, if the request was not closed meanwhile."""
        self._change("update requests set reply = ? where number = ?", reply, number)

    def forget(self, id: bytes) -> None:
        """Close a request."""
        self._change("delete from requests where id = ?", id)

    def undone(self) -> list[int]:
        """The numbers of the requests without a reply, the oldest first."""
        query = "select number from requests where reply is null order by number"
        return [number for (number,) in self.db.execute(query)]

    def request(self, number: int) -> tuple[bytes, bytes] | None:
        """Id and body of a request; None if it was closed."""
        query = "select id, body from requests where number = ?"
        return self.db.execute(query, (number,)).fetchone()  # type: ignore[no-any-return]


class Server:
    """Who waits for whom. Nothing of this is needed after a restart."""

    def __init__(self, store: Store, workers: zmq.Socket) -> None:
        self.store, self.workers = store, workers
        self.waiting = deque(store.undone())  # numbers of requests that nobody has
        self.idle: deque[bytes] = deque()  # the worker that is idle longest comes first
        self.held: dict[bytes, tuple[int, bytes]] = {}  # worker → the request that it has

    def answer(self, asked: list[bytes]) -> list[bytes] | None:
        """What a client is told; None if what it says is no request."""
        match asked:
            case [b"REQUEST" | b"REPLY" | b"CLOSE", id, *_] if len(id) > LONGEST:
                return [b"400", id]
            case [b"REQUEST", id, *body]:
                return [self.take(id, packed(body)), id]
            case [b"REPLY", id]:
                match self.store.find(id):
                    case None:
                        return [b"400", id]
                    case (_, None):
                        return [b"300", id]
                    case (_, reply):
                        return [b"200", id, *unpacked(reply)]
            case [b"CLOSE", id]:
                self.store.forget(id)
                return [b"200", id]
        return None

    def take(self, id: bytes, body: bytes) -> bytes:
        """Keep a request, if it is not kept yet; returns the status."""
        if known := self.store.find(id):
            return b"200" if known[0] == body else b"400"
        if len(body) > LONGEST:
            return b"400"
        self.waiting.append(self.store.add(id, body))
        return b"200"

    def heard(self, worker: bytes, said: list[bytes]) -> None:
        """Take in what a worker says."""
        match said:
            case [b"", b"READY"]:
                if worker in self.held:  # it has begun anew, and knows nothing of its request
                    self.waiting.appendleft(self.held.pop(worker)[0])
                if worker not in self.idle:
                    self.idle.append(worker)
            case [b"", id, b"", *frames] if worker in self.held and self.held[worker][1] == id:
                if len(reply := packed(frames)) <= LONGEST:
                    # If it cannot be kept, the worker has it still, and is given nothing more.
                    self.store.done(self.held[worker][0], reply)
                    del self.held[worker]
                    self.idle.append(worker)

    def give(self) -> None:
        """Give requests to idle workers, as long as there are both."""
        while self.waiting and self.idle:
            request = self.store.request(self.waiting[0])
            if request is None:  # closed
                self.waiting.popleft()
                continue
            id, body = request
            worker = self.idle.popleft()
            try:
                self.workers.send_multipart([worker, b"", id, b"", *unpacked(body)], zmq.NOBLOCK)
            except zmq.ZMQError as error:
                if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                    raise
                continue  # that worker is gone, or reads nothing: to the next
            self.held[worker] = self.waiting.popleft(), id


def store_then_answer(ctx: zmq.Context, frontend: str, backend: str, path: str) -> None:
    """Keep requests in an SQLite file at `path`, then answer; have them done by idle workers."""
    with (
        closing(Store(path)) as store,
        ctx.socket(zmq.ROUTER) as clients,
        ctx.socket(zmq.ROUTER) as workers,
    ):
        workers.router_mandatory = True  # a request for a worker that is gone is not dropped
        server = Server(store, workers)
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            server.give()
            ready, _, _ = zmq.select([clients, workers], [], [])
            if workers in ready:
                worker, *said = workers.recv_multipart()
                with suppress(DiskFull):
                    server.heard(worker, said)
            if clients in ready and b"" in (frames := clients.recv_multipart()):
                body = frames.index(b"") + 1  # before it, a way back of any length
                try:
                    answer = server.answer(frames[body:])
                except DiskFull:
                    answer = [b"500", *frames[body + 1 : body + 2]]
                if answer:
                    clients.send_multipart([*frames[:body], *answer])
