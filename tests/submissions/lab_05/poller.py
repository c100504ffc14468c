"""A Poller, and the frames as they come."""

import zmq


def broker(ctx, frontend, backend):
    clients = ctx.socket(zmq.ROUTER)
    workers = ctx.socket(zmq.DEALER)
    poller = zmq.Poller()
    try:
        clients.bind(frontend)
        workers.bind(backend)
        poller.register(clients, zmq.POLLIN)
        poller.register(workers, zmq.POLLIN)
        while True:
            events = dict(poller.poll(1000))
            if events.get(workers) == zmq.POLLIN:
                clients.send_multipart(workers.recv_multipart())
            if events.get(clients) == zmq.POLLIN:
                workers.send_multipart(clients.recv_multipart())
    finally:
        clients.close()
        workers.close()
