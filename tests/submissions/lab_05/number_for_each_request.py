"""An address frame of its own goes with each request and comes back with its answer."""

import itertools

import zmq


def broker(ctx, frontend, backend):
    asked = {}
    numbers = itertools.count(1)
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                client, *request = clients.recv_multipart()
                number = b"%d" % next(numbers)
                asked[number] = client
                workers.send_multipart([number, *request])
            if workers in ready:
                number, *reply = workers.recv_multipart()
                if number in asked:
                    clients.send_multipart([asked.pop(number), *reply])
