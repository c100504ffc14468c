"""The course's own Arrivals."""

import zmq

from zmqlab.run import Arrivals


def feed(ctx, endpoint, n_workers, tasks, patience):
    with ctx.socket(zmq.PUSH) as push:
        arrivals = Arrivals(push)
        push.bind(endpoint)
        arrivals.wait(n_workers, patience)
        for task in tasks:
            push.send(task)
