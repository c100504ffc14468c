"""An address frame of its own goes with each request and comes back with its answer.

It knows which replies it waits for, and leaves aside what answers nothing. Its queues have no end.
"""

import itertools

import zmq


def broker(ctx, frontend, backend, lost):
    asked = {}
    numbers = itertools.count(1)
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.router_mandatory = True
        clients.sndhwm = 0
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
                client = asked.pop(number, None)
                if client is None:
                    continue
                try:
                    clients.send_multipart([client, *reply], zmq.NOBLOCK)
                except zmq.ZMQError as error:
                    if error.errno != zmq.EHOSTUNREACH:
                        raise
                    lost(client, reply, "gone")
