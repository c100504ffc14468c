"""Lab 12: workers that leave a broker: when one is dead to it, and what becomes of its request.

What the suite leaves open because each broker has a patience of its own: here it is known.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import zmq

from zmqlab.envelope import show
from zmqlab.mdp.frames import DISCONNECT, HEARTBEAT, MDP_01, REQUEST, Command, Frames, Letter

from .conformance import Serving
from .judge import Trial
from .report import Finding, failed, undecided
from .subject import MACHINE

SHORT, LONG = 3.5, 8.0  # intervals of silence: after the one a worker lives, after the other not
PATIENCE = 3.0  # seconds for anything that takes a few milliseconds
SOON = 0.1  # seconds for what was sent before

EARLY = "a worker that has been silent for less than liveness x interval is not dead"
LATE = "a worker that has been silent for longer than liveness x interval is dead"
QUIET = "a dead worker is sent nothing more"
SAVED = "the request of a worker that goes, or is told to go, is given to another"
ONCE = "such a request is given out once more, and its client gets one reply"

PATIENT = "How long may a worker be silent, in seconds, and from which moment do you count?"
LEFT = "Where does your broker remember a worker? It has to leave all of these places."
HELD = "A worker leaves while it holds a request. On which of the ways out do you look for that?"
TWICE = "How often did you put the request back in its line?"


class Peer:
    """A DEALER that says what it is told to, and keeps what comes but heartbeats."""

    def __init__(self, ctx: zmq.Context[Any], endpoint: str) -> None:
        self.socket = ctx.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)
        self.beats = 0

    def say(self, frames: Frames) -> None:
        """Send a message."""
        self.socket.send_multipart(list(frames))

    def take(self, within: float = PATIENCE) -> Frames | None:
        """The next message that is no HEARTBEAT; None if none comes in time, in seconds."""
        end = time.monotonic() + within
        while self.socket.poll(max(0, int(1000 * (end - time.monotonic())))):
            frames = tuple(self.socket.recv_multipart())
            if frames != MDP_01.command(HEARTBEAT):
                return frames
            self.beats += 1
        return None

    def given(self, within: float = PATIENCE) -> Command | None:
        """The next REQUEST; None if none comes in time."""
        while frames := self.take(within):  # DISCONNECT may come
            command = MDP_01.with_worker(frames)
            if isinstance(command, Command) and command.kind == REQUEST:
                return command
        return None


def who_leaves(broker: Callable[..., Any], interval: float, liveness: int) -> Finding | None:
    """What is wrong with how a broker takes it that workers leave; None: nothing."""
    with Trial("leaving") as place:
        serving = Serving("broker", broker, interval, liveness, endpoint=place.endpoint())
        ctx: zmq.Context[Any] = zmq.Context()
        peers: list[Peer] = []

        def peer() -> Peer:
            peers.append(Peer(ctx, serving.endpoint))
            return peers[-1]

        try:
            serving.start()
            found = (
                _leaves(peer, b"goes", MDP_01.command(DISCONNECT), "said DISCONNECT")
                or _leaves(peer, b"told", MDP_01.ready(b"told"), "said READY again")
                or _silent(peer, interval, liveness * interval)
            )
        finally:
            serving.stop()
            for each in peers:
                each.socket.close()
            ctx.term()
    return found or next(iter(serving.wrong), None)


def _leaves(peer: Callable[[], Peer], service: bytes, last: Frames, how: str) -> Finding | None:
    """A worker leaves while it holds a request, and another one comes."""
    worker, spare, client = peer(), peer(), peer()
    worker.say(MDP_01.ready(service))
    client.say(MDP_01.ask(service, (b"held",)))
    if worker.given() is None:
        return None  # of that the suite tells more
    worker.say(last)
    spare.say(MDP_01.ready(service))
    given = spare.given()
    if given is None or given.body != (b"held",):
        seen = f"A worker {how} while it held a request. Another one came for the same service, "
        seen += f"and was given {show(given.body) if given else 'nothing'}."
        return failed(SAVED, seen, HELD)
    spare.say(MDP_01.reply(given.client, (b"done",)))
    client.take()
    client.say(MDP_01.ask(service, (b"next",)))
    after = spare.given()
    if after is None or after.body != (b"next",):
        seen = f"A worker {how} while it held a request. Another one got that, and replied. For "
        seen += f"the next request it was given {show(after.body) if after else 'nothing'}."
        return failed(ONCE, seen, TWICE)
    return None


def _silent(peer: Callable[[], Peer], interval: float, limit: float) -> Finding | None:
    """A worker says READY and no more; `limit`: seconds after which it is dead."""
    worker, client = peer(), peer()
    began = time.monotonic()
    worker.say(MDP_01.ready(b"silent"))
    if not _is_served(client):  # READY may come second; else of that the suite tells more
        _is_served(client)
    known = time.monotonic()
    worker.take(began + SHORT * interval - time.monotonic())
    if not _is_served(client):
        silent = time.monotonic() - began
        seen = f"A worker was silent for {silent:.1f} s, of {limit:.1f} s that it may be, and "
        seen += "mmi.service did not answer 200 for its service."
        if silent >= limit:
            return undecided(EARLY, seen, MACHINE)
        return failed(EARLY, seen, PATIENT)
    worker.take(known + LONG * interval - time.monotonic())
    if _is_served(client):
        worker.take(interval)  # a broker that was held up has judged by then
        if _is_served(client):
            seen = (
                f"A worker was silent for {time.monotonic() - known:.1f} s, and mmi.service still "
            )
            return failed(LATE, f"{seen}answered 200. It is dead after {limit:.1f} s.", PATIENT)
    worker.take(SOON)
    before = worker.beats
    worker.take(4 * interval)
    if (beats := worker.beats - before) > 1:  # one may have been on its way
        seen = f"mmi.service knew it no more, and {beats} HEARTBEATs came in 4 intervals."
        return failed(QUIET, seen, LEFT)
    return None


def _is_served(client: Peer) -> bool:
    """Whether the broker says that the silent worker's service has one."""
    client.say(MDP_01.ask(b"mmi.service", (b"silent",)))
    letter = MDP_01.with_client(client.take() or (), to_broker=False)
    return isinstance(letter, Letter) and letter.body == (b"200",)
