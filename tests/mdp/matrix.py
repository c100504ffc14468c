"""Run the suite in full on the right broker and on every mutant, and print who broke what.

    python tests/mdp/matrix.py [--jobs 4] [NAME ...]

The exit status is 1 if a mutant was not seen by its rule, or if another rule was broken than the
mutant says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from mutants import BROKERS, CHOICES, Mutant  # noqa: E402

import labs  # noqa: E402
from zmqlab.mdp import Command, Outcome, check_broker  # noqa: E402

EXPIRY = 1.0  # seconds: of the brokers here
RIGHT = Mutant("right", "", ())


def outcome(mutant: Mutant, folder: Path, **options: object) -> Outcome:
    """What the suite says of a mutant of the right broker."""
    path = folder / f"{mutant.name}_{mutant.dialect}.py"
    text = (HERE / "broker.py").read_text(encoding="utf-8")
    path.write_text(labs.changed(text, mutant.changes), encoding="utf-8")
    line = f"{sys.executable} {path} {{endpoint}} --expiry {EXPIRY} --dialect {mutant.dialect}"
    return check_broker(Command(line), dialect=mutant.dialect, expiry=EXPIRY, **options)


def faults(mutant: Mutant, found: Outcome) -> list[str]:
    """In which way an outcome is not what the mutant's row says."""
    broken = {n for n, result in found.results.items() if result.verdict == "failed"}
    undecided = {n for n, result in found.results.items() if result.verdict == "undecided"}
    said = []
    if mutant in BROKERS and mutant.rule not in broken:
        said.append(f"{mutant.rule} did not see it")
    if more := sorted(broken - {mutant.rule, *mutant.also}):
        said.append(f"{', '.join(more)} failed, too")
    if undecided and not broken:
        said.append(f"{', '.join(sorted(undecided))} undecided")
    return said


def main() -> int:
    """Print the matrix."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args()
    rows = [RIGHT, RIGHT._replace(dialect="0.2"), *BROKERS, *CHOICES]
    rows = [row for row in rows if not chosen.names or row.name in chosen.names]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(chosen.jobs) as pool:
        found = pool.map(lambda row: outcome(row, Path(folder)), rows)
        for row, result in zip(rows, found, strict=True):
            broken = [n for n, one in result.results.items() if one.verdict == "failed"]
            said = faults(row, result)
            wrong += bool(said)
            mark = "!!" if said else "  "
            text = f"{mark} {row.name:<30} {row.rule:<7} broken: {' '.join(broken) or '-'}"
            print(text, f"({result.seconds:.1f} s)", *said, flush=True)
            if row in CHOICES and row.rule in result.results:
                print(f"{'':44}{result.results[row.rule].evidence}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
