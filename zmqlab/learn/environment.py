"""Whether the Python of this kernel has what the course needs, and what to run if it has not.

This module runs where something is missing or old: it imports the standard library and
`packaging`, which every Jupyter kernel brings along, and nothing else of the course.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

PYTHON = (3, 11)
COURSE = Path(__file__).resolve().parents[2]
REQUIREMENTS = COURSE / "requirements.txt"


class NotReady(Exception):
    """Something that the course needs is not here; the message says what, and how to repair it."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows for it: the message alone."""
        return [str(self)]


def needed(text: str) -> list[Requirement]:
    """The requirements in a requirements file, comments and options left out."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def installed(package: str) -> str | None:
    """The version of a package in this kernel's Python, None if it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def importable(package: str) -> bool:
    """Whether a notebook finds this package that does not look for it in the folders above."""
    places = [place for place in sys.path if not place.startswith("..")]
    return any(finder.find_spec(package, places) for finder in sys.meta_path)


def unmet(
    requirements: Iterable[Requirement], version: Callable[[str], str | None] = installed
) -> list[str]:
    """A line for each requirement that is not met."""
    lines = []
    for requirement in requirements:
        found = version(requirement.name)
        if found is None:
            lines.append(f"{requirement.name} is missing; needed: {requirement}")
        elif not requirement.specifier.contains(found, prereleases=True):
            lines.append(f"{requirement.name} is {found}; needed: {requirement}")
    return lines


def check(file: Path = REQUIREMENTS, python: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Say that all is here, or raise NotReady with the command that repairs what is not."""
    if python < PYTHON:
        raise NotReady(
            f"This kernel runs Python {'.'.join(map(str, python))}; the course needs "
            f"{'.'.join(map(str, PYTHON))} or newer.\n"
            "Repair: run  make lab  in the course's folder; it finds or asks for a newer Python."
        )
    requirements = needed(file.read_text(encoding="utf-8"))
    lines = unmet(requirements)
    if not importable("zmqlab"):
        lines.append("zmqlab, the course's own package, is not installed")
    if lines:  # the package brings its requirements along, from whichever folder this is run
        command = shlex.join([sys.executable, "-m", "pip", "install", "-e", str(COURSE)])
        raise NotReady(
            "\n".join(lines) + "\nRepair: run this in a terminal, then restart the kernel "
            f"(menu Kernel, Restart):\n  {command}"
        )
    print(f"Ready: Python and the {len(requirements)} packages that the course needs are here.")
