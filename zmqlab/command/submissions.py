"""Grade a folder: find the submissions, judge each in its box, keep what was found, say it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from zmqlab.learn.course import LABS

from .box import Grade, judge

KEPT = ".zmqlab-grades.json"  # in the folder: what was found, so that a second run goes on
TRIES = 3  # for one that is undecided: the machine was busy
ASIDE = {".ipynb_checkpoints", "__pycache__", ".git", "autograded", "feedback", "source", "release"}
NAMED = re.compile(r"(?:^|[^0-9])(?:lab[ _-]?)?(\d{1,2})(?![0-9])", re.IGNORECASE)


class Submission(NamedTuple):
    """A file, and the lab that it is for: "05"; empty if nothing says it."""

    path: Path
    lab: str


def found(folder: Path, lab: str = "") -> list[Submission]:
    """The submissions in a folder: programs and notebooks, in any layout.

    The lab is the given one, or what the nearest of file and folders is called by: 05_broker.py,
    lab05/alice.py, submitted/alice/05_broker/05_broker.ipynb.
    """
    return [
        Submission(path, lab or _lab_of(path.relative_to(folder)))
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".py", ".ipynb")
        and path.is_file()
        and not ASIDE & set(path.relative_to(folder).parts)
    ]


def _lab_of(path: Path) -> str:
    names = {lab.name: number for number, lab in LABS.items()}
    for part in (path.stem, *reversed(path.parts[:-1])):
        for name, number in names.items():
            if name in part:
                return number
    for part in (path.stem, *reversed(path.parts[:-1])):
        numbers = [number.zfill(2) for number in NAMED.findall(part)]
        known = sorted(LABS.keys() & set(numbers))
        if len(known) == 1:
            return known[0]
    return ""


def graded(
    folder: Path,
    submissions: Sequence[Submission],
    *,
    jobs: int,
    limit: float,
    again: bool = False,
    told: Callable[[Submission, Grade], object] = lambda submission, grade: None,
) -> dict[Path, Grade]:
    """The grade of each submission; what was found in an earlier run of the same file stays.

    told: called with each as it is there. limit: seconds for one.
    """
    kept = {} if again else _load(folder)
    grades: dict[Path, Grade] = {}
    marks = {one: _mark(one) for one in submissions}
    waiting = []
    for one in submissions:
        grade = kept.get(marks[one])
        if not one.lab:
            grade = Grade("no lab", "neither its name nor a folder's says which lab it is for")
        if grade is None or grade.verdict in ("undecided", "no report"):
            waiting.append(one)
        else:
            grades[one.path] = grade
            told(one, grade)
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        running = {pool.submit(_judged, one, limit): one for one in waiting}
        try:
            for future in as_completed(running):
                one, grade = running[future], future.result()
                grades[one.path] = kept[marks[one]] = grade
                _save(folder, kept)
                told(one, grade)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return grades


def _judged(one: Submission, limit: float) -> Grade:
    for _ in range(TRIES):
        grade = judge(one.lab, one.path, limit)
        if grade.verdict != "undecided":
            break
    return grade


def _mark(one: Submission) -> str:
    """What a submission is known by: its lab and what stands in it."""
    return f"{one.lab} {hashlib.sha256(one.path.read_bytes()).hexdigest()}"


def _load(folder: Path) -> dict[str, Grade]:
    try:
        kept = json.loads((folder / KEPT).read_text(encoding="utf-8"))
        return {mark: Grade(**grade) for mark, grade in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _save(folder: Path, kept: dict[str, Grade]) -> None:
    part = folder / f"{KEPT}.part"
    part.write_text(json.dumps({mark: asdict(grade) for mark, grade in kept.items()}))
    os.replace(part, folder / KEPT)


# ------------------------------------------------------------------ as files


def rows(
    folder: Path, submissions: Sequence[Submission], grades: dict[Path, Grade]
) -> Iterator[tuple[str, str, str, str, str]]:
    """Each submission's file, lab, verdict, reason in a line, and names to look at."""
    for one in submissions:
        grade = grades[one.path]
        why = " ".join(grade.why.split())
        name = str(one.path.relative_to(folder))
        yield name, one.lab, grade.verdict, why, " ".join(grade.look)


HEADS = ("submission", "lab", "verdict", "why", "look")


def as_csv(table: Sequence[tuple[str, ...]]) -> str:
    """A row a submission."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADS)
    writer.writerows(table)
    return out.getvalue()


def as_json(folder: Path, submissions: Sequence[Submission], grades: dict[Path, Grade]) -> str:
    """All that was found, with every rule."""
    found = [
        {
            "submission": str(one.path.relative_to(folder)),
            "lab": one.lab,
            **asdict(grades[one.path]),
        }
        for one in submissions
    ]
    return json.dumps(found, indent=1) + "\n"


def as_junit(table: Sequence[tuple[str, ...]]) -> str:
    """A case a submission: failed is a failure, undecided is skipped, no verdict an error."""
    counts = Counter(verdict for _, _, verdict, _, _ in table)
    suite = ElementTree.Element(
        "testsuite",
        name="zmqlab grade",
        tests=str(len(table)),
        failures=str(counts["failed"]),
        skipped=str(counts["undecided"]),
        errors=str(len(table) - counts["failed"] - counts["undecided"] - counts["passed"]),
    )
    for name, lab, verdict, why, _ in table:
        case = ElementTree.SubElement(suite, "testcase", classname=f"lab{lab}", name=name)
        kind = {"passed": "", "failed": "failure", "undecided": "skipped"}.get(verdict, "error")
        if kind:
            ElementTree.SubElement(case, kind, message=f"{verdict}: {why}")
    return ElementTree.tostring(suite, encoding="unicode") + "\n"
