"""Two coroutines and a queue of idle workers between them; its sockets are not recorded."""

import asyncio

import zmq
import zmq.asyncio


async def there_is(socket):
    while not await socket.poll(50):  # so that it sees the end of the context
        pass


async def hear_workers(clients, workers, idle):
    while True:
        await there_is(workers)
        match await workers.recv_multipart():
            case [worker, b"", b"READY"]:
                idle.put_nowait(worker)
            case [worker, b"", client, b"", *reply]:
                await clients.send_multipart([client, b"", *reply])
                idle.put_nowait(worker)


async def hear_clients(clients, workers, idle):
    while True:
        worker = await idle.get()
        request = None
        while request is None:
            await there_is(clients)
            match await clients.recv_multipart():
                case [client, b"", *body]:
                    request = [worker, b"", client, b"", *body]
        await workers.send_multipart(request)


async def serve(ctx, frontend, backend):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    with shadow.socket(zmq.ROUTER) as clients, shadow.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        idle = asyncio.Queue()
        await asyncio.gather(
            hear_workers(clients, workers, idle), hear_clients(clients, workers, idle)
        )


def broker(ctx, frontend, backend):
    asyncio.run(serve(ctx, frontend, backend))
