"""A generator keeps the counts: told what has happened, it says who is next, or None."""

import zmq


def counts(credit):
    held, who = {}, None
    while True:
        match (yield who):
            case "ready", worker:
                held.setdefault(worker, 0)
            case "answer", worker:
                held[worker] = held.pop(worker) - 1
            case "given", worker:
                held[worker] += 1
        who = min((w for w in held if held[w] < credit), key=held.get, default=None)


def broker(ctx, frontend, backend, credit):
    book = counts(credit)
    who = next(book)
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers] if who is None else [workers, clients], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        who = book.send(("ready", worker))
                    case [worker, b"", *answer]:
                        who = book.send(("answer", worker))
                        clients.send_multipart(answer)
            elif clients in ready:
                match clients.recv_multipart():
                    case [_, b"", _, *_] as request:
                        workers.send_multipart([who, b"", *request])
                        who = book.send(("given", who))
