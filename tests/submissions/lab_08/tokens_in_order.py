"""A list for each load, of those who hold so many; who is full stands in none."""

import zmq


def broker(ctx, frontend, backend, credit):
    tokens = [[] for _ in range(credit)]  # tokens[n]: who holds n
    known = set()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            level = next((n for n, line in enumerate(tokens) if line), credit)
            ready, _, _ = zmq.select([workers, clients] if level < credit else [workers], [], [])
            if workers in ready:
                frames = workers.recv_multipart()
                worker = frames[0]
                if frames[1:] == [b"", b"READY"]:
                    if worker not in known:
                        known.add(worker)
                        tokens[0].append(worker)
                elif len(frames) > 4:
                    clients.send_multipart(frames[2:])
                    now = next((n for n, line in enumerate(tokens) if worker in line), credit)
                    if now < credit:
                        tokens[now].remove(worker)
                    tokens[now - 1].append(worker)
            elif clients in ready:
                request = clients.recv_multipart()
                if request[1] == b"" and len(request) > 2:
                    worker = tokens[level].pop(0)
                    if level + 1 < credit:
                        tokens[level + 1].append(worker)
                    workers.send_multipart([worker, b"", *request])
