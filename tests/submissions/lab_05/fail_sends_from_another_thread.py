"""Each answer is sent by a thread of its own."""

import threading

import zmq


def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                workers.send_multipart(clients.recv_multipart())
            if workers in ready:
                sender = threading.Thread(
                    target=clients.send_multipart, args=(workers.recv_multipart(),)
                )
                sender.start()
                sender.join()
