"""Requests go to an idle worker: the text of lesson 07.

It is made for clients that are REQs and send one frame, and a message of another form ends it.
Who wants a queue of idle workers that bears anything takes `by_policy` with `least_recently_used`.
"""

# mypy: disable-error-code="type-arg"
# (as a learner writes it: zmq.Context, without the type of its sockets)

from __future__ import annotations

import zmq


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
