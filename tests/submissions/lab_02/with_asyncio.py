"""Coroutines inside, plain functions outside; their sockets belong to a shadow of the context."""

import asyncio

import zmq
import zmq.asyncio


async def serve(ctx, endpoint, tasks, n_workers):
    with ctx.socket(zmq.ROUTER) as router:
        router.bind(endpoint)
        for task in [*tasks, *[b""] * n_workers]:
            address, *_ = await router.recv_multipart()
            await router.send_multipart([address, b"", task])


def feed(ctx, endpoint, tasks, n_workers):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    asyncio.run(serve(shadow, endpoint, tasks, n_workers))


def worker(ctx, endpoint, work):
    done = 0
    with ctx.socket(zmq.REQ) as req:
        req.connect(endpoint)
        while True:
            req.send(b"READY")
            task = req.recv()
            if not task:
                return done
            work(task)
            done += 1
