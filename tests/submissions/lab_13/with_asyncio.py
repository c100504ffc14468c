"""Two coroutines on one loop; what waits is also kept in memory, and read again at the start."""

import asyncio
import json
import sqlite3

import zmq
import zmq.asyncio


class Store:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS requests"
            " (id TEXT PRIMARY KEY, body TEXT NOT NULL, reply TEXT) WITHOUT ROWID"
        )
        self.rows = {
            id: (body, reply)
            for id, body, reply in self.db.execute("SELECT id, body, reply FROM requests")
        }

    def put(self, id, body, reply=None):
        self.db.execute("INSERT OR REPLACE INTO requests VALUES (?, ?, ?)", (id, body, reply))
        self.rows[id] = body, reply

    def drop(self, id):
        self.db.execute("DELETE FROM requests WHERE id = ?", (id,))
        self.rows.pop(id, None)


def pack(frames):
    return json.dumps([frame.hex() for frame in frames])


def unpack(text):
    return [bytes.fromhex(frame) for frame in json.loads(text)]


def answer(store, command, id, body):
    name = id.hex()
    if command == b"CLOSE":
        store.drop(name)
        return [b"200", id]
    if command == b"REQUEST" and name not in store.rows:
        store.put(name, pack(body))
    kept, reply = store.rows.get(name, (None, None))
    if kept is None or (command == b"REQUEST" and kept != pack(body)):
        return [b"400", id]
    if command == b"REQUEST":
        return [b"200", id]
    return [b"300", id] if reply is None else [b"200", id, *unpack(reply)]


async def there_is(socket):
    while not await socket.poll(50):  # so that it sees the end of the context
        pass


class Server:
    def __init__(self, store, clients, workers):
        self.store, self.clients, self.workers = store, clients, workers
        self.idle, self.held = [], {}

    async def hear_clients(self):
        while True:
            await there_is(self.clients)
            frames = await self.clients.recv_multipart()
            cut = frames.index(b"") + 1 if b"" in frames else len(frames)
            match frames[cut:]:
                case [b"REQUEST" | b"REPLY" | b"CLOSE" as command, id, *body]:
                    found = answer(self.store, command, id, body)
                    await self.clients.send_multipart([*frames[:cut], *found])
                    await self.give()

    async def hear_workers(self):
        while True:
            await there_is(self.workers)
            match await self.workers.recv_multipart():
                case [worker, b"", b"READY"]:
                    self.idle.append(worker)
                case [worker, b"", id, b"", *reply] if self.held.get(worker) == id.hex():
                    name = self.held.pop(worker)
                    if name in self.store.rows:
                        self.store.put(name, self.store.rows[name][0], pack(reply))
                    self.idle.append(worker)
            await self.give()

    async def give(self):
        for name, (body, reply) in list(self.store.rows.items()):
            if self.idle and reply is None and name not in self.held.values():
                worker = self.idle.pop(0)
                self.held[worker] = name
                frames = [worker, b"", bytes.fromhex(name), b"", *unpack(body)]
                await self.workers.send_multipart(frames)


async def serve(ctx, frontend, backend, path):
    shadow, store = zmq.asyncio.Context.shadow(ctx.underlying), Store(path)
    try:
        with shadow.socket(zmq.ROUTER) as clients, shadow.socket(zmq.ROUTER) as workers:
            clients.bind(frontend)
            workers.bind(backend)
            both = Server(store, clients, workers)
            await asyncio.gather(both.hear_clients(), both.hear_workers())
    finally:
        store.db.close()


def server(ctx, frontend, backend, path):
    asyncio.run(serve(ctx, frontend, backend, path))
