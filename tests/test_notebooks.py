"""Every notebook in a real kernel: again and again, interrupted, started anew.

nbval, in `make test`, holds the outputs of lessons and solutions to what is committed; here is
what it cannot see.
"""

import ast
import random
import sys
from collections.abc import Iterator

import pytest
from kernel import Kernel, Ran, Watch, beyond_loopback, descendants, exists, start

import build
from zmqlab.run.threads import GaveUp, eventually

LESSONS = [target for target in build.targets() if target.kind == "lesson"]
LABS = [target for target in build.targets() if target.kind == "lab"]
SOLUTIONS = [target for target in build.targets() if target.kind == "solution"]
SHORTEST = 0.05  # seconds: a cell that takes less is over before it can be interrupted
INTERRUPTED = 6  # cells of a notebook, those that take longest

pytestmark = pytest.mark.slow
linux = pytest.mark.skipif(sys.platform != "linux", reason="counts and addresses come from /proc")
QUIET = "from zmqlab.run.experiment import assert_all_quiet\nassert_all_quiet()"
WHO = "import threading\nprint(*threading.enumerate(), sep='\\n')"


def name(target: build.Target) -> str:
    return f"{target.kind}-{target.source.stem}"


def code(target: build.Target) -> list[str]:
    """The code cells, in order, without those that are meant to raise."""
    return [
        cell.source
        for cell in build.unexecuted(target).cells
        if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", [])
    ]


def run_all(kernel: Kernel, target: build.Target) -> list[Ran]:
    every = []
    for source in code(target):
        ran = kernel.run(source)
        assert not ran.error, f"{source}\n\n{ran.error}"
        every.append(ran)
    return every


def expect_no_more_than(kernel: Kernel, threads: int, files: int) -> None:
    """Fail if the kernel keeps more threads, open files or processes than it had."""
    try:
        eventually(
            lambda: kernel.threads() <= threads and kernel.open_files() <= files,
            within=5,
            what=f"no more than {threads} threads and {files} open files",
        )
        eventually(lambda: not kernel.children(), within=5, what="its processes to end")
    except GaveUp as error:
        error.add_note(f"there are {kernel.threads()} threads, {kernel.open_files()} open files")
        error.add_note(kernel.run(WHO).text())
        raise


# Run All, and Interrupt


@pytest.fixture(scope="module", params=LESSONS + SOLUTIONS, ids=name)
def at_work(request) -> Iterator[tuple[build.Target, Kernel, list[Ran]]]:
    """A notebook, and a kernel in which all of it has run once: what Python, pyzmq and
    matplotlib set up once and keep is there.
    """
    target = request.param
    with Kernel(target.notebook.parent) as kernel:
        with Watch(kernel) as watch:
            ran = run_all(kernel, target)
        assert watch.heard == set()
        yield target, kernel, ran


class Gone:
    """A folder that is there when it is named, and gone when it is looked into."""

    def __truediv__(self, name):
        return self

    def glob(self, pattern):
        raise FileNotFoundError(pattern)


def test_a_process_that_ends_while_it_is_looked_at_has_no_descendants(monkeypatch):
    monkeypatch.setattr("kernel.PROC", Gone())
    assert descendants(1) == []


@linux
@pytest.mark.timeout(300)
def test_run_all_three_times_leaves_nothing_and_stays_on_loopback(at_work):
    target, kernel, _ = at_work
    eventually(lambda: not kernel.children(), within=5, what="its processes to end")
    threads, files = kernel.threads(), kernel.open_files()
    with Watch(kernel) as watch:
        for _ in range(2):
            run_all(kernel, target)
            expect_no_more_than(kernel, threads, files)
    assert watch.looks > 0
    assert watch.heard == set()


@linux
@pytest.mark.timeout(300)
def test_interrupt_leaves_nothing_and_the_cell_runs_again(at_work):
    target, kernel, ran = at_work
    threads, files = kernel.threads(), kernel.open_files()
    moment = random.Random(target.source.stem)
    longest = sorted(ran, key=lambda cell: cell.seconds)[-INTERRUPTED:]
    for cell in (cell for cell in ran if cell in longest and cell.seconds > SHORTEST):
        cut = kernel.run_and_interrupt(cell.source, after=cell.seconds * moment.uniform(0.05, 0.95))
        assert cut.error in ("", "KeyboardInterrupt: "), f"{cell.source}\n\n{cut.error}"
        eventually(
            lambda: not kernel.run(QUIET).error,
            within=5,
            what=f"quiet after an interrupt in\n{cell.source}",
            every=0.1,
        )
        again = kernel.run(cell.source)
        assert not again.error, f"again after an interrupt:\n{cell.source}\n\n{again.error}"
        expect_no_more_than(kernel, threads, files)


# Restart


def run_until_a_process_starts(kernel: Kernel, target: build.Target) -> list[int]:
    """Run cell after cell; stop in the midst of the first that has started a process."""
    for source in code(target):
        if begun := kernel.run_until(source, kernel.children):
            return begun
    pytest.fail("no cell has started a process")


@linux
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "target",
    [t for t in LESSONS if any(starts in "\n".join(code(t)) for starts in (".spawn(", "Command("))],
    ids=name,
)
def test_restart_ends_the_processes_that_a_cell_started(target):
    with Kernel(target.notebook.parent) as kernel:
        begun, first = run_until_a_process_starts(kernel, target), kernel.pid
        kernel.restart()
        assert kernel.pid != first
        eventually(lambda: not any(map(exists, begun)), within=5, what=f"{begun} to end")
        assert run_until_a_process_starts(kernel, target)


# Labs as they are shipped


def holes(target: build.Target) -> list[str]:
    """The functions that a lab leaves to the learner."""
    return [
        function.name
        for source in code(target)
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef)
        and any(
            isinstance(line, ast.Raise) and "yours to write" in ast.unparse(line)
            for line in function.body
        )
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("target", LABS, ids=name)
def test_a_lab_as_shipped_says_what_is_not_done(target, tmp_path):
    with Kernel(tmp_path / "labs") as kernel:
        ran = [kernel.run(source) for source in code(target)]
    assert [one.error for one in ran if one.error] == []
    told = "\n".join(one.text() for one in ran)
    assert holes(target)
    for function in holes(target):
        assert f"{function} is not done yet" in told
    assert "Traceback" not in told


# The watch sees what it is for

TABLE = """\
  sl  local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
   0: {address}:1F90 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 4711 1
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the samples are of a little-endian machine")
@pytest.mark.parametrize(
    ("address", "state", "heard"),
    [
        ("0100007F", "0A", False),  # 127.0.0.1
        ("0200117F", "0A", False),  # 127.17.0.2
        ("00000000", "0A", True),  # every address
        ("0B01A8C0", "0A", True),  # 192.168.1.11
        ("00000000", "01", False),  # connected, not listening
        ("00000000000000000000000001000000", "0A", False),  # ::1
        ("00000000000000000000000000000000", "0A", True),  # ::
        ("0000000000000000FFFF00000100007F", "0A", False),  # ::ffff:127.0.0.1
        ("0000000000000000FFFF00000B01A8C0", "0A", True),  # ::ffff:192.168.1.11
    ],
)
def test_who_listens_beyond_loopback(address, state, heard):
    assert bool(beyond_loopback(TABLE.format(address=address, state=state))) is heard


def test_a_kernel_that_dies_at_its_start_is_started_again():
    attempts = []

    def dies_twice():
        attempts.append(1)
        if len(attempts) < 3:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "ready"

    assert start(dies_twice) == "ready"
