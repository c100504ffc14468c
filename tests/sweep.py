"""Judge every submission many times, and print what the labs' checks said of them.

    python tests/sweep.py [--runs 1] [--jobs 1] [--load] [LAB ...]

A right program must pass, and a wrong one be refused for the rule of its row; either may be
undecided on a busy machine. Each run has a process of its own, and `--jobs` of them go at a time;
with `--load` a process per core computes meanwhile, at the same priority. Each wrong verdict is
named below its table row, and the exit status is 1 if there was one.
Reports with a wrong verdict, and undecided ones, are kept in build/sweep/.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # this checkout's package, whichever is installed

from soak import every_core_loaded  # noqa: E402

import labs  # noqa: E402

KEPT = ROOT / "build" / "sweep"
SECONDS = 180  # that one run may take
COLUMNS = ("passed", "refused", "other rule", "undecided", "no verdict")


class Run(NamedTuple):
    """What a check said of a program: one of COLUMNS, why that is wrong, and the whole report."""

    name: str
    said: str
    why: str
    seconds: float
    report: str


def judge(lab: str, name: str) -> Run:
    """One run, in this process."""
    began = time.monotonic()
    report = labs.judge(lab, name)
    seconds = time.monotonic() - began
    row = labs.wrong(lab).get(name)
    said = "refused" if report.verdict == "failed" else report.verdict
    why = ""
    if said != "undecided" and row is not None:
        why = "; ".join(row.faults(report))
        said = "other rule" if why and said == "refused" else said
    elif said == "refused":
        why = labs.first_failure(report).rule
    return Run(name, said, why, seconds, str(report))


def judge_apart(lab: str, name: str) -> Run:
    """One run in a process of its own."""
    began = time.monotonic()
    command = [sys.executable, __file__, "--one", lab, name]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"ZMQLAB_PROGRESS": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        return Run(*json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired as error:
        why, printed = f"it took over {SECONDS} s", str(error)
    except (IndexError, ValueError):
        why, printed = f"its process ended with {done.returncode}", done.stdout + done.stderr
    return Run(name, "no verdict", why, time.monotonic() - began, printed)


def keep(lab: str, number: int, run: Run) -> None:
    """Write down a report to look at."""
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"lab_{lab}-{run.name}-{number}.txt"
    kept.write_text(f"{run.said}: {run.why}\n\n{run.report}\n", encoding="utf-8")


def table_row(title: str, runs: Sequence[Run]) -> str:
    said = Counter(run.said for run in runs)
    seconds = [run.seconds for run in runs]
    counts = " ".join(f"{said[column]:>{len(column)}}" for column in COLUMNS)
    times = f"{statistics.median(seconds):8.1f} {max(seconds):7.1f}"
    return f"{title:18} {len(runs):6} {counts} {times}"


def sweep(lab: str, names: Sequence[str], title: str, runs: int, jobs: int) -> int:
    """Judge these programs; print their row of the table, and how many verdicts were wrong."""
    numbered = [(number, name) for number in range(1, runs + 1) for name in names]
    with ThreadPoolExecutor(jobs) as pool:
        done = list(pool.map(lambda item: judge_apart(lab, item[1]), numbered))
    print(table_row(f"{lab} {len(names):3} {title}", done), flush=True)
    for (number, _), run in zip(numbered, done, strict=True):
        if run.why or run.said == "undecided":
            keep(lab, number, run)
    wrong = Counter((run.name, run.said, run.why) for run in done if run.why)
    for (name, said, why), times in wrong.items():
        print(f"   {name}: {said} {times} of {runs} times: {why}", flush=True)
    return wrong.total()


def main() -> int:
    parser = argparse.ArgumentParser(description="Judge every submission many times.")
    parser.add_argument("labs", nargs="*", metavar="LAB", help=f"one of {' '.join(labs.LABS)}")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time: more is more load")
    parser.add_argument("--load", action="store_true", help="keep every core busy meanwhile")
    parser.add_argument(
        "--one", nargs=2, metavar=("LAB", "NAME"), help="judge one, in this process"
    )
    options = parser.parse_args()
    if options.one:
        print("\n" + json.dumps(judge(*options.one)), flush=True)
        return 0
    if unknown := sorted(set(options.labs) - set(labs.LABS)):
        print(f"no lab is called {' or '.join(unknown)}", file=sys.stderr)
        return 2
    print(f"{'lab':18} {'runs':>6} {' '.join(COLUMNS)} {'median s':>8} {'worst s':>7}")
    wrong = 0
    with every_core_loaded() if options.load else contextlib.nullcontext():
        for lab in options.labs or labs.LABS:
            for title, names in ("right", labs.right(lab)), ("wrong", [*labs.wrong(lab)]):
                wrong += sweep(lab, names, title, options.runs, options.jobs)
    load = f"{os.cpu_count()} cores loaded" if options.load else "no load of its own"
    print(f"{wrong} wrong verdicts; {options.jobs} at a time, {load}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
