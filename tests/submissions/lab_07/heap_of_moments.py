"""Since when each worker has been idle, in a heap; registers the frontend as needed."""

import contextlib
import heapq
import itertools

import zmq


def broker(ctx, frontend, backend):
    idle, moments = [], itertools.count()
    poller = zmq.Poller()
    clients = ctx.socket(zmq.ROUTER)
    clients.setsockopt(zmq.ROUTER_MANDATORY, 1)
    workers = ctx.socket(zmq.ROUTER)
    with clients, workers:
        clients.bind(frontend)
        workers.bind(backend)
        poller.register(workers, zmq.POLLIN)
        while True:
            events = dict(poller.poll(500))
            if workers in events:
                worker, *rest = workers.recv_multipart()
                if rest == [b"", b"READY"] or (len(rest) > 3 and rest[0] == rest[2] == b""):
                    if len(rest) > 2:
                        with contextlib.suppress(zmq.error.ZMQError):
                            clients.send_multipart(rest[1:], zmq.NOBLOCK)
                    heapq.heappush(idle, (next(moments), worker))
                    poller.register(clients, zmq.POLLIN)
            if clients in events and idle:
                client, *rest = clients.recv_multipart()
                if rest[0] == b"" and rest[1:]:
                    workers.send_multipart([heapq.heappop(idle)[1], b"", client, *rest])
                    if not idle:
                        poller.unregister(clients)
