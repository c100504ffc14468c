"""Draw the figure with which README.md opens, from runs of lesson 01's own programs.

    python authoring/readme_figure.py [--check] [--force]

Twenty runs as tutorials write them, ten that wait for the workers; drawn are the shares of a
typical run of each: docs/first_figure.png, and first_figure_dark.png for a page in a dark theme.
Both keep the hash of what they came from, and are drawn anew only when that has changed.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from zmqlab.show.look import at_night
from zmqlab.show.plots import Picture, shares, together

ROOT = Path(__file__).resolve().parent.parent
LESSON = ROOT / "authoring" / "lessons" / "01_share_out.py"
FIGURE = ROOT / "docs" / "first_figure.png"
DARK = FIGURE.with_stem("first_figure_dark")

Shares = dict[str, int]


def programs() -> str:
    """The lesson's imports, constants and functions, without what its cells run."""

    def defines(node: ast.stmt) -> bool:
        if isinstance(node, ast.Assign):
            return all(isinstance(name, ast.Name) and name.id.isupper() for name in node.targets)
        return isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)

    lesson = ast.parse(LESSON.read_text(encoding="utf-8"))
    return "\n".join(ast.unparse(node) for node in lesson.body if defines(node))


def typical(runs: Sequence[Shares]) -> Shares:
    """The run in the middle when they are ordered by the busiest worker's share."""
    return sorted(runs, key=lambda run: max(run.values()))[len(runs) // 2]


def draw() -> Picture:
    """Run the lesson's programs and draw what they found."""
    names: dict[str, Any] = {}
    exec(compile(programs(), LESSON.name, "exec"), names)
    blind: list[Shares] = [names["textbook"]() for _ in range(20)]
    knowing: list[Shares] = [names["watched"]()[0] for _ in range(10)]
    alone = sum(max(run.values()) == sum(run.values()) for run in blind)
    even = sum(names["is_even"](run) for run in knowing)
    above = f"Dealt at once: in {alone} of {len(blind)} runs one worker got everything"
    below = f"Dealt when all were there: in {even} of {len(knowing)} runs each got a third"
    return together(
        Picture(shares, typical(blind), title=above),
        Picture(shares, typical(knowing), title=below),
        columns=1,
    )


def origin() -> str:
    """The hash of all that decides what the figure shows, luck aside."""
    own = Path(__file__).read_text(encoding="utf-8")
    return hashlib.sha256((own + programs()).encode()).hexdigest()


def is_current() -> bool:
    """Whether both figures are there and came from what is there now."""
    return all(figure.exists() and origin_of(figure) == origin() for figure in (FIGURE, DARK))


def origin_of(figure: Path) -> str:
    """The hash that a figure keeps."""
    with Image.open(figure) as image:
        return str(image.info.get("Origin"))


def save(picture: Picture) -> None:
    """Write the figure, light and dark, with its description and the hash of its origin."""
    described = PngInfo()
    described.add_itxt("Description", picture.alt)
    described.add_text("Origin", origin())
    FIGURE.parent.mkdir(exist_ok=True)
    with Image.open(BytesIO(picture.png())) as image:
        image.save(FIGURE, "png", optimize=True, pnginfo=described)
        light = bytes(image.getpalette()).hex()
        colours = [f"#{light[n : n + 6]}" for n in range(0, len(light), 6)]
        image.putpalette(bytes.fromhex("".join(at_night(colour)[1:] for colour in colours)))
        image.save(DARK, "png", optimize=True, pnginfo=described)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw or check; 0 when all is well."""
    parser = argparse.ArgumentParser(description="Draw the figure with which README.md opens.")
    parser.add_argument("--check", action="store_true", help="draw nothing, say if it is old")
    parser.add_argument("--force", action="store_true", help="draw although nothing has changed")
    options = parser.parse_args(arguments)
    where = FIGURE.relative_to(ROOT).as_posix()
    if options.check:
        if not is_current():
            print(f"{where} is not what lesson 01 gives: run python authoring/readme_figure.py")
            return 1
    elif options.force or not is_current():
        print(f"{where} ...", flush=True)
        save(draw())
    return 0


if __name__ == "__main__":
    sys.exit(main())
