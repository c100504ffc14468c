"""What recording costs: in time, and in memory."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any

import zmq
from paper import promise, row, spread

from zmqlab.run.experiment import Experiment

PAIRS = 25
RUNS = 8  # of which the best counts: what else the machine does makes a run slower, never faster
MESSAGES = 500  # in a run: fewer than the high-water mark, so that nothing ever waits

fresh = count()  # a name is free again only some time after its socket was closed

Run = Callable[[Any, Any], None]


def single_frames(push: Any, pull: Any) -> None:
    """Messages of one frame."""
    frame = bytes(64)
    for _ in range(MESSAGES):
        push.send(frame)
    for _ in range(MESSAGES):
        pull.recv()


def four_frames(push: Any, pull: Any) -> None:
    """Messages of four frames, as a broker has them."""
    frames = [bytes(5), b"", bytes(5), bytes(64)]
    for _ in range(MESSAGES):
        push.send_multipart(frames)
    for _ in range(MESSAGES):
        pull.recv_multipart()


def seconds(context: zmq.Context[Any], run: Run) -> float:
    """How long it takes, in this thread, from a PUSH to a PULL over inproc."""
    with context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
        endpoint = f"inproc://{next(fresh)}"
        push.bind(endpoint)
        pull.connect(endpoint)
        start = time.perf_counter()
        run(push, pull)
        return time.perf_counter() - start


@contextmanager
def on() -> Iterator[zmq.Context[Any]]:
    """A Context that records."""
    with Experiment() as lab:
        yield lab.ctx


@contextmanager
def off() -> Iterator[zmq.Context[Any]]:
    """A Context of an Experiment that does not record."""
    with Experiment(record=False) as lab:
        yield lab.ctx


def ratios(make: Callable[[], AbstractContextManager[Any]], run: Run) -> list[float]:
    """Rates of a Context as parts of plain pyzmq's, pair by pair, in turns."""
    found = []
    for _ in range(PAIRS):
        with zmq.Context() as plain, make() as ours:
            runs = [(seconds(ours, run), seconds(plain, run)) for _ in range(RUNS)]
        found.append(min(other for _, other in runs) / min(our for our, _ in runs))
    return found


def recording() -> None:
    """Recorded sockets against plain ones.

    Between two threads the figure spreads by a factor of two and more, with plain sockets too:
    which of them runs ahead, and how far, differs from run to run. So all is done in one.
    """
    print("Recording: PUSH to PULL over inproc in one thread; rate as a part of plain pyzmq's")
    for name, make, run, least in [
        ("single frames", on, single_frames, 0.42),
        ("messages of four frames", on, four_frames, 1.0),
        ("single frames, recording off", off, single_frames, 1.0),
        ("four frames, recording off", off, four_frames, 1.0),
        ("single frames, plain pyzmq too", zmq.Context, single_frames, 0),
    ]:
        found = ratios(make, run)
        median = statistics.median(found)
        # 1.0 is said to one digit: plain pyzmq is now and then .99 of plain pyzmq.
        kept = round(median, 1 if least == 1.0 else 2) >= least
        word = promise(f"recording, {name}: {median:.2f}, promised {least:.2f}", kept)
        row(name, f"{median:.2f}", spread(found), word if least else "")


def memory() -> None:
    """What a million hops take."""
    print("Memory: a journal of a million hops of one 64-byte frame each")
    with Experiment() as lab:
        one, other = lab.ctx.socket(zmq.PAIR), lab.ctx.socket(zmq.PAIR)
        endpoint = lab.endpoint("inproc")
        one.bind(endpoint)
        other.connect(endpoint)
        tracemalloc.start()
        for number in range(50_000):
            one.send(number.to_bytes(64, "big"))
            other.recv()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        hops = len(lab.journal)
    row("bytes per hop, and MB for a million", size // hops, f"{size / hops:.0f} MB")
