"""An object for each worker; the list of them is kept in the order in which they became idle."""

import time
from dataclasses import dataclass, field

import zmq


@dataclass
class Crewman:
    address: bytes
    expires: float
    task: list | None = None
    since: int = 0
    beaten: float = field(default_factory=time.monotonic)


class Pirate:
    def __init__(self, front, back, interval, liveness):
        self.front, self.back = front, back
        self.interval, self.patience = interval, interval * liveness
        self.crew: dict[bytes, Crewman] = {}
        self.returned: list[list[bytes]] = []
        self.ticks = 0

    def longest_idle(self):
        idle = [man for man in self.crew.values() if man.task is None]
        return min(idle, key=lambda man: man.since, default=None)

    def free(self, man):
        self.ticks += 1
        man.task, man.since = None, self.ticks

    def on_worker(self, address, frames):
        man = self.crew.get(address)
        if man is None:
            if frames == [b"\x01"]:
                man = self.crew[address] = Crewman(address, time.monotonic() + self.patience)
                self.free(man)
            return
        man.expires = time.monotonic() + self.patience
        if man.task and b"" in frames and way_back(frames) == way_back(man.task):
            self.free(man)
            self.front.send_multipart(frames)

    def purge(self):
        now = time.monotonic()
        for man in [man for man in self.crew.values() if man.expires < now]:
            del self.crew[man.address]
            if man.task:
                self.returned.append(man.task)

    def beat(self):
        now = time.monotonic()
        for man in self.crew.values():
            if now - man.beaten >= self.interval:
                man.beaten = now
                self.back.send_multipart([man.address, b"\x02"])

    def dispatch(self, request):
        man = self.longest_idle()
        man.task = request
        self.back.send_multipart([man.address, *request])

    def run(self):
        while True:
            idle = self.longest_idle() is not None
            sockets = [self.back, self.front] if idle else [self.back]
            beats = [man.beaten + self.interval for man in self.crew.values()]
            wait = max(0.0, min(beats) - time.monotonic()) + 0.001 if beats else None
            ready, _, _ = zmq.select(sockets, [], [], wait)
            try:
                while True:
                    address, *frames = self.back.recv_multipart(zmq.DONTWAIT)
                    self.on_worker(address, frames)
            except zmq.Again:
                pass
            self.purge()
            self.beat()
            while self.returned and self.longest_idle():
                self.dispatch(self.returned.pop(0))
            if self.front in ready and self.longest_idle():
                request = self.front.recv_multipart()
                if b"" in request and request.index(b"") < len(request) - 1:
                    self.dispatch(request)


def way_back(frames):
    return frames[: frames.index(b"")]


def queue(ctx, frontend, backend, interval, liveness):
    with ctx.socket(zmq.ROUTER) as front, ctx.socket(zmq.ROUTER) as back:
        front.bind(frontend)
        back.bind(backend)
        Pirate(front, back, interval, liveness).run()


def worker(ctx, endpoint, work, interval, liveness):
    """Counts no silent polls: it looks at the clock, after it has read all."""
    socket = None
    try:
        while True:
            if socket is None:
                socket = ctx.socket(zmq.DEALER)
                socket.connect(endpoint)
                socket.send(b"\x01")
                heard, said = time.monotonic(), time.monotonic()

            def beat(socket=socket):
                nonlocal said
                if time.monotonic() - said >= interval:
                    said = time.monotonic()
                    socket.send(b"\x02")

            socket.poll(int(250 * interval) + 1)
            while True:
                try:
                    frames = socket.recv_multipart(zmq.DONTWAIT)
                except zmq.Again:
                    break
                if frames != [b"\x02"]:
                    head = [*way_back(frames), b""]
                    socket.send_multipart([*head, *work(frames[len(head) :], beat)])
                heard = time.monotonic()
            beat()
            if time.monotonic() - heard > interval * liveness:
                socket.close()
                socket = None
    finally:
        if socket is not None:
            socket.close()
