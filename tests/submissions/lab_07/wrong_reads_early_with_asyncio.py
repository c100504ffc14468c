"""Two coroutines; the requests are put into a queue as they come."""

import asyncio

import zmq
import zmq.asyncio


async def receive(socket):
    while not await socket.poll(50):
        pass
    return await socket.recv_multipart()


async def hear_workers(workers, clients, idle):
    while True:
        match await receive(workers):
            case [worker, b"", b"READY"]:
                idle.put_nowait(worker)
            case [worker, b"", client, b"", *reply]:
                await clients.send_multipart([client, b"", *reply])
                idle.put_nowait(worker)


async def hear_clients(clients, requests):
    while True:
        match await receive(clients):
            case [client, b"", *body]:
                requests.put_nowait([client, b"", *body])


async def give(workers, idle, requests):
    while True:
        request = await requests.get()
        await workers.send_multipart([await idle.get(), b"", *request])


async def all_of_it(ctx, frontend, backend):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    idle, requests = asyncio.Queue(), asyncio.Queue()
    with shadow.socket(zmq.ROUTER) as clients, shadow.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        await asyncio.gather(
            hear_workers(workers, clients, idle),
            hear_clients(clients, requests),
            give(workers, idle, requests),
        )


def broker(ctx, frontend, backend):
    asyncio.run(all_of_it(ctx, frontend, backend))
