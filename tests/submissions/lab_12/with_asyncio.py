"""Coroutines: one reads, one lets time pass. A worker's work is a plain function all the same."""

import asyncio
import time
from collections import defaultdict, deque

import zmq
import zmq.asyncio

CLIENT, WORKER = b"MDPC01", b"MDPW01"
READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = b"\1", b"\2", b"\3", b"\4", b"\5"


async def there_is(socket, seconds=None):
    """Whether something comes; it looks up now and then, to see the end of the context."""
    end = None if seconds is None else time.monotonic() + seconds
    while not await socket.poll(50):
        if end is not None and time.monotonic() > end:
            return False
    return True


class Broker:
    def __init__(self, router, patience):
        self.router, self.patience = router, patience
        self.idle = defaultdict(deque)
        self.waiting = defaultdict(deque)
        self.serves, self.heard, self.holds = {}, {}, {}

    async def tell(self, worker, *frames):
        await self.router.send_multipart([worker, b"", WORKER, *frames])

    async def reply(self, client, *frames):
        await self.router.send_multipart([client, b"", CLIENT, *frames])

    async def read(self):
        while True:
            await there_is(self.router)
            await self.hear(await self.router.recv_multipart())

    async def hear(self, frames):
        if len(frames) < 4 or frames[1]:
            return
        sender, _, header, first, *rest = frames
        if header == CLIENT and rest:
            await self.asked(sender, first, rest)
        elif header == WORKER:
            if sender in self.serves:
                self.heard[sender] = time.monotonic()
            await self.command(sender, first, rest)

    async def asked(self, client, service, body):
        if service == b"mmi.service":
            await self.reply(client, service, [b"404", b"200"][body[0] in self.serves.values()])
        elif service.startswith(b"mmi."):
            await self.reply(client, service, b"501")
        else:
            self.waiting[service].append((client, body))
            await self.give(service)

    async def command(self, sender, command, rest):
        known = sender in self.serves
        if command == DISCONNECT:
            await self.forget(sender)
        elif command == READY and len(rest) == 1 and not known and rest[0][:4] != b"mmi.":
            self.serves[sender], self.heard[sender] = rest[0], time.monotonic()
            self.idle[rest[0]].append(sender)
            await self.give(rest[0])
        elif command == REPLY and self.fits(sender, rest):
            service = self.serves[sender]
            del self.holds[sender]
            await self.reply(rest[0], service, *rest[2:])
            self.idle[service].append(sender)
            await self.give(service)
        elif command != HEARTBEAT or not known:
            await self.forget(sender)
            await self.tell(sender, DISCONNECT)

    def fits(self, sender, rest):
        return len(rest) > 2 and not rest[1] and self.holds.get(sender, (None,))[0] == rest[0]

    async def give(self, service):
        while self.idle[service] and self.waiting[service]:
            worker = self.idle[service].popleft()
            client, body = self.holds[worker] = self.waiting[service].popleft()
            await self.tell(worker, REQUEST, client, b"", *body)

    async def forget(self, worker):
        service = self.serves.pop(worker, None)
        if service is None:
            return
        del self.heard[worker]
        if worker in self.idle[service]:
            self.idle[service].remove(worker)
        if worker in self.holds:
            self.waiting[service].appendleft(self.holds.pop(worker))
            await self.give(service)

    async def pass_time(self, interval):
        while True:
            await asyncio.sleep(interval)
            await asyncio.sleep(0)  # what is there is read first
            now = time.monotonic()
            for worker in [w for w, heard in self.heard.items() if now - heard > self.patience]:
                await self.forget(worker)
            for worker in list(self.serves):
                await self.tell(worker, HEARTBEAT)


async def serve(ctx, endpoint, interval, liveness):
    with zmq.asyncio.Context.shadow(ctx.underlying).socket(zmq.ROUTER) as router:
        router.linger = 0
        router.bind(endpoint)
        it = Broker(router, interval * liveness)
        await asyncio.gather(it.read(), it.pass_time(interval))


def broker(ctx, endpoint, interval, liveness):
    asyncio.run(serve(ctx, endpoint, interval, liveness))


async def converse(ctx, endpoint, service, work, interval, liveness):
    with zmq.asyncio.Context.shadow(ctx.underlying).socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.connect(endpoint)
        plain = zmq.Socket.shadow(socket.underlying)  # for `work`, which cannot await

        def send(*frames):
            plain.send_multipart([b"", WORKER, *frames])

        sent = heard = time.monotonic()

        def beat():
            nonlocal sent
            if time.monotonic() - sent >= interval:
                send(HEARTBEAT)
                sent = time.monotonic()

        send(READY, service)
        while True:
            beat()
            if await socket.poll(50):
                frames = await socket.recv_multipart()
                heard = time.monotonic()
                if frames[:3] == [b"", WORKER, DISCONNECT]:
                    return
                if frames[:3] == [b"", WORKER, REQUEST] and len(frames) > 5:
                    send(REPLY, frames[3], b"", *work(frames[5:], beat))
            elif time.monotonic() - heard > interval * liveness:
                return


def worker(ctx, endpoint, service, work, interval, liveness):
    async def live():
        while True:
            await converse(ctx, endpoint, service, work, interval, liveness)

    asyncio.run(live())


async def ask(ctx, endpoint, service, body, patience, tries):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    for _ in range(tries):
        with shadow.socket(zmq.DEALER) as socket:
            socket.linger = 0
            socket.connect(endpoint)
            await socket.send_multipart([b"", CLIENT, service, *body])
            end = time.monotonic() + patience
            while await there_is(socket, end - time.monotonic()):
                frames = await socket.recv_multipart()
                if frames[:3] == [b"", CLIENT, service] and frames[3:]:
                    return frames[3:]
    raise TimeoutError(f"no answer to {tries} tries")


def client(ctx, endpoint, service, body, patience, tries):
    return asyncio.run(ask(ctx, endpoint, service, body, patience, tries))
