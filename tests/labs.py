"""Submissions by which the checks are tested: right programs, and wrong ones made of them.

tests/submissions/lab_NN/ holds a file for each right program, and wrong.py, the table WRONG of
those that the check must refuse: nearly each is a right one with a line or two changed.
"""

import ast
import contextlib
import functools
import itertools
import linecache
import re
import runpy
import sys
from collections.abc import Callable, Sequence
from inspect import signature
from pathlib import Path
from textwrap import dedent
from unittest import mock

from zmqlab import check
from zmqlab.check import Finding, Report

FOLDER = Path(__file__).parent / "submissions"
DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
LABS = sorted(folder.name.removeprefix("lab_") for folder in FOLDER.glob("lab_*"))


class Wrong:
    """A wrong program, and the rule of the check that must see it.

    name: what it does wrong.
    base: the right program that it is made of; None where it has a file, wrong_<name>.py.
    rule: how the title begins of the rule that fails first; a tuple where it may be either.
    changes: (what, by what). `what` stands once in the base. Both are written from the margin:
        they get the indentation of the line in which `what` begins.
    also: how further rules begin that must fail. Others may fail, too, unless `only`.
    says: what stands in the report.
    limit: seconds that the check allows, where its own LIMIT is long.
    play: where the whole check takes long: its one scenario that sees it (the module's `alone`).
    """

    def __init__(
        self,
        name: str,
        base: str | None,
        rule: str | tuple[str, ...],
        *changes: tuple[str, str],
        also: tuple[str, ...] = (),
        only: bool = False,
        says: tuple[str, ...] = (),
        limit: float | None = None,
        play: str = "",
    ) -> None:
        self.name, self.base, self.rule, self.changes = name, base, rule, changes
        self.also, self.only, self.says, self.limit = also, only, says, limit
        self.play = play

    def faults(self, report: Report) -> list[str]:
        """What a report lacks that should have refused this program for its rule."""
        if report.verdict != "failed":
            return [f"it {report.verdict}" if report.verdict == "passed" else "it is undecided"]
        failed = [finding.rule for finding in report.findings if finding.verdict == "failed"]
        found = []
        if not failed[0].startswith(self.rule):
            found.append(f"the rule that failed first is {failed[0]!r}, not {self.rule!r}")
        found += [
            f"no failed rule begins {rule!r}"
            for rule in self.also
            if not any(title.startswith(rule) for title in failed)
        ]
        if self.only:
            known = (*((self.rule,) if isinstance(self.rule, str) else self.rule), *self.also)
            found += [f"{t!r} failed, too" for t in failed if not t.startswith(known)]
        return found + [f"the report does not say {t!r}" for t in self.says if t not in str(report)]


def right(lab: str) -> list[str]:
    """The names of a lab's right programs."""
    paths = (FOLDER / f"lab_{lab}").glob("*.py")
    return sorted(path.stem for path in paths if not path.stem.startswith("wrong"))


@functools.cache
def wrong(lab: str) -> dict[str, Wrong]:
    """A lab's wrong programs, by name."""
    table: list[Wrong] = runpy.run_path(str(FOLDER / f"lab_{lab}" / "wrong.py"))["WRONG"]
    rows = {row.name: row for row in table}
    names = [row.name for row in table] + right(lab)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"lab_{lab}: two programs are called {' and '.join(twice)}")
    return rows


def program(lab: str, name: str) -> tuple[str, Path]:
    """The text of a program, right or wrong, and the file that it stands in or would stand in."""
    folder = FOLDER / f"lab_{lab}"
    row = wrong(lab).get(name)
    if row is None or row.base is None:
        path = folder / f"{name if row is None else f'wrong_{name}'}.py"
        return path.read_text(encoding="utf-8"), path
    text = (folder / f"{row.base}.py").read_text(encoding="utf-8")
    try:
        return changed(text, row.changes), folder / f"wrong_{name}.py"
    except ValueError as error:
        raise ValueError(f"lab_{lab}/wrong.py, {name}, made of {row.base}: {error}") from None


def changed(text: str, changes: Sequence[tuple[str, str]]) -> str:
    """A text with places of it changed; what is put in gets the indentation of the place."""
    places = sorted((*_place(text, _lines(what)), _lines(by_what)) for what, by_what in changes)
    for (_, end, _), (start, _, _) in itertools.pairwise(places):
        if start < end:
            raise ValueError(f"two changes meet at {text[start:end]!r}")
    for start, end, by_what in reversed(places):
        line = text[text.rfind("\n", 0, start) + 1 : start]
        indentation = line[: len(line) - len(line.lstrip())]
        text = text[:start] + by_what.replace("\n", "\n" + indentation) + text[end:]
    return text


def _lines(block: str) -> str:
    """One line as it is; the lines of a block from its own margin."""
    return dedent(block).strip("\n") if "\n" in block else block


def _place(text: str, what: str) -> tuple[int, int]:
    """From where to where the lines of `what` stand in a text, at any indentation."""
    found = list(re.finditer(re.escape(what).replace("\\\n", "\n *"), text))
    if len(found) != 1:
        raise ValueError(f"{what!r} stands {len(found)} times in it, and must stand once")
    return found[0].span()


def functions(lab: str, name: str) -> list:
    """The functions of a program that the lab's check takes. Its lines can be shown."""
    text, path = program(lab, name)
    linecache.cache[str(path)] = len(text), None, text.splitlines(keepends=True), str(path)
    defined: dict = {"__name__": name}
    exec(compile(text, path, "exec"), defined)
    return [defined[function] for function in signature(check_of(lab)).parameters]


def check_of(lab: str) -> Callable[..., Report]:
    """The check of a lab."""
    checks: Callable[..., Report] = getattr(check, f"lab{lab}")
    return checks


def judge(lab: str, name: str, *, whole: bool = True) -> Report:
    """What the lab's check says of a program; not whole: of the play alone that its row names."""
    judged, row = check_of(lab), wrong(lab).get(name)
    if row is not None and row.play and not whole:
        alone: Callable[..., Report] = sys.modules[judged.__module__].alone(row.play)
        return alone(*functions(lab, name))
    if row is None or row.limit is None:
        return judged(*functions(lab, name))
    with mock.patch.object(sys.modules[judged.__module__], "LIMIT", row.limit):
        return judged(*functions(lab, name))


def in_notebook(lab: str, kind: str, *names: str) -> list:
    """The functions of these names as a lab ("lab") or its solution ("solution") defines them."""
    import build  # with all of jupytext, which nothing else here needs

    target = next(t for t in build.targets() if t.kind == kind and t.source.name.startswith(lab))
    cells = [cell.source for cell in build.unexecuted(target).cells if cell.cell_type == "code"]
    defined: dict = {}
    exec(cells[0], defined)  # the imports
    for name in names:
        exec(next(source for source in cells if f"def {name}(" in source), defined)
    return [defined[name] for name in names]


def in_lesson(number: str) -> dict:
    """What the cells of a lesson import and define, without a run of it.

    Of its statements are done imports, functions, and what is assigned without a call.
    """
    import build

    target = next(
        t for t in build.targets() if t.kind == "lesson" and t.source.name.startswith(number)
    )
    cells = [cell.source for cell in build.unexecuted(target).cells if cell.cell_type == "code"]
    defined: dict = {"__name__": target.source.stem}
    for line in (line for source in cells for line in ast.parse(source).body):
        calls = any(isinstance(node, ast.Call) for node in ast.walk(line))
        if isinstance(line, DEFINES) or (isinstance(line, ast.Assign) and not calls):
            with contextlib.suppress(NameError, LookupError):  # of what comes from a run
                exec(compile(ast.Module([line], []), str(target.source), "exec"), defined)
    return defined


def first_failure(report: Report) -> Finding:
    """The first finding that failed."""
    assert report.verdict == "failed", str(report)
    return next(finding for finding in report.findings if finding.verdict == "failed")
