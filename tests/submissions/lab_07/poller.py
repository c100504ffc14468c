"""A Poller with which the frontend is registered only while somebody is idle; a list."""

import zmq


def broker(ctx, frontend, backend):
    clients = ctx.socket(zmq.ROUTER)
    workers = ctx.socket(zmq.ROUTER)
    idle = []
    poller = zmq.Poller()
    poller.register(workers, zmq.POLLIN)
    try:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            events = dict(poller.poll())
            if workers in events:
                worker, *rest = workers.recv_multipart()
                if rest == [b"", b"READY"]:
                    idle.append(worker)
                elif len(rest) > 3 and rest[0] == rest[2] == b"":
                    clients.send_multipart(rest[1:])
                    idle.append(worker)
                if idle and clients not in poller:
                    poller.register(clients, zmq.POLLIN)
            if clients in events:
                request = clients.recv_multipart()
                if len(request) > 2 and request[1] == b"":
                    workers.send_multipart([idle.pop(0), b"", *request])
                if not idle:
                    poller.unregister(clients)
    finally:
        clients.close()
        workers.close()
