"""A core without sockets, to which things happen at a time; what it returns is sent."""

import time

import zmq

WORKERS, CLIENTS = "workers", "clients"


class Core:
    def __init__(self, interval, liveness, now):
        self.interval, self.patience, self.beat_at = interval, interval * liveness, now + interval
        self.heard, self.idle, self.held, self.first = {}, [], {}, []

    def worker_said(self, who, frames, now):
        if who not in self.heard and frames == [b"\x01"]:
            self.heard[who] = now
            self.idle.append(who)
        elif who in self.heard:
            self.heard[who] = now
            mine, _ = self.held.get(who, (None, None))
            if b"" in frames and frames[: frames.index(b"")] == mine:
                del self.held[who]
                self.idle.append(who)
                return [(CLIENTS, frames), *self.hand_on()]
        return self.hand_on()

    def asked(self, frames):
        if b"" not in frames[:-1]:
            return []
        way = frames[: frames.index(b"")]
        return self.give((way, frames))

    def give(self, task):
        who = self.idle.pop(0)
        self.held[who] = task
        return [(WORKERS, [who, *task[1]])]

    def hand_on(self):
        out = []
        while self.idle and self.first:
            out += self.give(self.first.pop(0))
        return out

    def tick(self, now):
        for who in [who for who, at in self.heard.items() if now > at + self.patience]:
            del self.heard[who]
            if who in self.held:
                self.first.append(self.held.pop(who))
            else:
                self.idle.remove(who)
        if now < self.beat_at:
            return self.hand_on()
        self.beat_at = now + self.interval
        return [*((WORKERS, [who, b"\x02"]) for who in self.heard), *self.hand_on()]


def queue(ctx, frontend, backend, interval, liveness):
    core = Core(interval, liveness, time.monotonic())
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        sockets = {CLIENTS: clients, WORKERS: workers}

        def send(out):
            for which, frames in out:
                sockets[which].send_multipart(frames)

        while True:
            open_ends = [workers, clients] if core.idle else [workers]
            wait = core.beat_at - time.monotonic()
            ready = zmq.select(open_ends, [], [], max(0, wait))[0]
            while workers.poll(0):
                who, *frames = workers.recv_multipart()
                send(core.worker_said(who, frames, time.monotonic()))
            send(core.tick(time.monotonic()))
            if clients in ready and core.idle:
                send(core.asked(clients.recv_multipart()))


class Clock:
    def __init__(self, seconds):
        self.seconds, self.since = seconds, time.monotonic()

    @property
    def left(self):
        return self.since + self.seconds - time.monotonic()

    def restart(self):
        self.since = time.monotonic()


def worker(ctx, endpoint, work, interval, liveness):
    while True:
        with ctx.socket(zmq.DEALER) as line:
            line.connect(endpoint)
            line.send(b"\x01")
            mine, its = Clock(interval), Clock(interval * liveness)

            def beat(line=line, mine=mine):
                if mine.left <= 0:
                    line.send(b"\x02")
                    mine.restart()

            while its.left > 0 or line.poll(0):
                if line.poll(max(0, 1000 * mine.left)):
                    match line.recv_multipart():
                        case [b"\x02"]:
                            pass
                        case frames:
                            cut = frames.index(b"") + 1
                            line.send_multipart(frames[:cut] + list(work(frames[cut:], beat)))
                    its.restart()
                beat()
