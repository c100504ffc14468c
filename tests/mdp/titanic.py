"""A right Titanic server (9/TSP): SQLite keeps each request before its 200 leaves.

    python tests/mdp/titanic.py ENDPOINT FOLDER [--interval S]

Three Majordomo workers and one client, in one loop.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import time
import uuid
from pathlib import Path

import zmq

HEADER, CLIENT, MMI = b"MDPW01", b"MDPC01", b"mmi.service"
READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = (bytes([n]) for n in range(1, 6))
TABLE = """create table if not exists requests
 (id text primary key, number integer, service blob, body text, reply text)"""


def packed(frames: list[bytes]) -> str:
    """Frames as text."""
    return json.dumps([frame.hex() for frame in frames])


def unpacked(text: str) -> list[bytes]:
    """And back."""
    return [bytes.fromhex(frame) for frame in json.loads(text)]


class Store:
    """Requests and replies, on disk before a call returns."""

    def __init__(self, folder: Path) -> None:
        self.db = sqlite3.connect(folder / "titanic.db", isolation_level=None)
        self.db.execute("pragma journal_mode=wal")
        self.db.execute("pragma synchronous=full")
        self.db.execute(TABLE)

    def add(self, service: bytes, body: list[bytes]) -> str:
        """A new request's UUID."""
        name = uuid.uuid4().hex.upper()
        row = name, time.time_ns(), service, packed(body)
        self.db.execute("insert into requests values (?, ?, ?, ?, null)", row)
        return name

    def find(self, name: bytes) -> tuple[bool, str | None]:
        """Whether there is such a request, and its reply if it has one."""
        try:
            text = name.decode("ascii")
        except UnicodeDecodeError:
            return False, None
        row = self.db.execute("select reply from requests where id = ?", (text,)).fetchone()
        return row is not None, row and row[0]

    def close(self, name: bytes) -> None:
        """Forget a request."""
        text = name.decode("ascii", errors="replace")
        self.db.execute("delete from requests where id = ?", (text,))

    def done(self, name: str, reply: list[bytes]) -> None:
        """Keep a reply, the first."""
        change = "update requests set reply = ? where id = ? and reply is null"
        self.db.execute(change, (packed(reply), name))

    def pending(self) -> list[tuple[str, bytes, str]]:
        """What has no reply, the oldest first."""
        query = "select id, service, body from requests where reply is null order by number"
        return self.db.execute(query).fetchall()


class Server:
    """Three workers' sockets, and a client's for each request under way."""

    def __init__(self, ctx: zmq.Context, endpoint: str, store: Store, interval: float) -> None:
        self.ctx, self.endpoint, self.store, self.interval = ctx, endpoint, store, interval
        self.workers: dict[bytes, zmq.Socket] = {}
        self.heard: dict[bytes, float] = {}
        self.under_way: dict[str, tuple[zmq.Socket, bytes]] = {}
        for service in (b"titanic.request", b"titanic.reply", b"titanic.close"):
            self.register(service)

    def register(self, service: bytes) -> None:
        """Say READY, on a new socket."""
        if service in self.workers:
            self.workers.pop(service).close(0)
        socket = self.workers[service] = self.ctx.socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(self.endpoint)
        socket.send_multipart([b"", HEADER, READY, service])
        self.heard[service] = time.monotonic()

    def answer(self, service: bytes, body: list[bytes]) -> list[bytes]:
        """What a request of a client is answered."""
        if service == b"titanic.request":
            if len(body) < 2:
                return [b"400 a service and a body are needed"]
            return [b"200", self.store.add(body[0], body[1:]).encode()]
        if service == b"titanic.close":
            self.store.close(body[0])
            return [b"200"]
        known, reply = self.store.find(body[0])
        if not known:
            return [b"400 unknown"]
        return [b"300 not yet"] if reply is None else [b"200", *unpacked(reply)]

    def worker(self, service: bytes) -> None:
        """Take in what the broker says to one of the workers."""
        socket = self.workers[service]
        while service in self.workers and socket.poll(0):
            frames = socket.recv_multipart()
            self.heard[service] = time.monotonic()
            match frames:
                case [b"", header, code, client, b"", *body] if (header, code) == (HEADER, REQUEST):
                    reply = self.answer(service, body)
                    socket.send_multipart([b"", HEADER, REPLY, client, b"", *reply])
                case [b"", header, code] if (header, code) == (HEADER, DISCONNECT):
                    self.register(service)
                    return

    def dispatch(self) -> None:
        """Ask for what is pending and not under way; take in replies."""
        for name, service, _ in self.store.pending():
            if name not in self.under_way:
                socket = self.ctx.socket(zmq.DEALER)
                socket.linger = 0
                socket.connect(self.endpoint)
                # First whether anybody serves it: what the broker has cannot be taken back.
                socket.send_multipart([b"", CLIENT, MMI, service])
                self.under_way[name] = socket, service
        bodies = {name: unpacked(body) for name, _, body in self.store.pending()}
        for name, (socket, service) in list(self.under_way.items()):
            if name not in bodies:
                self.under_way.pop(name)[0].close(0)
            elif socket.poll(0):
                match socket.recv_multipart()[1:]:
                    case [_, served, b"200"] if served == MMI:
                        socket.send_multipart([b"", CLIENT, service, *bodies[name]])
                    case [_, served, *_] if served == MMI:
                        self.under_way.pop(name)[0].close(0)
                    case [_, served, *reply] if served == service:
                        self.store.done(name, reply)
                        self.under_way.pop(name)[0].close(0)

    def run(self) -> None:
        """Serve until killed."""
        beat_at = 0.0
        while True:
            sockets = [*self.workers.values(), *(s for s, _ in self.under_way.values())]
            zmq.select(sockets, [], [], self.interval / 4)
            for service in list(self.workers):
                self.worker(service)
            self.dispatch()
            now = time.monotonic()
            if now >= beat_at:
                for socket in self.workers.values():
                    socket.send_multipart([b"", HEADER, HEARTBEAT])
                beat_at = now + self.interval
            for service, heard in list(self.heard.items()):
                if now - heard > 10 * self.interval:
                    self.register(service)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoint")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--interval", type=float, default=0.2)
    chosen = parser.parse_args()
    with zmq.Context() as ctx:
        Server(ctx, chosen.endpoint, Store(chosen.folder), chosen.interval).run()


if __name__ == "__main__":
    main()
