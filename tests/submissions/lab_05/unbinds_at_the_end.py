"""Binds in a `with`: its end unbinds, and raises that the context has ended in another form."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        for socket in clients, workers:
            socket.heartbeat_ivl = 5000
            socket.linger = 0
        other = {clients: workers, workers: clients}
        with clients.bind(frontend), workers.bind(backend):
            while True:
                for ready in zmq.select([workers, clients], [], [])[0]:
                    other[ready].send_multipart(ready.recv_multipart(copy=False), copy=False)
