"""ROUTER_MANDATORY makes a full queue wait; the errors that it catches are those of who is gone."""

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.router_mandatory = True
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                workers.send_multipart(clients.recv_multipart())
            if workers in ready:
                try:
                    clients.send_multipart(workers.recv_multipart())
                except zmq.ContextTerminated:
                    raise
                except zmq.ZMQError:
                    pass
