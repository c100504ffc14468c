"""Run every notebook many times with every core loaded, and print a table of failures.

    python tests/soak.py [--runs 50] [--jobs 1] [NAME ...]

Lessons and solutions run under nbval with outputs compared, labs as shipped under nbval without;
each run has a kernel of its own, and `--jobs` of them go at a time. A process per core computes
meanwhile, at the notebooks' priority. Whatever passes must pass every time: the exit status is 1
if anything failed once.
What a failed run printed is kept in build/soak/.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "soak"
SECONDS_PER_CELL = 180


class Run(NamedTuple):
    passed: bool
    seconds: float


def notebooks(names: Sequence[str]) -> list[Path]:
    """The notebooks whose path contains one of the names; all when there are none."""
    folders = ("notebooks", "solutions", "labs")
    every = [path for folder in folders for path in sorted((ROOT / folder).glob("*.ipynb"))]
    return [path for path in every if not names or any(name in str(path) for name in names)]


@contextlib.contextmanager
def every_core_loaded() -> Iterator[None]:
    """Keep as many processes computing as there are cores."""
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def run(notebook: Path, number: int) -> Run:
    """One run in a fresh kernel; what it printed is kept if it failed."""
    strict = "--nbval-lax" if notebook.parent.name == "labs" else "--nbval"
    began = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", strict, "--nbval-current-env", "-q", "--color=no"),
            *(f"--nbval-cell-timeout={SECONDS_PER_CELL}", f"--timeout={SECONDS_PER_CELL + 20}"),
            *("-p", "no:cacheprovider", str(notebook)),
        ],
        cwd=ROOT,
        env=os.environ | {"ZMQLAB_PROGRESS": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        KEPT.mkdir(parents=True, exist_ok=True)
        kept = KEPT / f"{notebook.parent.name}-{notebook.stem}-{number}.txt"
        kept.write_text(done.stdout + done.stderr, encoding="utf-8")
    return Run(done.returncode == 0, time.monotonic() - began)


def row(notebook: Path, runs: Sequence[Run]) -> str:
    failed = sum(not one.passed for one in runs)
    seconds = [one.seconds for one in runs]
    name = f"{notebook.parent.name}/{notebook.stem}"
    middle, worst = statistics.median(seconds), max(seconds)
    return f"{name:32} {len(runs):5} {failed:7} {middle:9.1f} {worst:7.1f}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Run every notebook many times under load.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a notebook's path")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time: more is more load")
    options = parser.parse_args()
    chosen = notebooks(options.names)
    if not chosen:
        print(f"no notebook is called {' or '.join(options.names)}", file=sys.stderr)
        return 2
    runs: dict[Path, list[Run]] = {}
    print(f"{'notebook':32} {'runs':>5} {'failed':>7} {'median s':>9} {'worst s':>7}")
    with every_core_loaded(), ThreadPoolExecutor(options.jobs) as pool:
        for path in chosen:
            runs[path] = list(pool.map(partial(run, path), range(options.runs)))
            print(row(path, runs[path]), flush=True)
    failed = sum(not one.passed for several in runs.values() for one in several)
    print(f"{failed} of {sum(map(len, runs.values()))} runs failed, {os.cpu_count()} cores loaded")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
