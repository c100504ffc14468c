"""The learner's own copy of the course: `mine/`, where notebooks are run and written in.

    python -m zmqlab.learn.mine                 make it, or bring it up to date
    python -m zmqlab.learn.mine --reset 05      lesson and lab 05 as they were at first

The notebooks of the course keep their outputs, for reading. In the copy of lessons and labs they
are cleared, so that a prediction comes before its answer. A new version of the course replaces
what the learner has not touched; what the learner has changed stays, and the new one is laid
beside it. To have run a notebook is no change.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COURSE = Path(__file__).resolve().parents[2]
MINE = "mine"  # git ignores it
GIVEN = ".given.json"  # in it: what each notebook was when it was given out, as `fingerprint` says
ALONGSIDE = ("GLOSSARY.md", "LICENSE")  # the notebooks link to them, or come under them
SETTINGS = {  # JupyterLab's own, for whoever works in this environment
    "@jupyter-widgets/jupyterlab-manager:plugin": {"saveState": True},  # sliders survive a restart
    "@jupyterlab/notebook-extension:tracker": {"kernelShutdown": True},  # a closed tab is at rest
}

Notebook = dict[str, Any]


def fingerprint(notebook: Notebook) -> str:
    """What a learner can have changed, in short: kinds and texts of the cells, no outputs."""
    cells = [[cell["cell_type"], "".join(cell["source"])] for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def update(course: Path = COURSE, mine: Path | None = None) -> list[str]:
    """Make the copy, or bring it up to date. Returns a line for each notebook that was kept back.

    OSError: the folder cannot be written.
    """
    mine = mine or course / MINE
    mine.mkdir(exist_ok=True)
    given = _given(mine)
    said, now = [], {}
    for name, notebook in _notebooks(course):
        print_of_new, own = fingerprint(notebook), mine / name
        print_of_own = _fingerprint_of(own)
        if print_of_own in (None, given.get(name)):  # not there, or as it was given
            if print_of_own != print_of_new:
                _write(own, notebook)
        elif print_of_own != print_of_new and given.get(name) != print_of_new:
            beside = own.with_suffix(".new.ipynb")
            _write(beside, notebook)
            said.append(f"{name}: yours is as you left it; the new one is {beside.name} beside it")
        now[name] = print_of_new
    for name in given.keys() - now.keys():
        said += _retire(mine / name, given[name], name)
    for name in ALONGSIDE:
        if (course / name).exists():
            shutil.copyfile(course / name, mine / name)
    _keep_progress(course, mine)
    _write_text(mine / GIVEN, json.dumps(now, indent=1, sort_keys=True))
    return said


def reset(part: str, course: Path = COURSE, mine: Path | None = None) -> list[str]:
    """Give out anew what has this in its name ("05", "labs/05"); what was there is set aside.

    Returns a line for each notebook. ValueError: nothing has this name.
    """
    mine = mine or course / MINE
    chosen = [(name, notebook) for name, notebook in _notebooks(course) if part in name]
    if not part or not chosen:
        raise ValueError(f"no notebook has {part!r} in its name; try 05, or labs/05")
    said, given = [], _given(mine)
    for name, notebook in chosen:
        own = mine / name
        changed = _fingerprint_of(own) not in (None, fingerprint(notebook))
        if changed:
            own.rename(aside := free(own.with_suffix(".old.ipynb")))
        _write(own, notebook)
        given[name] = fingerprint(notebook)
        said.append(f"{name}: as at first" + (f"; yours is {aside.name}" if changed else ""))
    _write_text(mine / GIVEN, json.dumps(given, indent=1, sort_keys=True))
    return said


def settle(prefix: Path | None = None) -> None:
    """Write the settings of JupyterLab that the course needs into this environment.

    What others have set there stays. (JupyterLab's overrides.json, in its settings directory.)
    """
    path = (prefix or Path(sys.prefix)) / "share/jupyter/lab/settings/overrides.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = {}
    if any(settings.get(name) != values for name, values in SETTINGS.items()):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_text(path, json.dumps(settings | SETTINGS, indent=1))


# ------------------------------------------------------------------ files


def _notebooks(course: Path) -> Iterator[tuple[str, Notebook]]:
    """The name of each notebook in the course, and what a learner is given for it."""
    for folder in ("notebooks", "labs", "solutions"):
        for path in sorted((course / folder).glob("*.ipynb")):
            notebook = json.loads(path.read_text(encoding="utf-8"))
            for cell in notebook["cells"] if folder != "solutions" else ():
                if cell["cell_type"] == "code":
                    cell["outputs"], cell["execution_count"] = [], None
            yield f"{folder}/{path.name}", notebook


def _fingerprint_of(path: Path) -> str | None:
    """The fingerprint of a file, None if there is none; of what is no notebook, another's."""
    try:
        return fingerprint(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        return "no notebook"


def _given(mine: Path) -> dict[str, str]:
    try:
        given: dict[str, str] = json.loads((mine / GIVEN).read_text(encoding="utf-8"))
        return given
    except (FileNotFoundError, ValueError):
        return {}  # then all that differs counts as changed by the learner


def _retire(own: Path, given: str, name: str) -> list[str]:
    """Take away what the course has no more, unless the learner has changed it."""
    if _fingerprint_of(own) == given:
        own.unlink()
        return []
    return [f"{name}: the course has it no more; yours is left"] if own.exists() else []


def _keep_progress(course: Path, mine: Path) -> None:
    """Take over the progress that was kept in the course's folder before there was a copy."""
    old, new = course / "progress.json", mine / "progress.json"
    if old.exists() and not new.exists():
        old.rename(new)


def free(path: Path) -> Path:
    """The same path, or one with a number, so that nothing is written over."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_suffix(f".{number}{path.suffix}")
    return free


def _write(path: Path, notebook: Notebook) -> None:
    _write_text(path, json.dumps(notebook, indent=1, ensure_ascii=False))


def _write_text(path: Path, text: str) -> None:
    """Write a file in one step: whoever reads it sees the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text + "\n", encoding="utf-8")
    os.replace(part, path)


def main() -> None:
    """The command: see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m zmqlab.learn.mine", description=__doc__)
    parser.add_argument("--reset", metavar="NAME", help="give out these notebooks anew")
    asked = parser.parse_args()
    settle()
    said = update()
    if asked.reset is not None:
        try:
            said += reset(asked.reset)
        except ValueError as error:
            parser.error(str(error))
    for line in said:
        print(line)


if __name__ == "__main__":
    main()
