"""Each frame is passed on as it comes, and all that is there at a time."""

import zmq

MORE = int(zmq.SNDMORE)


def pass_on(source, target):
    while True:
        try:
            frame = source.recv(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return
        while frame.more:
            target.send(frame, MORE, copy=False)
            frame = source.recv(copy=False)
        target.send(frame, copy=False)


def broker(ctx, frontend, backend):
    clients, workers = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
    with clients, workers:
        clients.bind(frontend)
        workers.bind(backend)
        poller = zmq.Poller()
        for socket in (clients, workers):
            poller.register(socket, zmq.POLLIN)
        while True:
            for socket, _ in poller.poll():
                pass_on(socket, workers if socket is clients else clients)
