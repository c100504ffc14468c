"""A coroutine inside, a plain function outside; its sockets belong to a shadow of the context."""

import asyncio

import zmq
import zmq.asyncio
from zmq.utils.monitor import parse_monitor_message


async def deal(ctx, endpoint, n_workers, tasks, patience):
    push = ctx.socket(zmq.PUSH)
    monitor = push.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    came = 0
    try:
        push.bind(endpoint)
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        while came < n_workers:
            if not await monitor.poll(max(0, (end - loop.time()) * 1000)):
                raise TimeoutError(f"workers: {came} (wanted {n_workers})")
            parse_monitor_message(await monitor.recv_multipart())
            came += 1
        for task in tasks:
            await push.send(task)
    finally:
        monitor.close()
        push.close()


def feed(ctx, endpoint, n_workers, tasks, patience):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    asyncio.run(deal(shadow, endpoint, n_workers, tasks, patience))
