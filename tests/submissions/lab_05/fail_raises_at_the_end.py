"""It makes an error of its own of the end of the context."""

import zmq


def broker(ctx, frontend, backend):
    try:
        with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
            clients.bind(frontend)
            workers.bind(backend)
            zmq.proxy(clients, workers)
    except zmq.ZMQError as error:
        raise RuntimeError("the broker has ended") from error
