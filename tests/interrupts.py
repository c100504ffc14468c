"""Interrupt each lab's check at moments drawn from a seed, with every core loaded.

    python tests/interrupts.py --moments 20 --seed 1 [01 05 …]

Each check judges the lab's own solution. After an interrupt nothing of it is left, and the next
call works. The table says how many moments came before the check's end; the exit status is 1 if
any left something behind.
"""

from __future__ import annotations

import argparse
import ast
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "authoring"))

from soak import every_core_loaded

import build
from labs import in_notebook
from zmqlab import check
from zmqlab.run.experiment import assert_all_quiet
from zmqlab.run.threads import GaveUp, eventually

LABS = [target.source.name[:2] for target in build.targets() if target.kind == "lab"]
QUIET_WITHIN = 10.0  # seconds, on a loaded machine


def solution(lab: str) -> list[Callable]:
    """The functions that a lab's check judges, as its solution has them."""
    target = next(t for t in build.targets() if t.kind == "lab" and t.source.name.startswith(lab))
    names = [
        function.name
        for cell in build.unexecuted(target).cells
        if cell.cell_type == "code"
        for function in ast.walk(ast.parse(cell.source))
        if isinstance(function, ast.FunctionDef) and "is yours to write" in ast.unparse(function)
    ]
    return in_notebook(lab, "solution", *names)


def interrupted(call: Callable[[], object], after: float) -> BaseException | None:
    """Call, and interrupt that after so many seconds; what it raised, None if it was over."""
    main, sent = threading.main_thread().ident or 0, threading.Event()

    def interrupt() -> None:
        sent.set()
        signal.pthread_kill(main, signal.SIGINT)

    timer = threading.Timer(after, interrupt)
    try:
        timer.start()
        call()
        timer.cancel()
        timer.join()
        if sent.is_set():  # and put off, perhaps, to the moment after the call
            threading.Event().wait(1)
    except KeyboardInterrupt as error:
        return error
    finally:
        timer.cancel()  # where the call raised something else
    return None


def expect_nothing_left(threads: set[threading.Thread], streams: tuple) -> None:
    """Fail if there are more threads than these, or if anything of an experiment is left."""

    def quiet() -> bool:
        try:
            assert_all_quiet()
        except AssertionError:
            return False
        return {thread for thread in threading.enumerate() if thread.is_alive()} <= threads

    try:
        eventually(quiet, QUIET_WITHIN, "quiet", every=0.02)
    except GaveUp as error:
        error.add_note(f"threads: {sorted(t.name for t in set(threading.enumerate()) - threads)}")
        assert_all_quiet()
        raise
    assert (sys.stdout, sys.stderr, threading.excepthook) == streams


def attack(lab: str, moments: int, seed: int) -> tuple[int, float]:
    """Interrupt a lab's check so many times: how many came before its end, and how long it takes.

    Raises AssertionError or GaveUp where something is left, or where the next call fails.
    """
    judge, functions = getattr(check, f"lab{lab}"), solution(lab)
    draw = Random(f"{seed} {lab}")
    threads = {thread for thread in threading.enumerate() if thread.is_alive()}
    streams = (sys.stdout, sys.stderr, threading.excepthook)
    began = time.monotonic()
    assert judge(*functions).verdict != "failed"
    length = time.monotonic() - began
    in_time = 0
    kept = None  # as a kernel keeps the last error, with all that its frames hold
    for _ in range(moments):
        after = draw.uniform(0, length)
        error = interrupted(lambda: judge(*functions), after)
        if error is None and after < length / 2:  # it may have met a callback of the interpreter's
            error = interrupted(lambda: judge(*functions), after)
            assert error, f"an interrupt after {after:.3f} of {length:.1f} s was lost, twice"
        if error is not None:
            in_time, kept = in_time + 1, error
        try:
            expect_nothing_left(threads, streams)
        except Exception as error:
            error.add_note(f"lab {lab}, interrupted after {after:.3f} of {length:.1f} s")
            raise error from kept
    report = judge(*functions)
    assert report.verdict != "failed", str(report)
    return in_time, length


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labs", nargs="*", metavar="LAB", help="as 01; all when there are none")
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    well = True
    print("lab  moments  before its end  its length s")
    with every_core_loaded():
        for lab in options.labs or LABS:
            try:
                in_time, length = attack(lab, options.moments, options.seed)
            except Exception as error:
                well = False
                print(lab, repr(error), *getattr(error, "__notes__", ()), sep="\n  ", flush=True)
                continue
            print(f"{lab:3} {options.moments:8} {in_time:15} {length:13.1f}", flush=True)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
