"""Brokers: clients on the one side, workers on the other, and a rule who gets the next request.

Each binds two endpoints and runs until its Context ends; `zmq.ContextTerminated` is how it ends.
The first two serve any client and any body, as lab 05 asks for. `idle_worker` is the text of lesson
07: it is made for clients that are REQs and send one frame, and a message of another form ends it.
Who wants a queue of idle workers that bears anything takes `by_policy` with `least_recently_used`.
"""

# mypy: disable-error-code="type-arg"
# (as a learner writes it: zmq.Context, without the type of its sockets)

from __future__ import annotations

from random import Random

import zmq

from .policy import Fleet, Policy

__all__ = ["by_policy", "idle_worker", "router_dealer", "router_dealer_in_c"]


def router_dealer(ctx: zmq.Context, frontend: str, backend: str) -> None:
    """Deal requests out to the workers in turn, and pass each reply to the client it names."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            if clients in ready:
                workers.send_multipart(clients.recv_multipart())
            if workers in ready:
                clients.send_multipart(workers.recv_multipart())


def router_dealer_in_c(ctx: zmq.Context, frontend: str, backend: str) -> None:
    """The same broker; its loop runs inside libzmq."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        zmq.proxy(clients, workers)


def idle_worker(ctx: zmq.Context, frontend: str, backend: str, end: int = 0) -> None:
    """Give each request to an idle worker, from this end of the list; with none idle, read none."""
    idle: list[bytes] = []  # workers without a request, in the order in which they became idle
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                worker, _, *rest = workers.recv_multipart()
                if rest != [b"READY"]:  # an answer: [client, b"", answer]
                    clients.send_multipart(rest)
                idle.append(worker)
            if clients in ready:
                client, _, question = clients.recv_multipart()
                workers.send_multipart([idle.pop(end), b"", client, b"", question])


def by_policy(ctx: zmq.Context, frontend: str, backend: str, choose: Policy, rng: Random) -> None:
    """Give each request to the worker that `choose` names; while it names none, leave it unread."""
    fleet: Fleet[bytes] = Fleet()  # the workers, and how many tasks each has outstanding
    full = False  # whether a request is there that nobody may have yet
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers] if full else [workers, clients], [], [])
            if clients in ready:
                full = (chosen := fleet.give(choose, rng)) is None
                if chosen is not None:
                    match clients.recv_multipart():
                        case [client, b"", *body]:
                            workers.send_multipart([chosen, b"", client, b"", *body])
                        case _:  # not a request: the worker keeps its credit and its place
                            fleet.take_back(chosen)
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"]:
                        fleet.join(worker)
                    case [worker, b"", client, b"", *reply] if fleet.outstanding().get(worker):
                        fleet.answered(worker)
                        clients.send_multipart([client, b"", *reply])
                full = False
