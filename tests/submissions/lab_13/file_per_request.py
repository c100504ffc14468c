"""A folder with two files for each id: written under another name, synced, and renamed."""

import json
import os
from pathlib import Path

import zmq


class Folder:
    def __init__(self, path):
        self.path = Path(path)
        self.path.mkdir(exist_ok=True)
        for half in self.path.glob("*.new"):
            half.unlink()

    def sync(self):
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def name(self, kind, id):
        """A file's name has a limit, and an id has none."""
        words = [id.hex()[n : n + 200] for n in range(0, len(id.hex()), 200)]
        return self.path.joinpath(*words).with_name(f"{words[-1]}.{kind}")

    def write(self, kind, id, frames):
        name = self.name(kind, id)
        name.parent.mkdir(parents=True, exist_ok=True)
        new = name.with_suffix(".new")
        with open(new, "w") as file:
            json.dump([id.hex(), *(frame.hex() for frame in frames)], file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, name)
        self.sync()

    def read(self, kind, id):
        name = self.name(kind, id)
        return self.content(name)[1] if name.exists() else None

    def content(self, name):
        id, *frames = map(bytes.fromhex, json.loads(name.read_text()))
        return id, frames

    def remove(self, id):
        """The body first: a reply without it is none."""
        for kind in "body", "reply":
            self.name(kind, id).unlink(missing_ok=True)
        self.sync()

    def waiting(self):
        names = sorted(self.path.rglob("*.body"), key=lambda name: name.stat().st_mtime_ns)
        return [name for name in names if not name.with_suffix(".reply").exists()]


def answer(folder, command, id, body):
    if command == b"CLOSE":
        folder.remove(id)
        return [b"200", id]
    kept = folder.read("body", id)
    if command == b"REQUEST" and kept is None:
        folder.name("reply", id).unlink(missing_ok=True)
        folder.write("body", id, body)
        return [b"200", id]
    if kept is None or (command == b"REQUEST" and kept != body):
        return [b"400", id]
    reply = folder.read("reply", id)
    return [b"300", id] if reply is None and command == b"REPLY" else [b"200", id, *(reply or ())]


def server(ctx, frontend, backend, path):
    folder, idle, held = Folder(path), [], {}
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                frames = clients.recv_multipart()
                cut = frames.index(b"") + 1 if b"" in frames else len(frames)
                match frames[cut:]:
                    case [b"REQUEST", id, *body]:
                        reply = answer(folder, b"REQUEST", id, body)[:2]
                        clients.send_multipart([*frames[:cut], *reply])
                    case [b"REPLY" | b"CLOSE" as command, id]:
                        clients.send_multipart([*frames[:cut], *answer(folder, command, id, ())])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        idle.append(worker)
                    case [worker, b"", id, b"", *reply] if held.get(worker) == id:
                        del held[worker]
                        if folder.read("body", id) is not None:
                            folder.write("reply", id, reply)
                        idle.append(worker)
            for name in folder.waiting() if idle else ():
                id, body = folder.content(name)
                if idle and id not in held.values():
                    held[idle[0]] = id
                    workers.send_multipart([idle.pop(0), b"", id, b"", *body])
