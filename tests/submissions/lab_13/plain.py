"""As the contract reads: each statement is a transaction of its own, in a log that is synced."""

import json
import sqlite3
from contextlib import closing

import zmq


def packed(frames):
    return json.dumps([frame.hex() for frame in frames])


def unpacked(text):
    return [bytes.fromhex(frame) for frame in json.loads(text)]


def open_store(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE IF NOT EXISTS requests (id BLOB PRIMARY KEY, body TEXT, reply TEXT)")
    return db


def answer(db, command, id, body):
    """The status, and what follows the id."""
    if command == b"CLOSE":
        db.execute("DELETE FROM requests WHERE id = ?", (id,))
        return b"200", []
    if command == b"REQUEST":
        db.execute("INSERT OR IGNORE INTO requests VALUES (?, ?, NULL)", (id, packed(body)))
    row = db.execute("SELECT body, reply FROM requests WHERE id = ?", (id,)).fetchone()
    if row is None or (command == b"REQUEST" and row[0] != packed(body)):
        return b"400", []
    if command == b"REQUEST":
        return b"200", []
    return (b"300", []) if row[1] is None else (b"200", unpacked(row[1]))


def server(ctx, frontend, backend, path):
    idle, given = [], {}  # given: by worker, the id that it has not replied to
    with (
        closing(open_store(path)) as db,
        ctx.socket(zmq.ROUTER) as clients,
        ctx.socket(zmq.ROUTER) as workers,
    ):
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", id, b"", *reply] if given.get(worker) == id:
                        del given[worker]
                        db.execute(
                            "UPDATE requests SET reply = ? WHERE id = ?", (packed(reply), id)
                        )
                        idle.append(worker)
            if clients in ready:
                frames = clients.recv_multipart()
                if b"" in frames:
                    cut = frames.index(b"")
                    match frames[cut + 1 :]:
                        case [(b"REQUEST" | b"REPLY" | b"CLOSE") as command, id, *body]:
                            status, more = answer(db, command, id, body)
                            clients.send_multipart([*frames[: cut + 1], status, id, *more])
            waiting = db.execute("SELECT id, body FROM requests WHERE reply IS NULL ORDER BY rowid")
            for id, body in waiting.fetchall() if idle else ():
                if idle and id not in given.values():
                    given[idle[0]] = id
                    workers.send_multipart([idle.pop(0), b"", id, b"", *unpacked(body)])
