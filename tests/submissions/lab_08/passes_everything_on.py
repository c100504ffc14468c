"""A request of any form goes to a worker, which counts; it answers as well as it can."""

import zmq


def broker(ctx, frontend, backend, credit):
    idle, busy = [], {}
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            room = idle + [worker for worker, n in busy.items() if n < credit]
            ready, _, _ = zmq.select([workers, clients] if room else [workers], [], [])
            if workers in ready:
                frames = workers.recv_multipart()
                worker = frames[0]
                if frames[1:] == [b"", b"READY"]:
                    if worker not in idle and worker not in busy:
                        idle.append(worker)
                elif len(frames) > 4 and frames[1] == frames[3] == b"":
                    clients.send_multipart(frames[2:])
                    busy[worker] -= 1
                    if busy[worker] == 0:
                        del busy[worker]
                        idle.append(worker)
            elif clients in ready:
                frames = clients.recv_multipart()
                if frames[1] != b"":
                    frames.insert(1, b"")
                worker = idle.pop(0) if idle else min(busy, key=busy.get)
                busy[worker] = busy.get(worker, 0) + 1
                workers.send_multipart([worker, b"", *frames])
