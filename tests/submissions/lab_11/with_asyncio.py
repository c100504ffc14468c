"""Both with asyncio; sockets that are not recorded."""

import asyncio

import zmq
import zmq.asyncio


def ask(ctx, endpoint, request_id, body, patience, tries):
    return asyncio.run(asking(ctx, endpoint, request_id, body, patience, tries))


async def asking(ctx, endpoint, request_id, body, patience, tries):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    with shadow.socket(zmq.DEALER) as server:
        server.linger = 0
        server.connect(endpoint)
        for _ in range(tries):
            await server.send_multipart([b"", request_id, *body])
            try:
                async with asyncio.timeout(patience):
                    while True:
                        empty, *reply = await server.recv_multipart()
                        if empty == b"" and reply[:1] == [request_id]:
                            return reply[1:]
            except TimeoutError:
                pass
    raise TimeoutError(f"gave up after {tries} copies")


def serve(ctx, endpoint, do):
    asyncio.run(serving(ctx, endpoint, do))


async def serving(ctx, endpoint, do):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    replies = {}
    with shadow.socket(zmq.ROUTER) as clients:
        clients.bind(endpoint)
        while True:
            while not await clients.poll(50):  # so that it sees the end of the context
                pass
            address, *frames = await clients.recv_multipart()
            try:
                place = frames.index(b"") + 1
                request_id, *body = frames[place:]
            except ValueError:
                continue
            if request_id not in replies:
                try:
                    replies[request_id] = await asyncio.to_thread(do, request_id, body)
                except Exception:
                    continue
            await clients.send_multipart(
                [address, *frames[:place], request_id, *replies[request_id]]
            )
