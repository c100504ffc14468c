"""What the tests of the checkers share: submissions from files, and the lab's own functions."""

import runpy
from pathlib import Path

import build
from zmqlab.check import Finding, Report

FOLDER = Path(__file__).parent / "submissions"


def submissions(lab: str, prefix: str) -> list[Path]:
    """The files of one lab's submissions that begin so: `pass_` or `fail_`."""
    return sorted((FOLDER / f"lab_{lab}").glob(f"{prefix}*.py"))


def functions(path: Path, *names: str) -> list:
    """The functions of these names that a submission defines."""
    defined = runpy.run_path(str(path))
    return [defined[name] for name in names]


def in_notebook(lab: str, kind: str, *names: str) -> list:
    """The functions of these names as a lab ("lab") or its solution ("solution") defines them."""
    target = next(t for t in build.targets() if t.kind == kind and t.source.name.startswith(lab))
    cells = [cell.source for cell in build.unexecuted(target).cells if cell.cell_type == "code"]
    defined: dict = {}
    exec(cells[0], defined)  # the imports
    for name in names:
        exec(next(source for source in cells if f"def {name}(" in source), defined)
    return [defined[name] for name in names]


def first_failure(report: Report) -> Finding:
    """The first finding that failed."""
    assert report.verdict == "failed", str(report)
    return next(finding for finding in report.findings if finding.verdict == "failed")
