"""As the contract reads: a count for each worker, in the order in which they became idle."""

import zmq


def broker(ctx, frontend, backend, credit):
    held = {}  # how many each holds; of several idle ones, who became idle first stands first
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            room = any(n < credit for n in held.values())
            ready, _, _ = zmq.select([workers, clients] if room else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        held.setdefault(worker, 0)
                    case [worker, b"", client, b"", *reply]:
                        clients.send_multipart([client, b"", *reply])
                        held[worker] = held.pop(worker) - 1
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        worker = min(held, key=held.get)
                        held[worker] += 1
                        workers.send_multipart([worker, b"", client, b"", *body])
