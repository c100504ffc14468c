"""A broker with a load around it, each in a process of its own, through which bursts go."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq

from zmqlab.run.experiment import Experiment
from zmqlab.wire.tap import Tap

HERE = Path(__file__).parent
CLIENTS, IN_FLIGHT, WORKERS, BODY = 8, 8, 4, 64
BURST = 0.2  # seconds that a burst should take
LIMIT = 60  # seconds after which a burst is given up


def load_command(folder: str) -> tuple[list[str], str]:
    """How to start the load, and what it is: built into `folder` where gcc is, else in Python."""
    python = [sys.executable, str(HERE / "load.py")]
    compiler, libraries = shutil.which("gcc"), Path(zmq.__file__).parents[1] / "pyzmq.libs"
    library = next(libraries.glob("libzmq-*.so*"), None)
    if compiler is None or library is None:
        lack = "gcc" if compiler is None else "pyzmq's own libzmq"
        return python, f"in Python, for want of {lack}: it flatters every broker"
    program = f"{folder}/load"
    flags = ["-O2", "-std=c11", "-D_POSIX_C_SOURCE=200809L", f"-Wl,-rpath,{libraries}"]
    command = [compiler, *flags, str(HERE / "load.c"), str(library), "-o", program]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        return python, f"in Python, it flatters every broker; {compiler} said: {done.stderr}"
    return [program], "in C"


@dataclass
class Burst:
    """What came of some requests; times in seconds."""

    requests: int
    rate: float  # requests a second
    p50: float
    p99: float
    seconds: float
    ran: float  # the broker's main thread
    waited: float  # it too: for a processor

    @property
    def use(self) -> float:
        """How much of the time the broker had to do: near 1, it is the broker that is measured."""
        return (self.ran + self.waited) / self.seconds

    @property
    def cost(self) -> float:
        """Seconds that the broker's main thread ran for each request."""
        return self.ran / self.requests


class Rig:
    """A broker, and clients and workers of its own that wait for a burst."""

    def __init__(self, clients: subprocess.Popen[bytes]) -> None:
        self._clients = clients
        self._requests = 200
        self.burst()  # all connect
        self.burst()  # and here it shows how many requests make a burst

    def burst(self) -> Burst:
        """Have the clients ask, as long as a burst takes, and measure it."""
        assert self._clients.stdin is not None
        assert self._clients.stdout is not None
        requests = self._requests
        self._clients.stdin.write(b"%d\n" % requests)
        answer = b""
        if select.select([self._clients.stdout], [], [], LIMIT)[0]:
            answer = self._clients.stdout.readline()
        if not answer:
            raise RuntimeError(f"{requests} requests were not answered within {LIMIT} s")
        burst = Burst(requests, **json.loads(answer))
        self._requests = max(200, round(burst.rate * BURST))
        return burst


@contextmanager
def rig(
    load: list[str], broker: Callable[..., None], ready: bool, *args: Any, tapped: bool = False
) -> Iterator[Rig]:
    """Start a broker and its load, all connected; end them.

    ready: whether the workers say READY first. tapped: with a tap before the broker, and then it
    is the tap's thread whose use is measured.
    """
    with Experiment(record=False, limit=3600) as lab, ExitStack() as stack:
        frontend, backend = lab.endpoint(), lab.endpoint()
        process = lab.spawn(broker.__name__, broker, frontend, backend, *args)
        schedule = f"/proc/{process.pid}/schedstat"
        if tapped:
            frontend = stack.enter_context(Tap(frontend)).endpoint
            thread = next(t for t in threading.enumerate() if t.name.startswith("tap "))
            schedule = f"/proc/{os.getpid()}/task/{thread.native_id}/schedstat"

        def start(*arguments: object) -> subprocess.Popen[bytes]:
            """One part of the load; it ends when its stdin does, so also when this process dies."""
            pipe = subprocess.PIPE
            command = [*load, *map(str, arguments)]
            program = subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0)
            return stack.enter_context(program)

        start("workers", backend, WORKERS, int(ready))
        yield Rig(start("clients", frontend, CLIENTS, IN_FLIGHT, BODY, schedule))
