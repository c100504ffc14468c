"""Which client a worker works for is also remembered, as a check; polls with a time-out."""

import heapq
import time

import zmq


def broker(ctx, frontend, backend):
    works_for = {}
    idle = []
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            if workers.poll(0 if idle and clients.poll(20) else 20):
                frames = workers.recv_multipart()
                worker = frames[0]
                if frames[1:] == [b"", b"READY"] and worker not in works_for:
                    works_for[worker] = None
                    heapq.heappush(idle, (time.monotonic_ns(), worker))
                elif works_for.get(worker) is not None and frames[1:2] == [b""]:
                    client, works_for[worker] = works_for[worker], None
                    if frames[2:4] == [client, b""]:
                        clients.send_multipart(frames[2:])
                    heapq.heappush(idle, (time.monotonic_ns(), worker))
            elif idle and clients.poll(0):
                client, *rest = clients.recv_multipart()
                if len(rest) > 1 and rest[0] == b"":
                    _, worker = heapq.heappop(idle)
                    works_for[worker] = client
                    workers.send_multipart([worker, b"", client, *rest])
