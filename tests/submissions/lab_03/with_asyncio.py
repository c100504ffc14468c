"""Coroutines inside; their sockets belong to a shadow of the context."""

import asyncio

import zmq
import zmq.asyncio


async def care(push, task, payload, patience, back):
    while not back.done():
        await push.send_multipart([task, payload])
        await asyncio.wait([back], timeout=patience)


async def collect(pull, back):
    while not all(future.done() for future in back.values()):
        task, result = await pull.recv_multipart()
        if task in back and not back[task].done():
            back[task].set_result(result)


async def main(ctx, task_endpoint, result_endpoint, tasks, patience):
    back = {task: asyncio.get_running_loop().create_future() for task in tasks}
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.linger = 0
        push.bind(task_endpoint)
        pull.bind(result_endpoint)
        await asyncio.gather(
            collect(pull, back),
            *(care(push, task, tasks[task], patience, back[task]) for task in tasks),
        )
    return {task: future.result() for task, future in back.items()}


def complete(ctx, task_endpoint, result_endpoint, tasks, patience):
    shadow = zmq.asyncio.Context.shadow(ctx.underlying)
    return asyncio.run(main(shadow, task_endpoint, result_endpoint, tasks, patience))
