"""What the learner has done: which labs have passed and when, in one small file of theirs.

The file is `progress.json` in the course's own folder, beside `labs/` and `notebooks/`:

    {"labs": {"01": "2026-11-03T12:34:56+01:00"}}

Two kernels may write it at once. What this version does not know in it is kept. A file that
cannot be read is moved aside and said so, never overwritten.
"""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from .course import COURSE, Chapter, Part
from .mine import MINE

if sys.platform != "win32":
    import fcntl

FILE = "progress.json"
HOME = Path(__file__).resolve().parents[2]  # the course's folder, where the package stands in it
# Another file instead; empty for none at all, as when the notebooks of the course are built.
ELSEWHERE = "ZMQLAB_PROGRESS"
at_terminal = False  # the command `zmqlab` checks a file: there is no notebook


# ------------------------------------------------------------------ the file


@dataclass
class Progress:
    """Which labs have passed and when, and what has to be said about the file."""

    labs: dict[str, datetime] = field(default_factory=dict)  # "01" → its first pass
    notice: str = ""


def notebook() -> Path | None:
    """The notebook that this kernel runs, where its front end says so; it need not be saved."""
    shell = sys.modules.get("IPython")
    kernel = shell.get_ipython() if shell else None
    said = getattr(kernel, "user_ns", {}).get("__vsc_ipynb_file__")  # by VS Code
    said = str(said or os.environ.get("JPY_SESSION_NAME", ""))  # by Jupyter's server
    return Path(said) if said.endswith(".ipynb") else None


def folder() -> Path:
    """The folder of this kernel's notebook; where that is not known, the one it works in."""
    known = notebook()
    return known.parent if known else Path.cwd()


def root() -> Path | None:
    """The course's folder: around this kernel's notebook, else around this package; or None.

    The learner's copy goes before the course that it was copied from.
    """
    here = folder()
    for place in (here.parent, here, HOME / MINE, HOME):
        if (place / "notebooks").is_dir() and (place / "labs").is_dir():
            return place
    return None


def file() -> Path | None:
    """Where progress is kept, a link followed; None where there is nothing to keep it in."""
    elsewhere = os.environ.get(ELSEWHERE)
    if elsewhere is not None:
        return Path(os.path.realpath(elsewhere)) if elsewhere else None
    place = root()
    return None if place is None else Path(os.path.realpath(place / FILE))


def load() -> Progress:
    """What has passed so far. A damaged file is moved aside; `notice` then says where to."""
    path = file()
    if path is None:
        return Progress()
    try:
        with _locked(path):
            content, notice = _read(path)
    except OSError as error:
        return Progress(notice=f"{path.name} cannot be read: {error.strerror}. It is left alone.")
    return Progress({name: _when(text) for name, text in content["labs"].items()}, notice)


def record(lab: str) -> str:
    """Note that a lab ("lab01", "01", "01_share_out") passes, the first time that it does.

    Solutions and lessons are nobody's labs: what passes there is not noted. What has to be said
    of it: that the pass could not be noted, and why, or that the file was damaged; else "".
    """
    here = folder().name
    if os.environ.get(ELSEWHERE) == "" or here in ("solutions", "notebooks"):
        return ""
    if here != "labs" and notebook() is None and not at_terminal:
        return (
            "This pass was not noted: nothing says which notebook this is, and it runs in the "
            f"folder {here or 'at the root'}, not in labs. Open the lab from the course's folder."
        )
    path = file()
    if path is None:
        return "This pass was not noted: there is no course around this notebook to note it in."
    number = "".join(re.findall(r"\d+", lab)[:1]).zfill(2)
    try:
        with _locked(path):
            content, notice = _read(path)
            content["labs"].setdefault(number, _now().isoformat(timespec="seconds"))
            _write(path, content)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        return f"This pass could not be noted in {path.name}: {reason}."
    return notice


def next_hint(number: str, most: int) -> int:
    """Which hint of a lab comes next, from 1, as they were asked for one by one; at last `most`.

    Where there is nothing to keep that in, or it cannot be written, it is the first.
    """
    path = file()
    if path is None:
        return 1
    try:
        with _locked(path):
            content, _ = _read(path)
            given = content.setdefault("hints", {})
            given[number] = now = min(int(given.get(number, 0)) + 1, most)
            _write(path, content)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return 1
    return now


def _now() -> datetime:
    return datetime.now().astimezone()


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _read(path: Path) -> tuple[dict[str, Any], str]:
    """The file's content, with at least an empty "labs"; and a notice if it was moved aside."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {"labs": {}}, ""
    try:
        content = json.loads(text)
        content.setdefault("labs", {})
        for when in content["labs"].values():
            _when(when)
    except (ValueError, AttributeError, TypeError, RecursionError):
        aside = _free_name(path)
        path.rename(aside)
        return {"labs": {}}, (
            f"{path.name} was damaged. It was set aside as {aside.name}, and a new one begun; "
            "a lab that you run again and that passes is noted again."
        )
    return content, ""


def _free_name(path: Path) -> Path:
    """A name for a damaged file that no other file has: today's date, and a number if need be."""
    stem = f"{path.stem}.damaged-{_now():%Y-%m-%d}"
    aside, number = path.with_name(f"{stem}.json"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{stem}-{number}.json")
    return aside


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace the file in one step: whoever reads it sees the old one or the new one, whole."""
    name = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        # A lone surrogate is no UTF-8; as an escape it stays what it was.
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as new:
            new.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
            new.flush()
            os.fsync(new.fileno())
        with contextlib.suppress(FileNotFoundError):  # there was none
            os.chmod(name, stat.S_IMODE(path.stat().st_mode))
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other kernels out between reading and writing, by a lock on the file's folder.

    It leaves nothing behind and ends with the process that holds it. Where there is no such lock
    (Windows, some network folders) the last of two simultaneous writers wins.
    """
    if sys.platform == "win32":
        yield
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


# ------------------------------------------------------------------ the map


@dataclass(frozen=True)
class Map:
    """The lessons with their questions, the labs with their state, and what to do next."""

    course: tuple[Chapter, ...]
    progress: Progress

    @property
    def next(self) -> Chapter | None:
        """The first chapter whose lab has not passed; None when all have."""
        return next(
            (c for c in self.course if c.has_lab and c.number not in self.progress.labs), None
        )

    def state(self, chapter: Chapter) -> str:
        """Where the learner is with this chapter's lab, in words and with a mark."""
        if not chapter.has_lab:
            return "no lab"
        when = self.progress.labs.get(chapter.number)
        return "○ to do" if when is None else f"✓ passed {when:%Y-%m-%d}"

    def parts(self) -> Iterator[tuple[Part, Iterator[Chapter]]]:
        """The parts of the course, each with its chapters."""
        return groupby(self.course, key=lambda chapter: chapter.part)

    def __str__(self) -> str:
        lines = [self.progress.notice, ""] if self.progress.notice else []
        for part, chapters in self.parts():
            lines.append(part.title)
            lines += [
                f"  {c.number}  {c.title:32}{c.question:50}{self.state(c)}".rstrip()
                for c in chapters
            ]
        chapter = self.next
        if chapter is None:
            lines.append("Next: nothing is left to do. Change a worked solution and break it.")
        else:
            lines.append(f"Next: lesson {chapter.number}, {chapter.title}; then its lab.")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        notice = self.progress.notice
        rows = "".join(
            '<tr><th colspan="3" scope="rowgroup" style="text-align:left">'
            f"{_html(part.title)}</th></tr>" + "".join(self._row(chapter) for chapter in chapters)
            for part, chapters in self.parts()
        )
        return (
            (f"<p><strong>Notice.</strong> {_html(notice)}</p>" if notice else "")
            + '<table><thead><tr><th style="text-align:left" scope="col">Lesson</th>'
            '<th style="text-align:left" scope="col">Its question</th>'
            '<th style="text-align:left" scope="col">Your lab</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>{self._what_next()}"
        )

    def _row(self, chapter: Chapter) -> str:
        state = self.state(chapter)
        if chapter.has_lab:
            state = _link("labs", chapter, f"Lab {chapter.number}") + f" {state}"
        lesson = f"{chapter.number} " + _link("notebooks", chapter, chapter.title)
        cells = [lesson, _html(chapter.question), state]
        here = ' style="font-weight:bold"' if chapter == self.next else ""
        shown = "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells)
        return f"<tr{here}>{shown}</tr>"

    def _what_next(self) -> str:
        chapter = self.next
        if chapter is None:
            return "<p><strong>All labs pass.</strong> Change a worked solution and break it.</p>"
        lesson = _link("notebooks", chapter, f"lesson {chapter.number}, {chapter.title}")
        return f"<p><strong>Next:</strong> {lesson}; then its {_link('labs', chapter, 'lab')}.</p>"


def _html(text: str) -> str:
    return html.escape(text, quote=False)


def _link(folder: str, chapter: Chapter, text: str) -> str:
    """A link that works from any notebook of the course."""
    return f'<a href="../{folder}/{chapter.name}.ipynb">{_html(text)}</a>'


def map() -> Map:
    """The map of the course with the learner's progress."""
    return Map(COURSE, load())
