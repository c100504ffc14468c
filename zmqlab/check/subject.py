"""What a check has on its stage: a function in a thread, a command, or what is there already."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import zmq

from zmqlab.record.journal import Journal

from .call import Call, said
from .judge import Trial, learners_threads
from .machine import Lap
from .report import Finding, failed, undecided

ONE_THREAD = "a socket is used in one thread only"
MACHINE = "This may be the machine, not your code. Run it again when it has less to do."


class Subject:
    """What is judged. By itself: something that was there before and stays there afterwards.

    endpoints: where it is bound, by name; what is not named here, the stage chooses.
    """

    def __init__(self, name: str = "broker", **endpoints: str) -> None:
        self.name = name
        self.endpoints = endpoints
        self.journal = Journal()  # what its sockets did, where they are recorded

    def begin(self, endpoints: Mapping[str, str], *more: Any) -> None:
        """Let it begin: it is to bind these, in this order. more: a function's last arguments."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return False

    @property
    def pids(self) -> list[int]:
        """The processes, other than this one, in which it runs; none where that is not known."""
        return []

    def threads(self) -> list[threading.Thread]:
        """The threads of this process in which it runs."""
        return []

    def here(self) -> str:
        """Where it is now, in words."""
        return "a place that cannot be seen from here"

    def early_end(self) -> Finding | None:
        """Why it has ended before it was told to; None if it has not."""
        return None

    def end(self, lap: Lap) -> list[Finding]:
        """Tell it to end; what is wrong with how it did. The lap began just now."""
        return []

    def close(self, *error: Any) -> None:
        """Leave nothing of it behind."""


class Command(Subject):
    """A program of any language: `["node", "broker.js", "{frontend}", "{backend}"]`."""

    def __init__(self, words: Sequence[str], name: str = "broker") -> None:
        super().__init__(name)
        self.words = words

    def begin(self, endpoints: Mapping[str, str], *more: Any) -> None:
        """Start it, with each endpoint where its name stands in brackets."""
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._process = subprocess.Popen(
            [word.format_map(endpoints) for word in self.words],
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Interrupt in the notebook is not for it
        )

    @property
    def over(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    @property
    def pids(self) -> list[int]:
        """The process."""
        return [self._process.pid]

    def here(self) -> str:
        """Its process: no line of it is known."""
        return f"some line of {self.words[0]}, process {self._process.pid}"

    def early_end(self) -> Finding | None:
        """Why the process has ended; None if it has not."""
        if not self.over:
            return None
        self._printed.seek(0)
        lines = self._printed.read().decode(errors="replace").splitlines()
        last = f", after it had printed: {lines[-1][:300]}" if lines else ""
        return failed(
            f"{self.name} goes on until it is told to end",
            f"{' '.join(self.words)} ended with exit status {self._process.returncode}{last}",
        )

    def end(self, lap: Lap) -> list[Finding]:
        """Ask the process to end (SIGTERM)."""
        if early := self.early_end():
            return [early]
        self._process.terminate()
        return []

    def close(self, *error: Any) -> None:
        """Kill the process if it is still there."""
        self._process.kill()
        self._process.wait()
        self._printed.close()


class Function(Subject):
    """A learner's function in a thread of a Trial: `function(ctx, *endpoints, *more)`, recorded."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(name)
        self.call = Call(name, function)
        self.before = set(threading.enumerate())

    def begin(self, endpoints: Mapping[str, str], *more: Any) -> None:
        """Call it."""
        self.trial = Trial(self.name)
        self.journal = self.trial.journal
        self.trial.__enter__()
        self.trial.start(self.name, self.call, *endpoints.values(), *more)

    @property
    def over(self) -> bool:
        """Whether the call has ended."""
        return self.call.done

    def threads(self) -> list[threading.Thread]:
        """The threads with code of the learner."""
        return learners_threads(self.before)

    def here(self) -> str:
        """The learner's line."""
        return self.call.here()

    def early_end(self) -> Finding | None:
        """Why the call has ended before its context; None if it has not."""
        return self.call.early_end()

    def end(self, lap: Lap) -> list[Finding]:
        """End its context; what is wrong with how it took that."""
        if early := self.early_end():
            return [early]
        self.trial.end()
        late = self.call.late_end()
        if late and lap.late:
            return [undecided(late.rule, late.evidence, MACHINE)]
        found = [late, self._raised(), self.call.sockets_left(), *self._used_by_two()]
        return [finding for finding in found if finding is not None]

    def close(self, *error: Any) -> None:
        """End all that is left of it. GaveUp: the limit of its experiment is over."""
        self.trial.__exit__(*error)

    def _raised(self) -> Finding | None:
        """The finding for another error than the one that says that the context has ended."""
        error = self.call.error
        if error is None or says_that_it_is_over(error):
            return None
        return failed(
            f"{self.name} ends with the context",
            f"The context ended, and {self.name} raised {said(error)}\nat {self.call.where}",
            "zmq.ContextTerminated is the sign to end, and the one error that a caller expects: "
            "let it escape.",
        )

    def _used_by_two(self) -> Iterator[Finding]:
        """A socket that another thread than its maker has used."""
        for hop in self.journal:
            if not hop.by_maker:
                yield failed(
                    ONE_THREAD,
                    f"{hop.socket!r} was made by the thread {hop.socket.who} and {hop.way} a "
                    f"message in the thread {hop.who}.",
                    "A socket is not safe in two threads: messages of several frames come out "
                    "mixed, or the process dies. One loop can serve both sockets.",
                )
                return


def says_that_it_is_over(error: BaseException) -> bool:
    """Whether it is ContextTerminated, or a group of that (and of what asyncio cancelled)."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(says_that_it_is_over, error.exceptions))
    if isinstance(error, zmq.ZMQError):  # unbind raises ETERM without the name of its own
        return error.errno in (zmq.ETERM, zmq.ENOTSUP)  # no new socket in what has ended
    return isinstance(error, asyncio.CancelledError)
