"""Build the notebooks from their sources.

    python authoring/build.py [--check] [--force] [NAME ...]

    authoring/lessons/NN_x.py  ->  notebooks/NN_x.ipynb   executed
    authoring/labs/NN_x.py     ->  solutions/NN_x.ipynb   executed, holes filled and marked
                                   labs/NN_x.ipynb        holes empty, no outputs

Sources are jupytext's percent format. A hole is the code between `### BEGIN SOLUTION` and
`### END SOLUTION`, inside a function. The solution keeps both marks and says in its cell's
metadata that it holds a solution: that is what nbgrader asks of a notebook that it is to cut.
A cell tagged `solution-only` is left out of labs/.

Only what changed is executed. A notebook carries the hash of its source, and is up to date when
that hash, its cells and its metadata are what the source gives; outputs are nbval's business.
NAME is any part of a source's path: `01`, `lessons/01`, `share_out`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python authoring/build.py"
SECONDS_PER_CELL = 120

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
SOLUTION_ONLY = "solution-only"
TAGS = {
    SOLUTION_ONLY,
    "raises-exception",
    "nbval-ignore-output",
    "nbval-check-output",
    "nbval-raises-exception",
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# What the first cell has for a Python without the course: there it ends in an error, and lesson 00
# is the one that runs all the same.
ELSEWHERE = (
    '# "No module named …"? The first cell of lesson 00 says what is missing and how to get it.'
)
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}
MACHINE_PATH = re.compile(
    r"(?<![\w.:/-])(?:/(?:home|root|tmp|Users|private|var|mnt)/|[A-Z]:\\\\)\w"
)
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
LIBRARY_FRAME = re.compile(r"File \S*(?:/lib/python3|site-packages)")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class BuildError(Exception):
    """A source that cannot become a notebook; the message says where and why."""


@dataclass(frozen=True)
class Target:
    """One notebook to build: where its text is, where it goes, and as what."""

    source: Path
    notebook: Path
    kind: str  # "lesson" | "lab" | "solution"

    @property
    def executed(self) -> bool:
        """Whether the notebook is kept with its outputs."""
        return self.kind != "lab"


def targets(root: Path = ROOT) -> list[Target]:
    """Every notebook that the sources under `root` give, in order of name."""
    found = []
    for source in sorted((root / "authoring" / "lessons").glob("*.py")):
        found.append(Target(source, root / "notebooks" / f"{source.stem}.ipynb", "lesson"))
    for source in sorted((root / "authoring" / "labs").glob("*.py")):
        found.append(Target(source, root / "labs" / f"{source.stem}.ipynb", "lab"))
        found.append(Target(source, root / "solutions" / f"{source.stem}.ipynb", "solution"))
    return found


# From source to notebook


def unexecuted(target: Target) -> NotebookNode:
    """The notebook as the source gives it, without outputs."""
    text = target.source.read_text(encoding="utf-8")
    notebook = new_notebook(cells=list(cells(text, target)))
    notebook.metadata = fixed_metadata(target, text)
    return notebook


def fixed_metadata(target: Target, text: str) -> NotebookNode:
    """The same metadata on every machine, and the hash that tells what the notebook came from."""
    source = f"authoring/{target.source.parent.name}/{target.source.name}"
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    built: dict[str, Any] = {"source": source, "sha256": sha256}
    return nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": LANGUAGE, "zmqlab": built},
    )


def cells(text: str, target: Target) -> Iterator[NotebookNode]:
    """The cells of a source as this kind of notebook has them, with stable ids."""
    seen: dict[str, int] = {}
    every = jupytext.reads(text, fmt="py:percent").cells
    first = next((cell for cell in every if cell.cell_type == "code"), None)
    for cell in every:
        tags = set(cell.metadata.get("tags", []))
        if unknown := tags - TAGS:
            raise BuildError(f"{target.source.name}: unknown tag {', '.join(sorted(unknown))}")
        if target.kind == "lab" and SOLUTION_ONLY in tags:
            continue
        code = cell.cell_type == "code"
        holes = code and (BEGIN in cell.source or END in cell.source)
        source = cell.source
        if cell is first and "from zmqlab" in source and "environment.check()" not in source:
            source = f"{ELSEWHERE}\n{source}"
        if holes:
            cut = with_holes(source, target.source.name)
            source = cut if target.kind == "lab" else source
        metadata: dict[str, Any] = {}
        if kept := sorted(tags - {SOLUTION_ONLY}):
            metadata["tags"] = kept
        identity = stable_id(cell.cell_type, source, seen)
        if target.kind == "solution" and (holes or SOLUTION_ONLY in tags):
            metadata["nbgrader"] = solution_cell(identity, graded=not holes)
        new_cell = new_code_cell if code else new_markdown_cell
        yield new_cell(source, id=identity, metadata=metadata)


def stable_id(kind: str, source: str, seen: dict[str, int]) -> str:
    """An id that follows from the content; the second cell of the same content is number 2."""
    digest = hashlib.sha256(f"{kind}\n{source}".encode()).hexdigest()[:12]
    seen[digest] = seen.get(digest, 0) + 1
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def solution_cell(identity: str, *, graded: bool) -> dict[str, Any]:
    """What nbgrader asks of a cell that holds a solution to cut (its schema, version 3).

    Where a mark says what to cut, the code is judged by the check after it. A whole cell that
    is left out is an answer that a person reads: `graded`, for no points unless a teacher says.
    """
    cell = {
        "grade": graded,
        "grade_id": f"{'answer' if graded else 'hole'}-{identity}",
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }
    return cell | {"points": 0} if graded else cell


def with_holes(source: str, name: str) -> str:
    """The code with each solution replaced by a line that raises NotImplementedError."""
    kept: list[str] = []
    inside = False
    function = ""
    for line in source.splitlines():
        if defined := re.match(r"\s*(?:async\s+)?def\s+(\w+)", line):
            function = function if inside else defined[1]
        if BEGIN in line:
            indent = line[: len(line) - len(line.lstrip())]
            if inside or not indent or not function:
                raise BuildError(f"{name}: a solution begins inside another or outside a function")
            inside = True
            kept.append(f'{indent}raise NotImplementedError("{unfilled(function)}")')
        elif END in line:
            if not inside:
                raise BuildError(f"{name}: {END} without {BEGIN}")
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise BuildError(f"{name}: {BEGIN} without {END}")
    return "\n".join(kept)


def unfilled(function: str) -> str:
    """What a hole says when it is called."""
    return f"{function} is yours to write: replace this line with your code."


# Execution


def execute(notebook: NotebookNode, target: Target) -> None:
    """Run all cells in a fresh kernel that works in the notebook's own folder."""
    target.notebook.parent.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(target.notebook.parent)}},
        record_timing=False,
        store_widget_state=False,
    )
    try:
        client.execute(env=os.environ | {"ZMQLAB_PROGRESS": ""})  # the map shows nobody's labs
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise BuildError(readable(notebook, target, error)) from None
    for name in set(notebook.metadata) - {"kernelspec", "language_info", "zmqlab"}:
        del notebook.metadata[name]
    notebook.metadata.language_info = nbformat.from_dict(LANGUAGE)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := portable(output, target))]


def portable(output: NotebookNode, target: Target) -> NotebookNode | None:
    """The output as it may be kept: a still picture and text, no live widget, no machine's path.

    A widget's view names a model that lives in the kernel that is gone; the picture and the text
    beside it are what GitHub, and JupyterLab before the first run, show instead.
    """
    if output.output_type in ("display_data", "execute_result"):
        output.data.pop(WIDGET_VIEW, None)
        return output if output.data else None
    if output.output_type == "error":
        root = f"{target.notebook.parent.parent}{os.sep}"
        frames = [frame for frame in output.traceback if not LIBRARY_FRAME.match(plain(frame))]
        output.traceback = [frame.replace(root, "") for frame in frames]
    return output


def plain(text: str) -> str:
    """The text without the terminal's colours."""
    return COLOURS.sub("", text)


def readable(notebook: NotebookNode, target: Target, error: Exception) -> str:
    """Which cell stopped the build, and what it said."""
    ran = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.execution_count]
    cell = ran[-1] if ran else notebook.cells[0]
    first = next((line for line in cell.source.splitlines() if line.strip()), "")
    where = f"{target.source.name}, as {target.kind}: the cell that begins with\n    {first}"
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            trace = plain("\n".join(output.traceback))
            return f"{where}\nraised {output.ename}: {output.evalue}\n\n{trace}"
    return f"{where}\nstopped: {error}"


# Looking for what is wrong


def problems(target: Target) -> list[str]:
    """Why the notebook is not what its source gives; empty when it is."""
    if not target.notebook.exists():
        return ["it has not been built"]
    built = nbformat.read(target.notebook, as_version=4)
    expected = unexecuted(target)
    if built.metadata.get("zmqlab", {}).get("sha256") != expected.metadata.zmqlab.sha256:
        return ["its source has changed since it was built"]
    if without_outputs(built) != without_outputs(expected):
        return ["its cells or metadata were changed by hand"]
    return output_problems(built, target)


def without_outputs(notebook: NotebookNode) -> dict[str, Any]:
    """What must be the same in the notebook and in its source: metadata and cells."""
    same = ("cell_type", "id", "metadata", "source")
    cells = [{name: cell.get(name) for name in same} for cell in notebook.cells]
    return {"metadata": notebook.metadata, "cells": cells}


def output_problems(notebook: NotebookNode, target: Target) -> list[str]:
    """What is wrong with the outputs that a built notebook carries."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not target.executed:
        kept = any(cell.outputs or cell.execution_count for cell in code)
        return ["it has outputs, and a lab is shipped without"] if kept else []
    found = []
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("its execution counts are not 1, 2, 3 ...")
    for cell in code:
        if any(output.get("name") == "stderr" for output in cell.outputs):
            found.append(f"output [{cell.execution_count}] holds a warning or error text (stderr)")
        for text in shown(cell):
            if address := ADDRESS.search(text):
                found.append(
                    f"output [{cell.execution_count}] shows a memory address: {address[0]}"
                )
            if path := machine_path(text, target.notebook.parent.parent):
                found.append(
                    f"output [{cell.execution_count}] shows a path of this machine: {path}"
                )
    return found


def shown(cell: NotebookNode) -> Iterator[str]:
    """Every text in the outputs of a cell."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        elif output.output_type == "error":
            yield plain("\n".join(output.traceback))
        else:
            yield from (str(data) for mime, data in output.data.items() if "image/png" not in mime)


def machine_path(text: str, root: Path) -> str:
    """The first line of `text` that holds an absolute path of the machine; empty if none does."""
    for line in text.splitlines():
        if str(root) in line or str(Path.home()) + os.sep in line or MACHINE_PATH.search(line):
            return line.strip()
    return ""


def orphans(root: Path = ROOT) -> list[Path]:
    """Notebooks that no source gives."""
    known = {target.notebook for target in targets(root)}
    folders = (root / name for name in ("notebooks", "labs", "solutions"))
    return [
        path for folder in folders for path in sorted(folder.glob("*.ipynb")) if path not in known
    ]


# The command


def build(target: Target) -> None:
    """Make one notebook anew and write it, whole or not at all."""
    notebook = unexecuted(target)
    if target.executed:
        execute(notebook, target)
    if wrong := output_problems(notebook, target):
        raise BuildError(f"{target.source.name}, as {target.kind}: {'; '.join(wrong)}")
    target.notebook.parent.mkdir(parents=True, exist_ok=True)
    half_written = target.notebook.with_suffix(".ipynb.part")
    half_written.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    half_written.replace(target.notebook)


def check(chosen: Sequence[Target], root: Path) -> list[str]:
    """A line for each thing that is not as the sources say, with what to edit and what to run."""
    found = []
    for target in chosen:
        for problem in problems(target):
            source = target.source.relative_to(root).as_posix()
            notebook = target.notebook.relative_to(root).as_posix()
            run = f"{COMMAND} {target.source.parent.name}/{target.source.stem}"
            found.append(f"{notebook}: {problem}.\n    edit {source}, then run: {run}")
    for stray in orphans(root):
        folder = "lessons" if stray.parent.name == "notebooks" else "labs"
        found.append(
            f"{stray.relative_to(root).as_posix()}: it has no source.\n"
            f"    write authoring/{folder}/{stray.stem}.py, then run: {COMMAND} {folder}/{stray.stem}\n"
            "    or delete the notebook"
        )
    return found


def chosen_targets(names: Sequence[str], root: Path) -> list[Target]:
    """The targets whose source's path contains one of the names; all when there are none."""
    every = targets(root)
    for name in names:
        if not any(name in place(target) for target in every):
            raise BuildError(f"no source is called {name}; there are authoring/lessons and labs")
    return [t for t in every if not names or any(name in place(t) for name in names)]


def place(target: Target) -> str:
    """The source's path below authoring/, as NAME may match it."""
    return f"{target.source.parent.name}/{target.source.name}"


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Build or check; 0 when all is well."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Build the notebooks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a source's path")
    parser.add_argument("--check", action="store_true", help="build nothing, say what is not built")
    parser.add_argument("--force", action="store_true", help="execute what has not changed, too")
    options = parser.parse_args(arguments)
    try:
        chosen = chosen_targets(options.names, root)
        if options.check:
            found = check(chosen, root)
            print("\n".join(found) if found else f"{len(chosen)} notebooks match their sources.")
            return 1 if found else 0
        for target in chosen:
            if options.force or problems(target):
                print(f"{target.notebook.relative_to(root).as_posix()} ...", flush=True)
                build(target)
    except BuildError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
