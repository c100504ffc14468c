"""Requests are dealt out in turn, by the loop and by libzmq's: any client, any body."""

# mypy: disable-error-code="type-arg"
# (as a learner writes it: zmq.Context, without the type of its sockets)

from __future__ import annotations

import zmq


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
