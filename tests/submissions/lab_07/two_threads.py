"""A thread for the frontend, one for the backend; over inproc, workers come and requests go."""

import threading

import zmq


def serve_clients(ctx, frontend, name, ready):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.PAIR) as inner:
        clients.bind(frontend)
        inner.connect(name)
        ready.set()
        waiting = 0  # workers that are idle
        try:
            while True:
                sockets = [inner, clients] if waiting else [inner]
                readable, _, _ = zmq.select(sockets, [], [])
                if inner in readable:
                    message = inner.recv_multipart()
                    waiting += 1
                    if len(message) > 1:
                        clients.send_multipart(message)
                if clients in readable and waiting:
                    request = clients.recv_multipart()
                    if len(request) > 2 and request[1] == b"":
                        waiting -= 1
                        inner.send_multipart(request)
        except zmq.ContextTerminated:
            pass


def broker(ctx, frontend, backend):
    name = f"inproc://inner-{id(ready := threading.Event())}"
    idle = []
    with ctx.socket(zmq.PAIR) as inner, ctx.socket(zmq.ROUTER) as workers:
        inner.bind(name)
        workers.bind(backend)
        thread = threading.Thread(target=serve_clients, args=(ctx, frontend, name, ready))
        thread.start()
        try:
            while True:
                readable, _, _ = zmq.select([inner, workers], [], [])
                if workers in readable:
                    match workers.recv_multipart():
                        case [worker, b"", b"READY"]:
                            idle.append(worker)
                            inner.send(b"one more")
                        case [worker, b"", client, b"", *reply]:
                            idle.append(worker)
                            inner.send_multipart([client, b"", *reply])
                if inner in readable:
                    workers.send_multipart([idle.pop(0), b"", *inner.recv_multipart()])
        finally:
            inner.close()
            workers.close()
            thread.join()
