"""Sockets in one thread, the database in another; questions and answers go by inproc."""

import json
import sqlite3
import threading

import zmq

WANTED = "SELECT id, body FROM requests WHERE reply IS NULL ORDER BY rowid"


def pack(frames):
    return json.dumps([frame.hex() for frame in frames])


def unpack(text):
    return [bytes.fromhex(frame) for frame in json.loads(text)]


def keep(ctx, path):
    """Answer what is asked of the store."""
    db = sqlite3.connect(path)
    with db:
        db.execute("PRAGMA synchronous = 2")
        db.execute("CREATE TABLE IF NOT EXISTS requests (id BLOB UNIQUE, body TEXT, reply TEXT)")
    try:
        with ctx.socket(zmq.REP) as questions:
            questions.bind("inproc://store")
            while True:
                questions.send_multipart(kept(db, *questions.recv_multipart()))
    except zmq.ContextTerminated:
        pass
    finally:
        db.close()


def kept(db, command, id=b"", *frames):
    with db:
        if command == b"WAITING":
            rows = [pack([id, *unpack(body)]).encode() for id, body in db.execute(WANTED)]
            return rows or [b""]
        if command == b"DONE":
            sql = "UPDATE requests SET reply = ? WHERE id = ? AND reply IS NULL"
            db.execute(sql, (pack(frames), id))
            return [b""]
        if command == b"CLOSE":
            db.execute("DELETE FROM requests WHERE id = ?", (id,))
            return [b"200", id]
        if command == b"REQUEST":
            sql = "INSERT INTO requests VALUES (?, ?, NULL) ON CONFLICT DO NOTHING"
            db.execute(sql, (id, pack(frames)))
        row = db.execute("SELECT body, reply FROM requests WHERE id = ?", (id,)).fetchone()
    match command, row:
        case _, None:
            return [b"400", id]
        case b"REQUEST", (body, _):
            return [b"200" if body == pack(frames) else b"400", id]
        case b"REPLY", (_, None):
            return [b"300", id]
        case b"REPLY", (_, reply):
            return [b"200", id, *unpack(reply)]


def server(ctx, frontend, backend, path):
    thread = threading.Thread(target=keep, args=(ctx, path), daemon=True)
    thread.start()
    try:
        with (
            ctx.socket(zmq.ROUTER) as clients,
            ctx.socket(zmq.ROUTER) as workers,
            ctx.socket(zmq.REQ) as store,
        ):
            store.connect("inproc://store")
            clients.bind(frontend)
            workers.bind(backend)
            serve(clients, workers, store)
    finally:
        thread.join()


def serve(clients, workers, store):
    def ask(*frames):
        store.send_multipart(frames)
        return store.recv_multipart()

    idle, held = [], {}
    while True:
        ready, _, _ = zmq.select([clients, workers], [], [])
        if clients in ready:
            frames = clients.recv_multipart()
            cut = frames.index(b"") + 1 if b"" in frames else len(frames)
            match frames[cut:]:
                case [b"REQUEST" | b"REPLY" | b"CLOSE", id, *_]:
                    clients.send_multipart([*frames[:cut], *ask(*frames[cut:])])
        if workers in ready:
            match workers.recv_multipart():
                case [worker, b"", b"READY"]:
                    idle.append(worker)
                case [worker, b"", id, b"", *reply] if held.get(worker) == id:
                    ask(b"DONE", held.pop(worker), *reply)
                    idle.append(worker)
        for row in ask(b"WAITING") if idle else ():
            if row and idle:
                id, *body = unpack(row.decode())
                if id not in held.values():
                    held[idle[0]] = id
                    workers.send_multipart([idle.pop(0), b"", id, b"", *body])
