"""A connection for each message, closed before its answer goes out; frames with their lengths."""

import sqlite3
from contextlib import contextmanager
from struct import pack, unpack_from

import zmq

TABLE = "CREATE TABLE IF NOT EXISTS store (id BLOB NOT NULL UNIQUE, body BLOB, reply BLOB)"


def joined(frames):
    return b"".join(pack("!I", len(frame)) + frame for frame in frames)


def split(data):
    frames = []
    while data:
        (length,) = unpack_from("!I", data)
        frames.append(data[4 : 4 + length])
        data = data[4 + length :]
    return frames


@contextmanager
def opened(path):
    """A transaction in a connection of its own."""
    db = sqlite3.connect(path, isolation_level="IMMEDIATE")
    try:
        db.execute("PRAGMA synchronous = NORMAL")  # with a rollback journal that is enough
        with db:
            yield db
    finally:
        db.close()


def answer(path, command, id, body):
    with opened(path) as db:
        row = db.execute("SELECT body, reply FROM store WHERE id = ?", (id,)).fetchone()
        match command, row:
            case b"CLOSE", _:
                db.execute("DELETE FROM store WHERE id = ?", (id,))
                return [b"200", id]
            case b"REQUEST", None:
                db.execute("INSERT INTO store VALUES (?, ?, NULL)", (id, joined(body)))
                return [b"200", id]
            case b"REQUEST", (known, _) if split(known) == body:
                return [b"200", id]
            case b"REPLY", (_, None):
                return [b"300", id]
            case b"REPLY", (_, reply):
                return [b"200", id, *split(reply)]
    return [b"400", id]


def waiting(path, held):
    with opened(path) as db:
        rows = db.execute(
            "SELECT id, body FROM store WHERE reply IS NULL ORDER BY rowid"
        ).fetchall()
    return [(id, split(body)) for id, body in rows if id not in held]


def server(ctx, frontend, backend, path):
    idle, held = [], {}
    with opened(path) as db:
        db.execute(TABLE)
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                frames = clients.recv_multipart()
                cut = frames.index(b"") + 1 if b"" in frames else len(frames)
                if frames[cut : cut + 1] in ([b"REQUEST"], [b"REPLY"], [b"CLOSE"]):
                    command, *rest = frames[cut:]
                    if rest:
                        found = answer(path, command, rest[0], rest[1:])
                        clients.send_multipart([*frames[:cut], *found])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", id, b"", *reply] if held.get(worker) == id:
                        with opened(path) as db:
                            sql = "UPDATE store SET reply = ? WHERE id = ?"
                            db.execute(sql, (joined(reply), held.pop(worker)))
                        idle.append(worker)
            for id, body in waiting(path, held.values()) if idle else ():
                if idle:
                    held[idle[0]] = id
                    workers.send_multipart([idle.pop(0), b"", id, b"", *body])
