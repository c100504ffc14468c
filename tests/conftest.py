"""Every test ends what it began: its Context within a limit, its threads, its sockets."""

import contextlib
import fcntl
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from zmqlab.run.experiment import assert_all_quiet
from zmqlab.run.threads import GaveUp, eventually

HERE = Path(__file__).parent
PATIENCE = 5.0  # seconds that what a test began may take to end
PROC = Path("/proc")

# An example that takes long says that the machine is busy, not that the code is wrong.
settings.register_profile("course", deadline=None)
settings.load_profile("course")


@pytest.fixture
def context() -> Iterator[zmq.Context]:
    """A plain Context for one test. A socket left open fails the test, and is named."""
    ctx = zmq.Context()
    ctx.linger = 0
    yield ctx
    term = threading.Thread(target=ctx.term, name="term of the test's context", daemon=True)
    term.start()
    term.join(PATIENCE)
    if term.is_alive():
        still_open = ", ".join(str(s) for s in list(ctx._sockets) if not s.closed)
        for socket in list(ctx._sockets):
            socket.close(0)
        term.join(PATIENCE)
        pytest.fail(f"the context did not end within {PATIENCE:g} s; still open: {still_open}")


@pytest.fixture(scope="session")
def node():
    """The folder of a Node project with the npm package zeromq, and the programs of tests/node."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no Node here: nothing was tried that is not Python")
    folder = HERE.parent / "build" / "node"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # other processes of this run want it, too
        fcntl.flock(lock, fcntl.LOCK_EX)
        install(HERE / "node" / "package.json", folder)
    return folder


def install(wanted: Path, folder: Path) -> None:
    """Bring a project's folder to what its package.json wants, if it is not there yet."""
    there = folder / "package.json"
    if not there.exists() or there.read_text() != wanted.read_text():
        packages = json.loads(wanted.read_text())["dependencies"]
        done = subprocess.run(
            ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--no-save"]
            + [f"{name}@{version}" for name, version in packages.items()],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=110,
        )
        if done.returncode:
            pytest.skip(f"npm could not install the package zeromq: {done.stderr[-300:]}")
        shutil.copy(wanted, there)
    for program in (*wanted.parent.glob("*.js"), *wanted.parent.glob("*.mjs")):
        shutil.copy(program, folder)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, as in a kernel; a worker of pytest-xdist ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def running() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def with_an_address() -> set[str]:
    """The inodes of the machine's sockets that have one: tcp, or a path (ipc)."""
    found = set()
    for name in ("tcp", "tcp6"):
        lines = (PROC / "net" / name).read_text().splitlines()[1:]
        found |= {line.split()[9] for line in lines}
    for line in (PROC / "net" / "unix").read_text().splitlines()[1:]:
        columns = line.split()
        if len(columns) > 7:
            found.add(columns[6])
    return found


def sockets() -> set[str]:
    """The sockets with an address that this process has open; where the system can say."""
    if sys.platform != "linux":
        return set()
    mine = set()
    for fd in (PROC / "self" / "fd").iterdir():
        try:
            target = os.readlink(fd)
        except OSError:
            continue  # closed while we looked, as the folder itself is
        if target.startswith("socket:["):
            mine.add(target[8:-1])
    return mine & with_an_address()


def expect_quiet() -> None:
    """What was told to end may take a moment; what has not after PATIENCE is named."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(AssertionError):
            return assert_all_quiet()
        threading.Event().wait(0.01)
    return assert_all_quiet()


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    """Fail a test that leaves an experiment, a thread or an open socket behind."""
    threads_before, sockets_before = running(), sockets()
    yield
    expect_quiet()
    try:
        eventually(
            lambda: running() <= threads_before and sockets() <= sockets_before,
            within=0.05,
            what="quiet",
        )
    except GaveUp:
        gc.collect()  # a Context in a cycle of garbage is no leak
        eventually(
            lambda: running() <= threads_before,
            within=PATIENCE,
            what=f"the test's threads to end: {sorted(t.name for t in running() - threads_before)}",
        )
        eventually(
            lambda: sockets() <= sockets_before,
            within=PATIENCE,
            what=f"the test's sockets to close: {len(sockets() - sockets_before)} more than before",
        )


class ByNotebook(LoadFileScheduling):
    """Deals files to the workers; of the tests of all notebooks, notebooks; of labs, single tests.

    A submission waits more than it computes, and shares nothing with the next one.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if Path(file).name.startswith(
            ("test_lab_", "test_submissions", "test_mdp", "test_interrupts")
        ):
            return nodeid
        return f"{file}[{test.rpartition('[')[2]}" if file.endswith("test_notebooks.py") else file


def pytest_xdist_make_scheduler(config, log) -> ByNotebook:
    return ByNotebook(config, log)
