"""The Paranoid Pirate queue (6/PPP): workers show that they live, and whoever is silent is out.

Bears any client (REQ, also with REQ_CORRELATE, or DEALER), any body, and whatever a worker says.
"""

# mypy: disable-error-code="type-arg"
# (as a learner writes it: zmq.Context, without the type of its sockets)

from __future__ import annotations

import time
from collections import deque

import zmq

from zmqlab.balance.policy import Liveness

READY, HEARTBEAT = b"\x01", b"\x02"
A_ROUND = 1000  # messages read in a row: one, at least, of each of as many workers

Frames = list[bytes]


class Crew:
    """The workers of a queue: who is idle, who has which request, who was heard when.

    Pure: `now` is handed in, in seconds of a clock that never goes back. A worker is silent for
    too long when nothing was heard of it for more than `patience` seconds.
    """

    def __init__(self, patience: float) -> None:
        self.orphans: deque[Frames] = deque()  # requests of workers that are gone: next of all
        self._alive: Liveness[bytes] = Liveness(patience)
        self._has: dict[bytes, Frames | None] = {}  # worker → its request; idle longest comes first

    @property
    def workers(self) -> list[bytes]:
        """All that are registered, idle or busy."""
        return list(self._has)

    @property
    def idle(self) -> bytes | None:
        """The worker that has been idle longest; None while all are busy."""
        return next((worker for worker, request in self._has.items() if request is None), None)

    def give(self, worker: bytes, request: Frames) -> None:
        """A worker is given a request: addresses, an empty frame, a body."""
        self._has[worker] = request

    def heard(self, worker: bytes, frames: Frames, *, now: float) -> Frames | None:
        """Take what a worker says; if that answers the request that it has, return the answer.

        READY is how a worker becomes known, and idle. Whatever a known one says is a sign of life;
        it ends no request but by an answer, which begins with the envelope of the request.
        """
        if frames == [READY]:
            self._has.setdefault(worker, None)
        if worker not in self._has:
            return None
        self._alive.heard(worker, now=now)
        request = self._has[worker]
        if request is None or not is_whole(frames) or envelope(frames) != envelope(request):
            return None
        del self._has[worker]
        self._has[worker] = None  # idle, behind all others
        return frames

    def evict(self, *, now: float) -> None:
        """Whoever has been silent for too long is gone, and what it had is an orphan."""
        for worker in self._alive.expired(now=now):
            self._alive.forget(worker)
            if (request := self._has.pop(worker)) is not None:
                self.orphans.append(request)


def is_whole(frames: Frames) -> bool:
    """Whether these are an envelope and a body: behind the first empty frame stands something."""
    return b"" in frames[:-1]


def envelope(frames: Frames) -> Frames:
    """The addresses of a request or an answer, with the empty frame behind them."""
    return frames[: frames.index(b"") + 1]


def paranoid_pirate(
    ctx: zmq.Context, frontend: str, backend: str, interval: float, liveness: int
) -> None:
    """Give each request to the worker idle longest; with nobody idle, leave it unread.

    A worker is a DEALER. It says READY, and from then on something within each `interval`
    (seconds); so does the queue. One that is silent for `liveness` intervals is evicted: it gets
    nothing until it says READY again, and what it had is next. What it answers late goes to nobody.
    One that starts again needs a new routing id, as ZeroMQ gives to whoever sets none: READY is
    nothing new of a worker that is known.
    """
    crew = Crew(interval * liveness)
    missed = 0.0  # seconds in which the queue itself stood still: they are nobody's silence
    due = time.monotonic() + interval  # when it looks around next
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            worker = crew.idle
            watched = [workers] if worker is None else [workers, clients]
            patience = max(0.0, due - time.monotonic()) + 0.001  # it counts whole milliseconds
            ready, _, _ = zmq.select(watched, [], [], patience)
            late = time.monotonic() - due
            missed += max(0.0, late)
            if worker is not None and clients in ready:
                request = clients.recv_multipart()
                if is_whole(request):
                    crew.give(worker, request)
                    workers.send_multipart([worker, *request])
            for _ in range(A_ROUND):  # first read what is there …
                if not workers.poll(0):
                    break
                who, *frames = workers.recv_multipart()
                answer = crew.heard(who, frames, now=time.monotonic() - missed)
                if answer is not None:
                    clients.send_multipart(answer)
            if late >= 0:  # … then judge
                crew.evict(now=time.monotonic() - missed)
                for who in crew.workers:
                    workers.send_multipart([who, HEARTBEAT])
                due = time.monotonic() + interval
            while crew.orphans and (worker := crew.idle) is not None:
                request = crew.orphans.popleft()
                crew.give(worker, request)
                workers.send_multipart([worker, *request])
