"""Group commit: all that is there is read, committed at once, and then answered.

What is new is given out before its client has its answer: it is safe by then.
"""

import pickle
import sqlite3
from contextlib import closing

import zmq

TABLE = "CREATE TABLE IF NOT EXISTS requests (id BLOB PRIMARY KEY, body BLOB, reply BLOB)"


def all_of(socket):
    while socket.poll(0):
        yield socket.recv_multipart()


def answer(db, command, id, body):
    if command == b"CLOSE":
        db.execute("DELETE FROM requests WHERE id = ?", (id,))
        return [b"200", id]
    row = db.execute("SELECT body, reply FROM requests WHERE id = ?", (id,)).fetchone()
    if command == b"REPLY":
        if row is None:
            return [b"400", id]
        return [b"300", id] if row[1] is None else [b"200", id, *pickle.loads(row[1])]
    if row is None:
        db.execute("INSERT INTO requests VALUES (?, ?, NULL)", (id, pickle.dumps(body)))
    return [b"200" if row is None or pickle.loads(row[0]) == body else b"400", id]


def server(ctx, frontend, backend, path):
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as db,
        ctx.socket(zmq.ROUTER) as clients,
        ctx.socket(zmq.ROUTER) as workers,
    ):
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute(TABLE)
        clients.bind(frontend)
        workers.bind(backend)
        idle, held = [], {}
        while True:
            zmq.select([clients, workers], [], [])
            answers = []
            db.execute("BEGIN IMMEDIATE")
            for worker, _, *frames in all_of(workers):
                if frames == [b"READY"]:
                    idle.append(worker)
                elif held.get(worker) == frames[0]:
                    idle.append(worker)
                    db.execute(
                        "UPDATE requests SET reply = ? WHERE id = ?",
                        (pickle.dumps(frames[2:]), held.pop(worker)),
                    )
            for frames in all_of(clients):
                cut = frames.index(b"") if b"" in frames else len(frames)
                match frames[cut + 1 :]:
                    case [b"REQUEST" | b"REPLY" | b"CLOSE" as command, id, *body]:
                        answers.append([*frames[: cut + 1], *answer(db, command, id, body)])
            db.execute("COMMIT")
            for id, body in db.execute(
                "SELECT id, body FROM requests WHERE reply IS NULL ORDER BY rowid"
            ).fetchall():
                if idle and id not in held.values():
                    worker = idle.pop()
                    held[worker] = id
                    workers.send_multipart([worker, b"", id, b"", *pickle.loads(body)])
            for frames in answers:
                clients.send_multipart(frames)
