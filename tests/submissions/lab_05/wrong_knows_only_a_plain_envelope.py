"""Hands on what has a delimiter right behind the address: a REQ with REQ_CORRELATE has not."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        workers.send_multipart([client, b"", *body])
            if workers in ready:
                match workers.recv_multipart():
                    case [client, b"", *reply]:
                        clients.send_multipart([client, b"", *reply])
