"""Nobody awaits it."""

import zmq


async def broker(ctx, frontend, backend):
    clients = ctx.socket(zmq.ROUTER)
    clients.bind(frontend)
