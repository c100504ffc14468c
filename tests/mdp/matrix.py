"""Run the suite in full on every right program and every mutant, and print who broke what.

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
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from mutants import (  # noqa: E402
    BROKERS,
    CHOICES,
    CLIENTS,
    TITANIC_CLIENTS,
    TITANICS,
    WORKERS,
    Mutant,
)

import labs  # noqa: E402
from zmqlab.mdp import (  # noqa: E402
    Command,
    Outcome,
    check_broker,
    check_client,
    check_titanic,
    check_titanic_client,
    check_worker,
)

EXPIRY = 1.0  # seconds: of the brokers here
COURSE = HERE.parent.parent / "zmqlab" / "balance" / "brokers" / "majordomo.py"
RIGHT = Mutant("right", "", (), plain=False)
ROWS = {
    "broker": [
        RIGHT._replace(name="the_course", plain=True),
        RIGHT,
        RIGHT._replace(dialect="0.2"),
        *BROKERS,
        *CHOICES,
    ],
    "worker": [RIGHT, RIGHT._replace(dialect="0.2"), *WORKERS],
    "client": [RIGHT, RIGHT._replace(dialect="0.2"), *CLIENTS],
    "titanic": [RIGHT, *TITANICS],
    "titanic_client": [RIGHT, *TITANIC_CLIENTS],
}


def outcome(who: str, mutant: Mutant, folder: Path, **options: Any) -> Outcome:
    """What the suite says of a mutant of the right broker, worker, client or Titanic server."""
    path = folder / f"{who}_{mutant.name}_{mutant.dialect}.py"
    course = who == "broker" and mutant.plain
    text = (COURSE if course else HERE / f"{who}.py").read_text(encoding="utf-8")
    path.write_text(labs.changed(text, mutant.changes), encoding="utf-8")
    start = f"{sys.executable} {path} {{endpoint}}"
    if who == "titanic":
        return _titanic(start, folder / f"kept_by_{mutant.name}" / "store", options)
    if who == "titanic_client":
        line = f"{start} {{service}} {{requests}}"
        return check_titanic_client(line, patience=5.0, strict=True, **options)
    options["dialect"] = mutant.dialect
    spoken = f"--dialect {mutant.dialect}"
    if course:
        return check_broker(Command(f"{start} --interval 0.2 --liveness 5"), **options)
    if who == "broker":
        line = f"{start} --expiry {EXPIRY} {spoken}"
        return check_broker(Command(line), expiry=EXPIRY, **options)
    if who == "worker":
        return check_worker(f"{start} {{service}} {spoken}", heartbeat=0.2, patience=2.0, **options)
    line = f"{start} {{service}} {{requests}} --patience 0.5 {spoken}"
    return check_client(line, patience=5.0, **options)


def _titanic(start: str, store: Path, options: dict[str, Any]) -> Outcome:
    store.mkdir(parents=True)
    broker = Command(f"{sys.executable} {HERE / 'broker.py'} {{endpoint}}")
    try:
        line = f"{start} {store}"
        return check_titanic(
            broker.start(), start=line, folder=store, executes=5.0, returns=5.0, **options
        )
    finally:
        broker.stop()


def faults(mutant: Mutant, found: Outcome) -> list[str]:
    """In which way an outcome is not what the mutant's row says."""
    broken = {n for n, result in found.results.items() if result.verdict == "failed"}
    said = []
    if mutant.rule and mutant not in CHOICES and mutant.rule not in broken:
        said.append(f"{mutant.rule} did not see it")
    if more := sorted(broken - {mutant.rule, *mutant.also}):
        said.append(f"{', '.join(more)} failed, too")
    return said


def main() -> int:
    """Print the matrix."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(chosen.jobs) as pool:
        for who, every in ROWS.items():
            names = chosen.names
            rows = [row for row in every if not names or row.name in names or who in names]
            found = pool.map(lambda row, who=who: outcome(who, row, Path(folder)), rows)
            for row, result in zip(rows, found, strict=True):
                broken = [n for n, one in result.results.items() if one.verdict == "failed"]
                said = faults(row, result)
                wrong += bool(said)
                mark = "!!" if said else "  "
                text = f"{mark} {who:<15}{row.name:<30} {row.rule:<7} {' '.join(broken) or '-'}"
                print(text, f"({result.seconds:.1f} s)", *said, flush=True)
                if row in CHOICES:
                    print(f"{'':51}{result.results[row.rule].evidence}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
