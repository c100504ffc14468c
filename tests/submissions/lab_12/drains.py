"""A broker that reads all there is, hears workers first, then clients; deadlines in a heap."""

import heapq
import time
from itertools import count

import zmq

EMPTY, MDPC, MDPW = b"", b"MDPC01", b"MDPW01"
NAMES = {b"\1": "ready", b"\2": "request", b"\3": "reply", b"\4": "alive", b"\5": "gone"}
OCTETS = {name: octet for octet, name in NAMES.items()}


class Registry:
    def __init__(self, router, interval, liveness):
        self.router, self.interval, self.patience = router, interval, interval * liveness
        self.who = {}  # address: [service, number of its turn or None, request or None, heard]
        self.turns = count()
        self.requests = []  # heap of (number, client, service, body)
        self.numbers, self.before = count(), count(-1, -1)
        self.deadlines = []  # heap of (moment, address); those of old are looked up again

    # what comes

    def ready(self, address, service):
        if address in self.who or service.startswith(b"mmi."):
            return self.refuse(address)
        self.who[address] = [service, next(self.turns), None, time.monotonic()]
        heapq.heappush(self.deadlines, (time.monotonic() + self.patience, address))

    def reply(self, address, client, empty, *body):
        service, _, request, _ = self.who.get(address, (None, None, None, 0))
        if request is None or request[1] != client or empty or not body:
            return self.refuse(address)
        self.who[address] = [service, next(self.turns), None, time.monotonic()]
        self.router.send_multipart([client, EMPTY, MDPC, service, *body])

    def alive(self, address):
        if address not in self.who:
            return self.refuse(address)
        self.who[address][3] = time.monotonic()

    def request(self, address, *rest):
        self.refuse(address)

    def gone(self, address):
        _, _, request, _ = self.who.pop(address, (None, None, None, 0))
        if request is not None:
            heapq.heappush(self.requests, (next(self.before), *request[1:]))

    def asks(self, client, service, body):
        if not service.startswith(b"mmi."):
            heapq.heappush(self.requests, (next(self.numbers), client, service, body))
            return
        code = b"501"
        if service == b"mmi.service":
            code = b"200" if any(one[0] == body[0] for one in self.who.values()) else b"404"
        self.router.send_multipart([client, EMPTY, MDPC, service, code])

    # what goes

    def tell(self, address, name, *rest):
        self.router.send_multipart([address, EMPTY, MDPW, OCTETS[name], *rest])

    def refuse(self, address):
        self.gone(address)
        self.tell(address, "gone")

    def deal(self):
        """Give out what can be given: the oldest request of each service to who is idle longest."""
        line = sorted((one[1], a) for a, one in self.who.items() if one[1] is not None)
        left = []
        while self.requests:
            request = heapq.heappop(self.requests)
            _, client, service, body = request
            able = next((pair for pair in line if self.who[pair[1]][0] == service), None)
            if able is None:
                left.append(request)
                continue
            line.remove(able)
            self.who[able[1]][1:3] = None, request
            self.tell(able[1], "request", client, EMPTY, *body)
        self.requests = left  # in order, and so a heap

    def evict(self, now):
        while self.deadlines and self.deadlines[0][0] <= now:
            _, address = heapq.heappop(self.deadlines)
            if address in self.who:
                until = self.who[address][3] + self.patience
                if until <= now:
                    self.gone(address)
                else:
                    heapq.heappush(self.deadlines, (until, address))


def read_all(router):
    while router.getsockopt(zmq.EVENTS) & zmq.POLLIN:
        yield router.recv_multipart()


def broker(ctx, endpoint, interval, liveness):
    with ctx.socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(endpoint)
        registry = Registry(router, interval, liveness)
        next_beat = time.monotonic() + interval
        while True:
            zmq.select([router], [], [], max(0, next_beat - time.monotonic()))
            arrived = [frames for frames in read_all(router) if len(frames) > 3]
            for address, empty, header, octet, *rest in arrived:
                if not empty and header == MDPW and octet in NAMES:
                    try:
                        getattr(registry, NAMES[octet])(address, *rest)
                    except TypeError:  # too few frames, or too many
                        registry.refuse(address)
            for client, empty, header, service, *body in arrived:
                if not empty and header == MDPC and body:
                    registry.asks(client, service, body)
            registry.evict(time.monotonic())
            registry.deal()
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + interval
                for address in registry.who:
                    registry.tell(address, "alive")


def messages(socket, interval, beat):
    """What comes; None where nothing has come for a part of an interval."""
    while True:
        beat()
        yield socket.recv_multipart() if socket.poll(interval * 1000 / 3) else None


def worker(ctx, endpoint, service, work, interval, liveness):
    while True:
        time.sleep(interval)  # harmless: a moment between two conversations
        with ctx.socket(zmq.DEALER) as socket:
            socket.linger = 0
            socket.connect(endpoint)
            last = [time.monotonic(), time.monotonic()]  # sent, heard

            def tell(name, *rest, socket=socket, last=last):
                socket.send_multipart([EMPTY, MDPW, OCTETS[name], *rest])
                last[0] = time.monotonic()

            def beat(tell=tell, last=last):
                if time.monotonic() - last[0] >= interval:
                    tell("alive")

            tell("ready", service)
            for frames in messages(socket, interval, beat):
                if frames is None:
                    if time.monotonic() - last[1] > interval * liveness:
                        break
                    continue
                last[1] = time.monotonic()
                match frames:
                    case [b"", b"MDPW01", b"\5"]:
                        break
                    case [b"", b"MDPW01", b"\2", address, b"", *body] if body:
                        tell("reply", address, EMPTY, *work(body, beat))


def client(ctx, endpoint, service, body, patience, tries):
    poller = zmq.Poller()
    for _ in range(tries):
        socket = ctx.socket(zmq.DEALER)
        try:
            socket.linger = 0
            poller.register(socket, zmq.POLLIN)
            socket.connect(endpoint)
            for frame in (EMPTY, MDPC, service, *body[:-1]):
                socket.send(frame, zmq.SNDMORE)
            socket.send(body[-1])
            deadline = time.monotonic() + patience
            while poller.poll(max(0, 1000 * (deadline - time.monotonic()))):
                empty, *frames = socket.recv_multipart()
                if not empty and frames[:2] == [MDPC, service] and frames[2:]:
                    return frames[2:]
        finally:
            poller.unregister(socket)
            socket.close()
    raise TimeoutError(f"{tries} times {patience} s")
