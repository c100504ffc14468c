"""A coroutine for what workers say, and one for what clients ask; nothing is recorded."""

import asyncio
import time

import zmq
import zmq.asyncio

READY, BEAT = b"\x01", b"\x02"


async def there_is(socket):
    while not await socket.poll(50):  # so that it sees the end of the context
        pass


class Hub:
    def __init__(self, clients, workers, interval, patience):
        self.clients, self.workers = clients, workers
        self.interval, self.patience = interval, patience
        self.heard, self.idle, self.held, self.again = {}, [], {}, []
        self.room = asyncio.Event()

    async def offer(self):
        """Give out what dead workers have left, then let clients be heard."""
        while self.idle and self.again:
            await self.give(self.again.pop(0))
        self.room.set() if self.idle else self.room.clear()

    async def give(self, request):
        worker = self.idle.pop(0)
        self.held[worker] = request
        await self.workers.send_multipart([worker, *request])

    async def read_workers(self):
        while await self.workers.poll(0):
            worker, *frames = await self.workers.recv_multipart()
            if worker not in self.heard:
                if frames != [READY]:
                    continue
                self.idle.append(worker)
            self.heard[worker] = time.monotonic()
            at = frames.index(b"") + 1 if b"" in frames else 0
            if at and worker in self.held and self.held[worker][:at] == frames[:at]:
                del self.held[worker]
                self.idle.append(worker)
                await self.clients.send_multipart(frames)
        await self.offer()

    async def hear_clients(self):
        while True:
            await self.room.wait()
            await there_is(self.clients)
            if self.room.is_set():
                request = await self.clients.recv_multipart()
                if b"" in request[:-1]:
                    await self.give(request)
                await self.offer()

    async def hear_workers(self):
        beat_at = time.monotonic()
        while True:
            wait = max(0, beat_at - time.monotonic())
            await self.workers.poll(min(50, 1000 * wait))  # so that it sees the end of the context
            await self.read_workers()
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + self.interval
                await self.judge()

    async def judge(self):
        now = time.monotonic()
        for worker, at in list(self.heard.items()):
            if now - at <= self.patience:
                await self.workers.send_multipart([worker, BEAT])
                continue
            del self.heard[worker]
            if worker in self.held:
                self.again.append(self.held.pop(worker))
            else:
                self.idle.remove(worker)
        await self.offer()


async def serve(ctx, frontend, backend, interval, patience):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    with shadow.socket(zmq.ROUTER) as clients, shadow.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        hub = Hub(clients, workers, interval, patience)
        await asyncio.gather(hub.hear_workers(), hub.hear_clients())


def queue(ctx, frontend, backend, interval, liveness):
    asyncio.run(serve(ctx, frontend, backend, interval, interval * liveness))


async def toil(ctx, endpoint, work, interval, patience):
    """The loop stands still while it works, so that it says nothing but what `beat` says."""
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    while True:
        with shadow.socket(zmq.DEALER) as queue:
            queue.connect(endpoint)
            await queue.send(READY)
            heard = beaten = time.monotonic()

            def beat(queue=queue):
                nonlocal beaten
                if time.monotonic() - beaten > interval:
                    beaten = time.monotonic()
                    zmq.Socket.shadow(queue.underlying).send(BEAT)

            while time.monotonic() - heard < patience:
                wait = max(0, beaten + interval - time.monotonic())
                if await queue.poll(min(50, 1000 * wait + 1)):
                    frames = await queue.recv_multipart()
                    if frames != [BEAT]:
                        at = frames.index(b"") + 1
                        answer = work(frames[at:], beat)
                        await queue.send_multipart([*frames[:at], *answer])
                    heard = time.monotonic()
                beat()


def worker(ctx, endpoint, work, interval, liveness):
    asyncio.run(toil(ctx, endpoint, work, interval, interval * liveness))
