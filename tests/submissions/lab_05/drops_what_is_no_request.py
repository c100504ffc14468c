"""Hands on what has a delimiter somewhere behind the address; leaves the rest aside."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, *request = clients.recv_multipart()
                if b"" in request:
                    workers.send_multipart([client, *request])
            if workers in ready:
                client, *reply = workers.recv_multipart()
                if b"" in reply:
                    clients.send_multipart([client, *reply])
