"""Transactions with the rollback journal: a row for each frame, and a state that starts anew."""

import sqlite3
from collections import deque

import zmq

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY, id BLOB UNIQUE, state TEXT);
CREATE TABLE IF NOT EXISTS frames (number INTEGER, kind TEXT, place INTEGER, frame BLOB);
"""


class Store:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.execute("PRAGMA journal_mode = DELETE")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.executescript(SCHEMA)
        with self.db:
            self.db.execute("UPDATE requests SET state = 'waiting' WHERE state = 'given'")

    def find(self, id):
        return self.db.execute("SELECT number, state FROM requests WHERE id = ?", (id,)).fetchone()

    def frames(self, number, kind):
        rows = self.db.execute(
            "SELECT frame FROM frames WHERE number = ? AND kind = ? ORDER BY place", (number, kind)
        )
        return [frame for (frame,) in rows]

    def write(self, number, kind, frames):
        rows = [(number, kind, place, frame) for place, frame in enumerate(frames)]
        self.db.executemany("INSERT INTO frames VALUES (?, ?, ?, ?)", rows)

    def request(self, id, body):
        with self.db:
            if found := self.find(id):
                return [b"200" if self.frames(found[0], "body") == body else b"400", id]
            insert = "INSERT INTO requests (id, state) VALUES (?, 'waiting')"
            number = self.db.execute(insert, (id,)).lastrowid
            self.write(number, "body", body)
        return [b"200", id]

    def reply(self, id):
        match self.find(id):
            case None:
                return [b"400", id]
            case number, "done":
                return [b"200", id, *self.frames(number, "reply")]
        return [b"300", id]

    def close(self, id):
        with self.db:
            if found := self.find(id):
                self.db.execute("DELETE FROM frames WHERE number = ?", found[:1])
                self.db.execute("DELETE FROM requests WHERE number = ?", found[:1])
        return [b"200", id]

    def next(self):
        """The number, id and body of a request that is then given out; None."""
        query = "SELECT number, id FROM requests WHERE state = 'waiting' ORDER BY number LIMIT 1"
        row = self.db.execute(query).fetchone()
        if row is None:
            return None
        with self.db:
            self.db.execute("UPDATE requests SET state = 'given' WHERE number = ?", row[:1])
        return *row, self.frames(row[0], "body")

    def finish(self, number, reply):
        query = "SELECT 1 FROM requests WHERE number = ? AND state = 'given'"
        if self.db.execute(query, (number,)).fetchone():
            with self.db:
                self.write(number, "reply", reply)
                self.db.execute("UPDATE requests SET state = 'done' WHERE number = ?", (number,))


def server(ctx, frontend, backend, path):
    store, idle, held = Store(path), deque(), {}  # held: by worker, (number, id)
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        try:
            while True:
                serve(store, idle, held, clients, workers)
        finally:
            store.db.close()


def serve(store, idle, held, clients, workers):
    ready, _, _ = zmq.select([clients, workers], [], [])
    if clients in ready:
        frames = clients.recv_multipart()
        if b"" in frames:
            cut = frames.index(b"") + 1
            match frames[cut:]:
                case [b"REQUEST", id, *body]:
                    clients.send_multipart([*frames[:cut], *store.request(id, body)])
                case [b"REPLY", id]:
                    clients.send_multipart([*frames[:cut], *store.reply(id)])
                case [b"CLOSE", id]:
                    clients.send_multipart([*frames[:cut], *store.close(id)])
    if workers in ready:
        match workers.recv_multipart():
            case [worker, b"", b"READY"]:
                idle.append(worker)
            case [worker, b"", id, b"", *reply] if worker in held and held[worker][1] == id:
                store.finish(held.pop(worker)[0], reply)
                idle.append(worker)
    while idle and (task := store.next()):
        number, id, body = task
        held[idle[0]] = number, id
        workers.send_multipart([idle.popleft(), b"", id, b"", *body])
