"""What a learner wrote, taken out of a file: the functions, and what they need, and nothing else.

A file may be a Python program or a notebook. Experiments, checks and prints in it are left alone:
of its statements only those run that bind a name which the functions need, directly or by way of
others.
"""

from __future__ import annotations
import __future__

import ast
import json
import linecache
import re
import symtable
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import cloudpickle

MODULE = "handed_in"  # the name of the module that the functions live in
BINDING = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.If,
    ast.Try,
)
MAGIC = re.compile(r"^\s*[%!?]|^.*\?\s*$")


class Unreadable(Exception):
    """Why nothing could be taken from a file; the message says what to do."""


class Part(NamedTuple):
    """A statement, and the name of the text that it stands in, as tracebacks have it."""

    statement: ast.stmt
    text: str


def functions(path: Path, names: Sequence[str]) -> list[Callable[..., Any]]:
    """The functions of these names in a file, in this order.

    Unreadable: there is no such file, it is no Python, it has no such function, or what the
    functions need raises.
    """
    all_parts = list(parts(path))
    there = {name for part in all_parts for name in _bound(part.statement)}
    if missing := [name for name in names if name not in there]:
        known = sorted(
            p.statement.name for p in all_parts if isinstance(p.statement, ast.FunctionDef)
        )
        raise Unreadable(
            f"{path} has no {' and no '.join(missing)}; its functions are "
            f"{', '.join(known) or 'none'}.\nThe lab's contract names the function: is it spelled "
            "so, and does it stand at the left edge?"
        )
    module = ModuleType(MODULE)
    module.__file__ = str(path)
    sys.modules[MODULE] = module
    cloudpickle.register_pickle_by_value(module)  # type: ignore[no-untyped-call]
    sys.path.insert(0, str(path.resolve().parent))
    try:
        for part in needed(all_parts, names):
            _run(part, module, _flags(all_parts))
    finally:
        del sys.path[0]
    return [getattr(module, name) for name in names]


def needed(parts: Sequence[Part], names: Iterable[str]) -> list[Part]:
    """The statements that bind these names or what those need, in the order of the file."""
    binding = [part for part in parts if isinstance(part.statement, BINDING)]
    wanted, kept = set(names), set[int]()
    while more := [
        n
        for n, part in enumerate(binding)
        if n not in kept and ("*" in (bound := _bound(part.statement)) or bound & wanted)
    ]:
        for n in more:
            kept.add(n)
            wanted |= _used(binding[n].statement)
    return [binding[n] for n in sorted(kept)]


def _run(part: Part, module: ModuleType, flags: int) -> None:
    try:
        tree = ast.Module([part.statement], [])
        exec(compile(tree, part.text, "exec", flags, dont_inherit=True), module.__dict__)
    except Exception as error:
        line = linecache.getline(part.text, part.statement.lineno).strip()
        raise Unreadable(
            f"{part.text}, line {part.statement.lineno}, raises {type(error).__name__}: {error}\n"
            f"    {line}\nThe function needs what this line makes; it runs before the check."
        ) from error


def _flags(parts: Sequence[Part]) -> int:
    """What `from __future__ import …` asks of the compiler."""
    names = [
        alias.name
        for part in parts
        if isinstance(part.statement, ast.ImportFrom) and part.statement.module == "__future__"
        for alias in part.statement.names
    ]
    return sum(getattr(__future__, name).compiler_flag for name in names)


# ------------------------------------------------------------------ names


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement gives a value to, or whose value it changes; "*": any."""
    found: set[str] = set()
    for node in _outside_functions(statement):
        match node:
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {(alias.asname or alias.name).partition(".")[0] for alias in names}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):
                inner: ast.expr = node
                while isinstance(inner, ast.Attribute | ast.Subscript):
                    inner = inner.value
                found |= {inner.id} if isinstance(inner, ast.Name) else set()
    return found


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def _used(statement: ast.stmt) -> set[str]:
    """The names of the module that a statement, or a function in it, reads."""
    top = symtable.symtable(ast.unparse(statement), MODULE, "exec")
    found, tables = set[str](), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is top or symbol.is_global())
        }
    return found


# ------------------------------------------------------------------ files


def parts(path: Path) -> Iterator[Part]:
    """The statements of a program, or of a notebook's code cells. Unreadable: it has none."""
    for name, source in _sources(path):
        lines = source.splitlines(keepends=True)
        linecache.cache[name] = (len(source), None, lines, name)
        try:
            tree = ast.parse(source, name)
        except SyntaxError as error:
            raise Unreadable(
                f"{name}, line {error.lineno}: {error.msg}\n    {(error.text or '').strip()}"
            ) from error
        yield from (Part(statement, name) for statement in tree.body)


def _sources(path: Path) -> Iterator[tuple[str, str]]:
    """The name and the text of each part: a program has one, a notebook one per code cell."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise Unreadable(f"{path} cannot be read: {reason}.") from error
    if path.suffix != ".ipynb":
        yield str(path), text
        return
    try:
        cells = [
            "".join(cell["source"])
            for cell in json.loads(text)["cells"]
            if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{path} is no notebook: {error}.") from error
    for number, cell in enumerate(cells, 1):
        yield f"{path}, code cell {number}", _without_magics(cell)


def _without_magics(cell: str) -> str:
    """A cell without IPython's own lines, each line at its place."""
    if cell.lstrip().startswith("%%"):
        return ""
    return "".join(
        line if not MAGIC.match(line) else "\n" for line in cell.splitlines(keepends=True)
    )
