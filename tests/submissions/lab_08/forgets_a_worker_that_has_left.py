"""A backend that says who is not there any more: its request goes to the next."""

import zmq


def broker(ctx, frontend, backend, credit):
    held, request = {}, None
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        workers.router_mandatory = True
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            room = any(n < credit for n in held.values())
            if request and room:
                worker = min(held, key=held.get)
                try:
                    workers.send_multipart([worker, b"", *request], zmq.NOBLOCK)
                    held[worker] += 1
                    request = None
                except zmq.ContextTerminated:
                    raise
                except zmq.ZMQError:
                    del held[worker]
                continue
            ready, _, _ = zmq.select([workers, clients] if room else [workers], [], [])
            if workers in ready:
                worker, _, *rest = workers.recv_multipart()
                if rest == [b"READY"]:
                    held.setdefault(worker, 0)
                else:
                    held[worker] = held.pop(worker, 1) - 1
                    clients.send_multipart(rest)
            elif clients in ready:
                message = clients.recv_multipart()
                if message[1] == b"" and message[2:]:
                    request = message
