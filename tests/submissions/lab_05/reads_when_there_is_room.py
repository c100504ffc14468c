"""A request is read only when a worker's queue has room for it; returns at the end."""

import zmq


def broker(ctx, frontend, backend):
    clients = ctx.socket(zmq.ROUTER)
    workers = ctx.socket(zmq.DEALER)
    clients.bind(frontend)
    workers.bind(backend)
    try:
        request = None
        while True:
            receive = [workers] if request else [workers, clients]
            readable, writable, _ = zmq.select(receive, [workers] if request else [], [])
            if workers in readable:
                clients.send_multipart(workers.recv_multipart())
            if clients in readable:
                request = clients.recv_multipart()
            elif request and workers in writable:
                workers.send_multipart(request)
                request = None
    except zmq.ContextTerminated:
        return
    finally:
        clients.close()
        workers.close()
