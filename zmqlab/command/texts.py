"""A lab as text for an editor: its contract, its hole, and the ladder of its hints."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from textwrap import wrap
from typing import Any

from zmqlab.learn.course import Chapter

COURSE = Path(__file__).resolve().parents[2]
HINT = re.compile(
    r"<details><summary>Hint(?: \d+)?(?:: ([^<]*))?</summary>\s*(.*?)\s*</details>", re.DOTALL
)
WIDTH = 96
LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


class NoCourse(Exception):
    """The labs' texts are not beside this package."""


def cells(lab: Chapter) -> list[dict[str, Any]]:
    """The cells of a lab as it is given out. NoCourse: it is not there."""
    path = COURSE / "labs" / f"{lab.name}.ipynb"
    try:
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return found
    except FileNotFoundError as error:
        raise NoCourse(
            f"{path} is not there: the labs come with the course, not with the package alone. "
            "Clone the course, and run this command from its environment."
        ) from error


def source(cell: dict[str, Any]) -> str:
    """The text of a cell."""
    return "".join(cell["source"])


def hints(lab: Chapter) -> list[str]:
    """The ladder, from question to pointer."""
    return [
        LINK.sub(r"\1", f"{title}\n\n{text}" if title else text)
        for cell in cells(lab)
        for title, text in HINT.findall(source(cell))
    ]


def program(lab: Chapter, name: str) -> str:
    """The lab as a Python program: text as comments, what it shows, and the holes.

    It ends with the last hole; what a notebook does then is `zmqlab check`. name: the file's.
    """
    all_cells = cells(lab)
    holes = [n for n, cell in enumerate(all_cells) if _is_hole(cell, lab)]
    kept = all_cells[: holes[-1] + 1]
    code = [source(cell) for cell in kept if cell["cell_type"] == "code"]
    used = {
        node.id
        for text in code
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and not _is_experiment(text)
    }
    told = [
        f"# Check it, as often as you like:  zmqlab check {lab.number} {name}\n"
        f"# Stuck?                           zmqlab hint {lab.number}\n"
    ]
    imports: list[str] = []
    for cell in kept:
        text = source(cell)
        if cell["cell_type"] == "markdown":
            told.append(_as_comment(text))
        elif not _is_experiment(text):
            body = []
            for statement in ast.parse(text).body:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    imports += _imports(statement, used)
                else:
                    body.append(statement)
            if body:
                told.append("\n" + _from(text, body[0]).rstrip() + "\n")
    told.insert(2, "\n".join(imports) + "\n")  # behind what the lab is about
    return "\n".join(told).rstrip() + "\n"


def _is_hole(cell: dict[str, Any], lab: Chapter) -> bool:
    return cell["cell_type"] == "code" and any(
        isinstance(statement, ast.FunctionDef) and statement.name in lab.functions
        for statement in ast.parse(source(cell)).body
    )


def _is_experiment(text: str) -> bool:
    """Whether a cell does something in place of defining something."""
    return not any(
        isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
        for statement in ast.parse(text).body
    )


def _imports(statement: ast.Import | ast.ImportFrom, used: set[str]) -> list[str]:
    names = [a for a in statement.names if (a.asname or a.name).partition(".")[0] in used]
    if not names:
        return []
    statement.names = names
    return [ast.unparse(statement)]


def _from(text: str, statement: ast.stmt) -> str:
    """A cell's text from a statement on, decorators included."""
    decorators = getattr(statement, "decorator_list", [])
    line = min([statement.lineno, *(one.lineno for one in decorators)])
    return "\n".join(text.splitlines()[line - 1 :])


def _as_comment(text: str) -> str:
    """Markdown as comment lines; links by their words, hints left to `zmqlab hint`."""
    lines: list[str] = []
    for line in LINK.sub(r"\1", HINT.sub("", text)).strip().splitlines():
        if line.startswith("#"):
            lines.append(f"---- {line.lstrip('# ')} ----")
        else:
            lines += wrap(line, WIDTH) if line and not line.startswith("|") else [line]
    return "\n".join(f"# {line}".rstrip() for line in lines) + "\n"
