"""Two coroutines in one loop; their sockets belong to a shadow of the context."""

import asyncio

import zmq
import zmq.asyncio


async def requests(clients, workers):
    while True:
        if await clients.poll(50):  # so that it sees the end of the context
            await workers.send_multipart(await clients.recv_multipart())


async def replies(clients, workers, lost):
    while True:
        if not await workers.poll(50):
            continue
        client, *reply = await workers.recv_multipart()
        try:
            await clients.send_multipart([client, *reply], flags=zmq.NOBLOCK)
        except zmq.Again:
            lost(client, reply, "full")
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            lost(client, reply, "gone")


async def both_ways(ctx, frontend, backend, lost):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    with shadow.socket(zmq.ROUTER) as clients, shadow.socket(zmq.DEALER) as workers:
        clients.router_mandatory = True
        clients.bind(frontend)
        workers.bind(backend)
        await asyncio.gather(requests(clients, workers), replies(clients, workers, lost))


def broker(ctx, frontend, backend, lost):
    asyncio.run(both_ways(ctx, frontend, backend, lost))
