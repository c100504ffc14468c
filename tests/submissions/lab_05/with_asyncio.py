"""Two coroutines in one loop; their sockets belong to a shadow of the context."""

import asyncio

import zmq
import zmq.asyncio


async def carry(source, target):
    while True:
        if await source.poll(50):  # so that it sees the end of the context
            await target.send_multipart(await source.recv_multipart())


async def both_ways(ctx, frontend, backend):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    with shadow.socket(zmq.ROUTER) as clients, shadow.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        await asyncio.gather(carry(clients, workers), carry(workers, clients))


def broker(ctx, frontend, backend):
    asyncio.run(both_ways(ctx, frontend, backend))
