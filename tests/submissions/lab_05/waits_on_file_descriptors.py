"""The sockets' file descriptors, in a selector: asked for events until there are none."""

import selectors

import zmq


def broker(ctx, frontend, backend):
    with (
        ctx.socket(zmq.ROUTER) as clients,
        ctx.socket(zmq.DEALER) as workers,
        selectors.DefaultSelector() as sel,
    ):
        clients.bind(frontend)
        workers.bind(backend)
        sel.register(clients.fileno(), selectors.EVENT_READ)
        sel.register(workers.fileno(), selectors.EVENT_READ)
        while True:
            busy = True
            while busy:
                busy = False
                for src, dst in ((clients, workers), (workers, clients)):
                    if src.getsockopt(zmq.EVENTS) & zmq.POLLIN:
                        dst.send_multipart(src.recv_multipart())
                        busy = True
            sel.select()
