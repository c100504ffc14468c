"""Whether this machine has what the course uses, one thing a line."""

from __future__ import annotations

import contextlib
import io
import os
import platform
import shutil
import signal
from collections.abc import Iterator
from typing import NamedTuple

import zmq

from zmqlab.learn import environment

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")
MOMENT = 2000  # ms for a message over loopback


class Seen(NamedTuple):
    """One thing: whether it is as it should be, and what was seen. needed: else a lab fails."""

    what: str
    good: bool
    said: str
    needed: bool = True


def look() -> Iterator[Seen]:
    """All that is looked at, in the order in which it matters."""
    yield Seen("system", True, f"{platform.platform()}, Python {platform.python_version()}")
    yield _packages()
    yield Seen("libzmq", True, f"{zmq.zmq_version()} under pyzmq {zmq.pyzmq_version()}")
    yield _message("loopback", "tcp://127.0.0.1:*", True)
    yield _message("ipc", "ipc://*", False) if zmq.has("ipc") else _missing("ipc")
    for what, has in (("CURVE", zmq.has("curve")),):
        yield Seen(what, has, "there" if has else "this libzmq was built without it", False)
    yield _there("fork", hasattr(os, "fork"))
    yield _there("frozen processes", hasattr(signal, "SIGSTOP"))
    yield _program("browser", BROWSERS)
    yield _program("Node", ("node",))


def _packages() -> Seen:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            environment.check()
    except environment.NotReady as error:
        return Seen("packages", False, str(error))
    except OSError:  # the package alone, without the course
        return Seen("packages", True, "the course's list of packages is not beside this one")
    return Seen("packages", True, said.getvalue().strip())


def _message(what: str, endpoint: str, needed: bool) -> Seen:
    """Whether a message goes from one socket to another at a port that the system chose."""
    with zmq.Context() as ctx, ctx.socket(zmq.PULL) as pull, ctx.socket(zmq.PUSH) as push:
        pull.linger = push.linger = 0
        try:
            pull.bind(endpoint)
            where = pull.getsockopt_string(zmq.LAST_ENDPOINT)
            push.connect(where)
            push.send(b"hello")
        except zmq.ZMQError as error:
            return Seen(what, False, f"{endpoint}: {error}", needed)
        came = bool(pull.poll(MOMENT))
        said = f"a message came over {where}" if came else f"no message came over {where}"
        return Seen(what, came, said if came else f"{said}: does a firewall hold it?", needed)


def _missing(what: str) -> Seen:
    return Seen(what, False, "not on this system: the lessons show it elsewhere", needed=False)


def _there(what: str, there: bool) -> Seen:
    return Seen(what, True, "there", needed=False) if there else _missing(what)


def _program(what: str, names: tuple[str, ...]) -> Seen:
    found = next((name for name in names if shutil.which(name)), None)
    return Seen(what, found is not None, found or f"none of {', '.join(names)}", needed=False)
