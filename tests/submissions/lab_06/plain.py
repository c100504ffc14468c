"""As most write it: what cannot be sent at once is reported, and the error says why."""

import zmq


def broker(ctx, frontend, backend, lost):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.router_mandatory = True
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                workers.send_multipart(clients.recv_multipart())
            if workers in ready:
                client, *reply = workers.recv_multipart()
                try:
                    clients.send_multipart([client, *reply], zmq.NOBLOCK)
                except zmq.Again:
                    lost(client, reply, "full")
                except zmq.ZMQError as error:
                    if error.errno != zmq.EHOSTUNREACH:
                        raise
                    lost(client, reply, "gone")
