"""The broker's core is pure: an event and the time in, messages out. Its shell has the socket."""

import time

import zmq

C, W = b"MDPC01", b"MDPW01"
READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"


class Core:
    """What is known, as plain values: `on` and `tick` return messages, addresses first."""

    def __init__(self, patience):
        self.patience = patience
        self.service, self.heard, self.held = {}, {}, {}  # of a worker, by its address
        self.idle = []  # addresses, who has been idle longest first
        self.queue = []  # requests (client, service, body), the oldest first

    def on(self, frames, now):
        match frames:
            case [sender, b"", b"MDPC01", name, *body] if body:
                return self.ask(sender, name, body)
            case [sender, b"", b"MDPW01", b"\x01", name]:
                return self.ready(sender, name, now)
            case [sender, b"", b"MDPW01", b"\x03", client, b"", *reply] if reply:
                return self.reply(sender, client, reply, now)
            case [sender, b"", b"MDPW01", b"\x04"]:
                return self.alive(sender, now)
            case [sender, b"", b"MDPW01", b"\x05"]:
                return self.forget(sender)
        return []

    def ask(self, client, name, body):
        if name == b"mmi.service":
            code = b"200" if body[0] in self.service.values() else b"404"
            return [[client, b"", C, name, code]]
        if name.startswith(b"mmi."):
            return [[client, b"", C, name, b"501"]]
        self.queue.append((client, name, body))
        return self.dispatch()

    def ready(self, worker, name, now):
        if worker in self.service or name.startswith(b"mmi."):
            return self.send_away(worker)
        self.service[worker], self.heard[worker] = name, now
        self.idle.append(worker)
        return self.dispatch()

    def reply(self, worker, client, reply, now):
        if self.held.get(worker, (None,))[0] != client:
            return self.send_away(worker)
        _, name, _ = self.held.pop(worker)
        self.heard[worker] = now
        self.idle.append(worker)
        return [[client, b"", C, name, *reply], *self.dispatch()]

    def alive(self, worker, now):
        if worker not in self.service:
            return self.send_away(worker)
        self.heard[worker] = now
        return []

    def send_away(self, worker):
        return [[worker, b"", W, DISCONNECT], *self.forget(worker)]

    def forget(self, worker):
        self.service.pop(worker, None)
        self.heard.pop(worker, None)
        if worker in self.idle:
            self.idle.remove(worker)
        if worker in self.held:
            self.queue.insert(0, self.held.pop(worker))
        return self.dispatch()

    def dispatch(self):
        out = []
        for request in list(self.queue):
            client, name, body = request
            able = [worker for worker in self.idle if self.service[worker] == name]
            if able:
                self.idle.remove(able[0])
                self.queue.remove(request)
                self.held[able[0]] = request
                out.append([able[0], b"", W, REQUEST, client, b"", *body])
        return out

    def silent(self, now):
        return [worker for worker, heard in self.heard.items() if now - heard > self.patience]

    def tick(self, now):
        """An interval has passed."""
        out = [message for worker in self.silent(now) for message in self.forget(worker)]
        return out + [[worker, b"", W, HEARTBEAT] for worker in self.service]


def broker(ctx, endpoint, interval, liveness):
    core = Core(interval * liveness)
    tick = time.monotonic() + interval
    with ctx.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(endpoint)
        while True:
            out = []
            ready = router.poll(max(0.0, tick - time.monotonic()) * 1000)
            while ready:
                out += core.on(router.recv_multipart(), time.monotonic())
                ready = router.poll(0)
            if time.monotonic() >= tick:
                out += core.tick(time.monotonic())
                tick = time.monotonic() + interval
            for message in out:
                router.send_multipart(message)


class Conversation:
    """What a worker knows between READY and the end: pure as well."""

    def __init__(self, interval, liveness, now):
        self.interval, self.patience = interval, interval * liveness
        self.sent, self.heard = now, now

    def due(self, now):
        if now - self.sent < self.interval:
            return False
        self.sent = now
        return True

    def over(self, now):
        return now - self.heard > self.patience


def worker(ctx, endpoint, service, work, interval, liveness):
    while True:
        with ctx.socket(zmq.DEALER) as socket:
            socket.linger = 0
            socket.connect(endpoint)
            socket.send_multipart([b"", W, READY, service])
            talk = Conversation(interval, liveness, time.monotonic())

            def beat(socket=socket, talk=talk):
                if talk.due(time.monotonic()):
                    socket.send_multipart([b"", W, HEARTBEAT])

            while True:
                beat()
                if not socket.poll(interval * 250):
                    if talk.over(time.monotonic()):
                        break
                    continue
                message = socket.recv_multipart()
                talk.heard = time.monotonic()
                if message == [b"", W, DISCONNECT]:
                    break
                if message[:3] == [b"", W, REQUEST] and len(message) > 5:
                    reply = work(message[5:], beat)
                    socket.send_multipart([b"", W, REPLY, *message[3:5], *reply])


def client(ctx, endpoint, service, body, patience, tries):
    for _ in range(tries):
        reply = once(ctx, endpoint, service, body, time.monotonic() + patience)
        if reply is not None:
            return reply
    raise TimeoutError("nobody answered")


def once(ctx, endpoint, service, body, deadline):
    with ctx.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.connect(endpoint)
        socket.send_multipart([b"", C, service, *body])
        while (left := deadline - time.monotonic()) > 0:
            if socket.poll(left * 1000):
                message = socket.recv_multipart()
                if message[:3] == [b"", C, service] and len(message) > 3:
                    return message[3:]
    return None
