"""Frames one by one: the first decides, the others are handed on or kept for the report."""

import zmq


def frames_of(socket):
    """The frames of one message, each with whether more follow."""
    more = True
    while more:
        frame = socket.recv()
        more = socket.rcvmore
        yield frame, zmq.SNDMORE if more else 0


def broker(ctx, frontend, backend, lost):
    clients, workers = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
    with clients, workers:
        clients.router_mandatory = 1
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                for frame, more in frames_of(clients):
                    workers.send(frame, more)
            if workers in ready:
                frames = frames_of(workers)
                client, more = next(frames)
                try:
                    clients.send(client, zmq.NOBLOCK | more)
                except zmq.ZMQError as error:
                    reply = [frame for frame, _ in frames]
                    if error.errno == zmq.EAGAIN:
                        lost(client, reply, "full")
                    elif error.errno == zmq.EHOSTUNREACH:
                        lost(client, reply, "gone")
                    else:
                        raise
                for frame, more in frames:
                    clients.send(frame, more)
