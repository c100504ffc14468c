"""A function in a process of its own, which can be killed or frozen."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import cloudpickle

_CHILD = """
import os, pickle, sys, threading
sys.path[:], message = pickle.load(sys.stdin.buffer)
function, args = pickle.loads(message)
def end_with_parent():
    os.read(0, 1)
    os._exit(0)
threading.Thread(target=end_with_parent, daemon=True).start()
import zmq
ctx = zmq.Context()
function(ctx, *args)
ctx.destroy()
"""


class Process:
    """A function that runs in a process of its own, with a plain zmq.Context of its own.

    It ends with the experiment, and also when the kernel dies: it watches a pipe to its parent.
    """

    def __init__(self, name: str, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stderr=self._errors,
            env={
                **os.environ,
                "PYTHON_COLORS": "0",
            },  # a kernel asks for colours, `failure` does not
            start_new_session=True,  # Interrupt in the notebook is not for it
        )
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            message = cloudpickle.dumps((function, args))  # type: ignore[no-untyped-call]
            pickle.dump((sys.path, message), self._process.stdin)
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    @property
    def status(self) -> int | None:
        """Its exit status, less than 0 for a signal; None while it is there."""
        return self._process.poll()

    def failure(self) -> str:
        """The last line that the process wrote of an error that ended it; "" if none did."""
        if (
            self._errors.closed or (self._process.poll() or 0) <= 0
        ):  # still there, ended well, or killed by a signal
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        return lines[-1] if lines else f"exit status {self._process.returncode}"

    def kill(self) -> None:
        """End the process at once, without any chance to clean up; return when it is gone."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Freeze the process (SIGSTOP): it keeps its connections and does nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Kill the process if it is still there, and close the pipe to it."""
        self.kill()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._errors.close()
