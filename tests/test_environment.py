import os
import subprocess
import sys
import tomllib
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from zmqlab.learn import environment
from zmqlab.learn.environment import NotReady, check, needed, unmet

ROOT = Path(__file__).parent.parent


def test_it_reads_what_the_course_needs():
    text = "# what a learner needs\n-e .\npyzmq>=26.4,<28  # sockets\n\nnbval>=0.11\n"
    assert [r.name for r in needed(text)] == ["pyzmq", "nbval"]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (None, "pyzmq is missing; needed: pyzmq<28,>=26.4"),
        ("25.1.2", "pyzmq is 25.1.2; needed: pyzmq<28,>=26.4"),
        ("28.0.0", "pyzmq is 28.0.0; needed: pyzmq<28,>=26.4"),
    ],
)
def test_what_is_missing_or_out_of_range_is_named(found, line):
    assert unmet([Requirement("pyzmq>=26.4,<28")], lambda _name: found) == [line]


@pytest.mark.parametrize("found", ["26.4", "26.4.0", "27.1.0", "27.2.0b1"])
def test_what_is_in_range_is_not(found):
    assert unmet([Requirement("pyzmq>=26.4,<28")], lambda _name: found) == []


def test_here_all_is_ready(capsys):
    check()
    assert capsys.readouterr().out.startswith("Ready: Python and the ")


def test_what_is_missing_comes_with_the_command_that_repairs_it(tmp_path):
    file = tmp_path / "its requirements.txt"
    file.write_text("a-package-that-nobody-wrote>=1\n")
    with pytest.raises(NotReady) as caught:
        check(file)
    what, _how, command = str(caught.value).splitlines()
    assert what == "a-package-that-nobody-wrote is missing; needed: a-package-that-nobody-wrote>=1"
    assert command.strip() == f"{sys.executable} -m pip install -e {environment.COURSE}"


def test_the_courses_own_package_is_missing_where_only_lesson_00_finds_it(tmp_path, monkeypatch):
    """It looks in the folders above, the others do not: where all else is there, it is missing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [PathFinder])  # as if nothing of it were installed
    monkeypatch.setattr(sys, "path", ["..", os.path.relpath(ROOT)])
    assert not environment.importable("zmqlab")
    monkeypatch.setattr(sys, "path", ["..", str(ROOT)])
    assert environment.importable("zmqlab")


def test_without_the_courses_own_package_nothing_is_ready(monkeypatch):
    monkeypatch.setattr(environment, "importable", lambda _package: False)
    with pytest.raises(NotReady, match="zmqlab, the course's own package, is not installed\n"):
        check()


def test_an_old_python_is_named():
    with pytest.raises(NotReady, match=r"runs Python 3\.9; the course needs 3\.11 or newer"):
        check(python=(3, 9))


def test_the_notebook_shows_the_message_without_a_traceback():
    assert NotReady("do this")._render_traceback_() == ["do this"]


def test_it_asks_for_the_python_that_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={'.'.join(map(str, environment.PYTHON))}"


@pytest.mark.slow
def test_it_needs_nothing_that_may_be_missing():
    code = (
        "import sys; before = set(sys.modules); import zmqlab.learn.environment; "
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}"
        " - sys.stdlib_module_names))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "['packaging', 'zmqlab']"
