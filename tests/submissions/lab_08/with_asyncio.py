"""Two coroutines, and an Event that says that somebody may hold one more; nothing is recorded."""

import asyncio

import zmq
import zmq.asyncio


async def there_is(socket):
    while not await socket.poll(50):  # so that it sees the end of the context
        pass


class Crew:
    def __init__(self, credit):
        self.credit, self.held, self.room = credit, {}, asyncio.Event()

    def note(self, worker, change):
        """The latest to change stands last, which counts among those who hold nothing."""
        self.held[worker] = self.held.pop(worker, 0) + change
        if min(self.held.values()) < self.credit:
            self.room.set()
        else:
            self.room.clear()


async def hear_workers(clients, workers, crew):
    while True:
        await there_is(workers)
        match await workers.recv_multipart():
            case [worker, b"", b"READY"] if worker not in crew.held:
                crew.note(worker, 0)
            case [worker, b"", client, b"", *reply]:
                await clients.send_multipart([client, b"", *reply])
                crew.note(worker, -1)


async def hear_clients(clients, workers, crew):
    while True:
        await crew.room.wait()
        await there_is(clients)
        match await clients.recv_multipart():
            case [client, b"", *body]:
                worker = min(crew.held, key=crew.held.__getitem__)
                crew.note(worker, 1)
                await workers.send_multipart([worker, b"", client, b"", *body])


async def serve(ctx, frontend, backend, credit):
    shadow, crew = zmq.asyncio.Context.shadow(ctx.underlying), Crew(credit)
    with shadow.socket(zmq.ROUTER) as clients, shadow.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        await asyncio.gather(
            hear_workers(clients, workers, crew), hear_clients(clients, workers, crew)
        )


def broker(ctx, frontend, backend, credit):
    asyncio.run(serve(ctx, frontend, backend, credit))
