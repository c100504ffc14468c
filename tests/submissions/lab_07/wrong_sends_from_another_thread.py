"""A second thread sends the answers, on the same socket."""

import queue
import threading
from collections import deque

import zmq


def broker(ctx, frontend, backend):
    idle, answers = deque(), queue.Queue()
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)

        def answer():
            while (frames := answers.get()) is not None:
                clients.send_multipart(frames)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            serve(clients, workers, idle, answers)
        finally:
            answers.put(None)
            thread.join()


def serve(clients, workers, idle, answers):
    while True:
        ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
        if workers in ready:
            match workers.recv_multipart():
                case [worker, b"", b"READY"]:
                    idle.append(worker)
                case [worker, b"", client, b"", *reply]:
                    answers.put([client, b"", *reply])
                    idle.append(worker)
        if clients in ready:
            match clients.recv_multipart():
                case [client, b"", *body]:
                    workers.send_multipart([idle.popleft(), b"", client, b"", *body])
