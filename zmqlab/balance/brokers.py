"""Brokers: clients on the one side, workers on the other, and a rule who gets the next request.

Each binds two endpoints and runs until its Context ends; `zmq.ContextTerminated` is how it ends.
The first two are lesson 05's, for any client and any body, as its lab asks for; the text of the
others is the text of lesson 07, which builds them.
"""

# mypy: disable-error-code="type-arg"
# (as a learner writes it: zmq.Context, without the type of its sockets)

from __future__ import annotations

from collections import deque
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


def idle_worker(ctx: zmq.Context, frontend: str, backend: str, newest_first: bool = False) -> None:
    """Give each request to the worker that has been idle longest; with nobody idle, read none."""
    idle: deque[bytes] = deque()  # workers without a task; who became idle first stands first
    busy: set[bytes] = set()  # workers with a task
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([workers, clients] if idle else [workers], [], [])
            if workers in ready:
                match workers.recv_multipart():
                    case [worker, b"", b"READY"] if worker not in idle:
                        busy.discard(worker)
                        idle.append(worker)
                    case [worker, b"", client, b"", *reply] if worker in busy:
                        clients.send_multipart([client, b"", *reply])
                        busy.remove(worker)
                        idle.append(worker)
            if clients in ready:
                match clients.recv_multipart():
                    case [client, b"", *body]:
                        worker = idle.pop() if newest_first else idle.popleft()
                        busy.add(worker)
                        workers.send_multipart([worker, b"", client, b"", *body])


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
