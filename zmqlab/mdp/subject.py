"""What is under test: an endpoint, or something that can be started anew when it has died."""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from typing import IO, Protocol
from urllib.parse import urlsplit

import zmq

ENDS = 3.0  # seconds that a process has to end when it is told to
COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # in which some programs print, whoever reads it


class Subject(Protocol):
    """Something under test. `start` returns its endpoint, or its frontend and its backend."""

    restarts: bool  # whether `start` brings it back once it has died

    def start(self) -> str | tuple[str, str]:
        """Start it, anew if it was there."""

    def stop(self) -> None:
        """End it."""

    def why(self) -> str:
        """Why it died, as far as that is known."""


class Started(Protocol):
    """A worker under test: it is started, with an endpoint and a service, and may end."""

    def start(self, **places: str) -> object:
        """Start it, anew if it was there. places: endpoint, service."""

    def stop(self) -> None:
        """End it."""

    def why(self) -> str:
        """Why it ended, as far as that is known."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""


class Asking(Started, Protocol):
    """A client under test: it asks `requests` questions when it is started, and ends."""

    @property
    def status(self) -> int | None:
        """Its exit status once it has ended: 0 if all were answered."""

    def said(self) -> list[str]:
        """The first frame of each reply so far."""


class Fixed:
    """What listens at an endpoint, and was started by somebody else."""

    restarts = False

    def __init__(self, endpoint: str, backend: str | None = None) -> None:
        self.endpoint, self.backend = endpoint, backend or endpoint

    def start(self) -> tuple[str, str]:
        """Where clients and workers connect."""
        return self.endpoint, self.backend

    def stop(self) -> None:
        """Leave it as it is."""

    def why(self) -> str:
        """Nothing is known of why it died."""
        return ""


class Command:
    """A command line that is started anew; {endpoint}, {service} … stand for what it is given.

    No shell reads it. {backend}, where it stands in it, is an endpoint of its own for workers. Its
    standard error is kept: the last line says why it died. What it starts in its turn ends with it,
    and all of that when this process is killed.
    """

    restarts = True

    def __init__(self, line: str, **places: str) -> None:
        self.line, self.places = line, places
        self.process: subprocess.Popen[str] | None = None
        self.endpoint = ""
        self._errors: IO[str] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self, **places: str) -> str | tuple[str, str]:
        """Start it, at fresh endpoints where none are given; returns the endpoint, or both.

        OSError: the command cannot be started. ValueError: its quotes do not match.
        """
        self.stop()
        places = self.places | places
        self.endpoint = places.setdefault("endpoint", fresh_endpoint())
        backend = places.setdefault("backend", fresh_endpoint())
        words = shlex.split(self.line)
        for name, value in places.items():
            words = [word.replace(f"{{{name}}}", value) for word in words]
        self._errors = scratch()
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=self._output(),
            stderr=self._errors,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Control-C is the suite's; and all of it ends together
        )
        self._guard = _guard(self.process.pid)
        return (self.endpoint, backend) if "{backend}" in self.line else self.endpoint

    def _output(self) -> int | IO[str]:
        return subprocess.DEVNULL

    @property
    def over(self) -> bool:
        """Whether its process has ended, or was never started."""
        return self.process is None or self.process.poll() is not None

    @property
    def status(self) -> int | None:
        """The exit status of its process; None: it has none yet."""
        return None if self.process is None else self.process.poll()

    def why(self) -> str:
        """The last line of its standard error, or how it ended."""
        if self.process is None or self._errors is None:
            return ""
        if self.process.poll() is None:
            return "its process is still there"
        self._errors.seek(0)
        lines = COLOURS.sub("", self._errors.read()).strip().splitlines()
        return lines[-1].strip() if lines else f"exit status {self.process.returncode}"

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        if self.process is not None:
            self._tell(getattr(signal, "SIGKILL", signal.SIGTERM))
            self.process.wait()

    def stop(self) -> None:
        """End it, politely first, and whatever it has started."""
        if self.process is not None:
            self._tell(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(ENDS)
            self.kill()
            self.process = None
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    def _tell(self, what: int) -> None:
        """A signal to the process and all of its session, where there are sessions."""
        assert self.process is not None
        with suppress(ProcessLookupError, PermissionError):  # all of them have ended
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, what)
            else:
                self.process.send_signal(what)


def _guard(session: int) -> subprocess.Popen[bytes] | None:
    """What ends a session when this process is gone, however it ended; where there are sessions."""
    if not hasattr(os, "killpg"):
        return None
    waits = 'read _; kill -KILL "-$1"'  # until its standard input ends, which nobody else holds
    return subprocess.Popen(
        ["sh", "-c", waits, "guard", str(session)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class Talking(Command):
    """A command whose standard output is kept: `said` are its lines so far."""

    _said: IO[str] | None = None

    def _output(self) -> IO[str]:
        self._said = scratch()
        return self._said

    def said(self) -> list[str]:
        """What it has printed, line by line."""
        if self._said is None:
            return []
        self._said.seek(0)
        return self._said.read().splitlines()

    def stop(self) -> None:
        """End its process, politely first."""
        super().stop()
        if self._said is not None:
            self._said.close()
            self._said = None


def scratch() -> IO[str]:
    """A file for what a process prints; whoever has it closes it."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")


def fresh_endpoint() -> str:
    """An endpoint on loopback at which nobody listens."""
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{there.getsockname()[1]}"


def beyond_this_machine(endpoint: str) -> bool:
    """Whether an endpoint is none of loopback: the suite sends what kills brokers."""
    host = urlsplit(endpoint).hostname if endpoint.startswith("tcp:") else "localhost"
    try:
        return not ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host != "localhost"


def somebody_at(endpoint: str, seconds: float = 5.0, subject: Subject | None = None) -> bool:
    """Whether a ZeroMQ peer answers there within so many seconds, before the subject is over.

    zmq.ZMQError: this is no endpoint.
    """
    with zmq.Context() as ctx, ctx.socket(zmq.DEALER) as caller:
        caller.linger = 0
        monitor = caller.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        caller.connect(endpoint)
        try:
            end = time.monotonic() + seconds
            while not monitor.poll(50):
                if getattr(subject, "over", False) or time.monotonic() > end:
                    return False
            return True
        finally:
            caller.disable_monitor()
            monitor.close(0)
