"""Requests go to the worker that a policy names; any client, any body."""

# mypy: disable-error-code="type-arg"
# (as a learner writes it: zmq.Context, without the type of its sockets)

from __future__ import annotations

from random import Random

import zmq

from zmqlab.balance.policy import Fleet, Policy


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
