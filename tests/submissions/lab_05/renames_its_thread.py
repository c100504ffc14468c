"""Its thread has another name from its second socket on."""

import threading

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients:
        clients.bind(frontend)
        threading.current_thread().name = "the broker"
        with ctx.socket(zmq.DEALER) as workers:
            workers.bind(backend)
            while True:
                ready, _, _ = zmq.select([clients, workers], [], [])
                if clients in ready:
                    workers.send_multipart(clients.recv_multipart())
                if workers in ready:
                    clients.send_multipart(workers.recv_multipart())
