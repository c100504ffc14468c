"""No database: a log to which lines are appended, and synced before anybody is told."""

import json
import os

import zmq


class Log:
    """What is known is in memory; the log says it again when the server begins."""

    def __init__(self, path):
        self.bodies, self.replies = {}, {}
        self.file = open(path, "a+b")  # noqa: SIM115 (open as long as the server)
        self.file.seek(0)
        end = 0
        for line in self.file:
            if not line.endswith(b"\n"):
                break  # the last one was cut short: nobody was told
            end += len(line)
            self.apply(*json.loads(line))
        self.file.truncate(end)

    def apply(self, what, id, frames):
        id, frames = bytes.fromhex(id), [bytes.fromhex(frame) for frame in frames]
        if what == "request":
            self.bodies[id] = frames
        elif what == "reply":
            self.replies[id] = frames
        else:
            self.bodies.pop(id, None)
            self.replies.pop(id, None)

    def write(self, what, id, frames=()):
        line = [what, id.hex(), [frame.hex() for frame in frames]]
        self.file.write(json.dumps(line).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.apply(*line)


def answer(log, command, id, body):
    if command == b"CLOSE":
        if id in log.bodies:
            log.write("close", id)
        return [b"200", id]
    if command == b"REQUEST" and id not in log.bodies:
        log.write("request", id, body)
    if id not in log.bodies or (command == b"REQUEST" and log.bodies[id] != body):
        return [b"400", id]
    if command == b"REQUEST":
        return [b"200", id]
    return [b"200", id, *log.replies[id]] if id in log.replies else [b"300", id]


def server(ctx, frontend, backend, path):
    log, idle, held = Log(path), [], {}
    with log.file, ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        poller = zmq.Poller()
        poller.register(clients, zmq.POLLIN)
        poller.register(workers, zmq.POLLIN)
        while True:
            for socket, _ in poller.poll():
                frames = socket.recv_multipart()
                if socket is workers:
                    match frames:
                        case [worker, b"", b"READY"]:
                            idle.append(worker)
                        case [worker, b"", id, b"", *reply] if held.get(worker, (0,))[0] == id:
                            if log.bodies.get(id) is held.pop(worker)[1]:  # it was not closed
                                log.write("reply", id, reply)
                            idle.append(worker)
                elif b"" in frames[:-1]:
                    cut = frames.index(b"") + 1
                    match frames[cut:]:
                        case [b"REQUEST" | b"REPLY" | b"CLOSE" as command, id, *body]:
                            socket.send_multipart([*frames[:cut], *answer(log, command, id, body)])
            given = [id for id, _ in held.values()]
            for id, body in log.bodies.items():
                if idle and id not in log.replies and id not in given:
                    worker = idle.pop(0)
                    held[worker] = id, body
                    workers.send_multipart([worker, b"", id, b"", *body])
