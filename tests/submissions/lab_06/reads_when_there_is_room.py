"""It never stands at the workers: it reads a request when one of them can take it."""

import zmq

WHY = {zmq.EAGAIN: "full", zmq.EHOSTUNREACH: "gone"}


def broker(ctx, frontend, backend, lost):
    room = False
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.router_mandatory = True
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            readable, writable, _ = zmq.select(
                [workers, clients] if room else [workers], [] if room else [workers], []
            )
            room = room or bool(writable)
            if clients in readable:
                room = bool(workers.events & zmq.POLLOUT)
                if room:
                    workers.send_multipart(clients.recv_multipart(), zmq.NOBLOCK)
            if workers in readable:
                client, *reply = workers.recv_multipart()
                try:
                    clients.send_multipart([client, *reply], zmq.NOBLOCK)
                except zmq.ZMQError as error:
                    if error.errno not in WHY:
                        raise
                    lost(client, reply, WHY[error.errno])
