"""A heap of (how many, since when, who), with entries that are out of date left in it."""

import heapq
import itertools

import zmq


def broker(ctx, frontend, backend, credit):
    held, heap, moments = {}, [], itertools.count()

    def note(worker, change):
        held[worker] += change
        heapq.heappush(heap, (held[worker], next(moments), worker))

    def least():
        while heap and heap[0][0] != held[heap[0][2]]:
            heapq.heappop(heap)
        return heap[0][2] if heap and heap[0][0] < credit else None

    poller = zmq.Poller()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        poller.register(workers, zmq.POLLIN)
        poller.register(clients, 0)
        while True:
            poller.modify(clients, zmq.POLLIN if least() else 0)
            events = dict(poller.poll())
            if workers in events:
                worker, *rest = workers.recv_multipart()
                if rest == [b"", b"READY"]:
                    if worker not in held:
                        held[worker] = 0
                        note(worker, 0)
                elif len(rest) > 3 and rest[0] == rest[2] == b"":
                    note(worker, -1)
                    clients.send_multipart(rest[1:])
            if clients in events and (worker := least()):
                request = clients.recv_multipart()
                if len(request) > 2 and request[1] == b"":
                    heapq.heappop(heap)
                    note(worker, +1)
                    workers.send_multipart([worker, b"", *request])
