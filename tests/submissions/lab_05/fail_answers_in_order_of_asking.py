"""Who asked first is answered first, with whatever comes."""

from collections import deque

import zmq


def broker(ctx, frontend, backend):
    asked = deque()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, *request = clients.recv_multipart()
                asked.append(client)
                workers.send_multipart([client, *request])
            if workers in ready:
                _, *reply = workers.recv_multipart()
                if asked:
                    clients.send_multipart([asked.popleft(), *reply])
