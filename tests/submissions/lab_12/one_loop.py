"""A broker that is an object with a place for each service; a worker with a poller; a REQ."""

import time
from collections import deque
from dataclasses import dataclass, field

import zmq

CLIENT, WORKER = b"MDPC01", b"MDPW01"
READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = (bytes([n]) for n in range(1, 6))


@dataclass
class Service:
    name: bytes
    requests: deque = field(default_factory=deque)
    idle: deque = field(default_factory=deque)
    registered: set = field(default_factory=set)


@dataclass
class Worker:
    address: bytes
    service: Service
    expires: float
    request: tuple | None = None


class Broker:
    def __init__(self, router, interval, liveness):
        self.router, self.interval, self.patience = router, interval, interval * liveness
        self.services, self.workers = {}, {}
        self.beat_at = time.monotonic() + interval

    def service(self, name):
        return self.services.setdefault(name, Service(name))

    def run(self):
        while True:
            left = self.beat_at - time.monotonic()
            if self.router.poll(max(0, int(left * 1000))):
                self.drain()
            self.purge()
            if time.monotonic() >= self.beat_at:
                self.beat_at = time.monotonic() + self.interval
                for worker in self.workers.values():
                    self.command(worker.address, HEARTBEAT)

    def drain(self):
        try:
            while True:
                self.receive(self.router.recv_multipart(zmq.NOBLOCK))
        except zmq.Again:
            pass

    def receive(self, frames):
        sender, rest = frames[0], frames[1:]
        if len(rest) < 3 or rest[0] != b"":
            return
        if rest[1] == CLIENT and len(rest) >= 4:
            self.ask(sender, rest[2], rest[3:])
        elif rest[1] == WORKER:
            self.hear(sender, rest[2], rest[3:])

    def ask(self, client, name, body):
        if name == b"mmi.service":
            known = self.services.get(body[0])
            self.reply(client, name, [b"200" if known and known.registered else b"404"])
        elif name[:4] == b"mmi.":
            self.reply(client, name, [b"501"])
        else:
            self.service(name).requests.append((client, body))
            self.dispatch(self.service(name))

    def hear(self, address, command, rest):
        worker = self.workers.get(address)
        if worker:
            worker.expires = time.monotonic() + self.patience
        if command == DISCONNECT and not rest:
            self.delete(worker)
        elif command == READY and len(rest) == 1 and not worker and rest[0][:4] != b"mmi.":
            self.register(address, self.service(rest[0]))
        elif command == REPLY and len(rest) > 2 and rest[1] == b"" and self.asked(worker, rest[0]):
            worker.request = None
            self.reply(rest[0], worker.service.name, rest[2:])
            worker.service.idle.append(worker)
            self.dispatch(worker.service)
        elif command == HEARTBEAT and not rest and worker:
            pass
        elif command in (READY, REPLY, HEARTBEAT, REQUEST):
            self.delete(worker)
            self.command(address, DISCONNECT)

    @staticmethod
    def asked(worker, client):
        return worker is not None and worker.request is not None and worker.request[0] == client

    def register(self, address, service):
        worker = Worker(address, service, time.monotonic() + self.patience)
        self.workers[address] = worker
        service.registered.add(address)
        service.idle.append(worker)
        self.dispatch(service)

    def dispatch(self, service):
        while service.idle and service.requests:
            worker = service.idle.popleft()
            worker.request = client, body = service.requests.popleft()
            self.command(worker.address, REQUEST, client, b"", *body)

    def delete(self, worker):
        if worker is None:
            return
        service = worker.service
        del self.workers[worker.address]
        service.registered.discard(worker.address)
        if worker in service.idle:
            service.idle.remove(worker)
        if worker.request:
            service.requests.appendleft(worker.request)
            self.dispatch(service)

    def purge(self):
        for worker in list(self.workers.values()):
            if worker.expires < time.monotonic():
                self.delete(worker)

    def command(self, address, *frames):
        self.router.send_multipart([address, b"", WORKER, *frames])

    def reply(self, client, name, body):
        self.router.send_multipart([client, b"", CLIENT, name, *body])


def broker(ctx, endpoint, interval, liveness):
    with ctx.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(endpoint)
        Broker(router, interval, liveness).run()


def converse(ctx, endpoint, service, work, interval, liveness):
    broker = ctx.socket(zmq.DEALER)
    try:
        broker.setsockopt(zmq.LINGER, 0)
        broker.connect(endpoint)
        poller = zmq.Poller()
        poller.register(broker, zmq.POLLIN)
        broker.send_multipart([b"", WORKER, READY, service])
        next_beat = time.monotonic() + interval
        lives = liveness

        def beat():
            nonlocal next_beat
            if time.monotonic() > next_beat:
                broker.send_multipart([b"", WORKER, HEARTBEAT])
                next_beat = time.monotonic() + interval

        while lives:
            if poller.poll(interval * 1000):
                lives = liveness
                frames = broker.recv_multipart()
                if len(frames) >= 3 and frames[:2] == [b"", WORKER]:
                    if frames[2] == DISCONNECT:
                        return
                    if frames[2] == REQUEST and len(frames) > 5 and frames[4] == b"":
                        reply = work(frames[5:], beat)
                        broker.send_multipart([b"", WORKER, REPLY, frames[3], b"", *reply])
            else:
                lives -= 1  # an interval without a message
            beat()
    finally:
        broker.close()


def worker(ctx, endpoint, service, work, interval, liveness):
    while True:
        converse(ctx, endpoint, service, work, interval, liveness)


def client(ctx, endpoint, service, body, patience, tries):
    asked = 0
    while asked < tries:
        asked += 1
        with ctx.socket(zmq.REQ) as socket:
            socket.setsockopt(zmq.LINGER, 0)
            socket.connect(endpoint)
            socket.send_multipart([CLIENT, service, *body])
            if socket.poll(patience * 1000):
                reply = socket.recv_multipart()
                if len(reply) >= 3 and reply[:2] == [CLIENT, service]:
                    return reply[2:]
    raise TimeoutError(f"asked {asked} times")
