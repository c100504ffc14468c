"""The look that all pictures have in common: paper, ink, one colour per worker, plain numbers.

Figures are dark on light. In a dark theme a page shows them through the filter `DARK`, which turns
light into dark and keeps the hues. (No one colour would do for both: what stands out from white by
4.5 to 1 does not from #111.) A worker has one colour everywhere, which colour-blind readers can
tell from the next one, and its name beside it. Nothing here changes matplotlib's settings or
depends on them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

PAPER, INK, GREY, PALE = "#ffffff", "#1a1a1a", "#595959", "#efefef"
# Okabe and Ito, "Color Universal Design" (2008), without black; neighbours far apart.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
HATCHES = ("", "//", "..", "xx", "\\\\", "oo")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)))

NIGHT = "#111111"  # the ground of JupyterLab's dark theme: what the filter makes of PAPER
DARK = f"invert({1 - 0x11 / 0xFF:.4%}) hue-rotate(180deg)"  # CSS

WIDTH = 7.0  # inches; a cell of JupyterLab shows it in full
DPI = 110
TITLE, TEXT, SMALL = 12, 10, 8  # points


def color(name: str) -> str:
    """The colour of a participant: w1, w2, w3 … have one each, everybody else is grey.

    From w8 on colours come again, with a hatch (`hatch`).
    """
    number = worker_number(name)
    return GREY if number is None else PALETTE[(number - 1) % len(PALETTE)]


def hatch(name: str) -> str:
    """The hatch that tells w8 from w1, w9 from w2, …; "" for the first seven."""
    number = worker_number(name)
    return "" if number is None else HATCHES[(number - 1) // len(PALETTE) % len(HATCHES)]


def worker_number(name: str) -> int | None:
    """Which worker this is: 3 for "w3" or "worker 3"; None for everybody else."""
    found = re.fullmatch(r"w(?:orker)?[ _-]?(\d+)", name)
    return max(1, int(found[1])) if found else None


def dress(ax: Axes, title: str, pad: float = 20, names: Iterable[str] = ()) -> None:
    """Dark on light whatever matplotlib's settings are, with the finding above.

    `names`: what stands left of the rows; the title begins right of them.
    """
    if figure := ax.get_figure():
        figure.set_facecolor(PAPER)
    ax.set_facecolor(PAPER)
    beyond = max((points(name, TEXT) - 42 for name in names), default=0)  # what `inches` leaves
    ax.set_title(
        _lines(title, inches(ax)[0] * 72 - beyond),
        loc="left",
        color=INK,
        fontsize=TITLE,
        fontweight="bold",
        pad=pad,
        parse_math=False,
    )
    ax.tick_params(colors=INK, labelsize=TEXT)
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("bottom", "left"))
        spine.set_color(GREY)
    ax.grid(visible=False)


def _lines(title: str, room: float) -> str:
    """The title in lines of at most so many points, but never broken before a unit."""
    words = re.sub(r"(\d) (ms|s|µs)\b", "\\1\N{NO-BREAK SPACE}\\2", title).split(" ")
    lines = words[:1]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        if points(longer, TITLE, "bold") <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def points(text: str, size: float, weight: str = "normal") -> float:
    """How wide a text is, in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight=weight)
    width, _height, _descent = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def name_rows(ax: Axes, names: Iterable[str]) -> None:
    """A row for each name, the first on top."""
    names = list(names)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(max(1, len(names)) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


def over(ax: Axes, x: float, text: str, align: str = "center") -> None:
    """Write above the axes what a vertical line means."""
    ax.annotate(
        text,
        (x, 1),
        xycoords=("data", "axes fraction"),
        xytext=({"left": 3, "right": -3}.get(align, 0), 4),
        textcoords="offset points",
        ha=align,
        color=INK,
        fontsize=TEXT,
    )


def log_ticks(axis: Axis) -> None:
    """Numbers along a logarithmic axis: enough to read a value by, and none on top of another."""
    from matplotlib.ticker import LogLocator, NullLocator

    low, high = axis.get_view_interval()
    fine = (1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
    for most, subs in ((5, fine), (1e3, (1, 2, 3, 5)), (1e5, (1, 2, 5)), (math.inf, (1,))):
        if high <= most * low:
            axis.set_major_locator(LogLocator(subs=subs))
            break
    axis.set_major_formatter("{x:,g}")
    axis.set_minor_locator(NullLocator())


def legend(ax: Axes, names: Sequence[str], handles: Sequence[Artist] | None = None) -> None:
    """What parts or marks are called, in one line between title and picture.

    handles: what stands for each name; what was drawn under it, if none are given.
    """
    if not names:
        return
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(names),
        fontsize=TEXT,
        frameon=False,
        labelcolor=INK,
        borderaxespad=0.1,
        borderpad=0.1,
        handletextpad=0.5,
        columnspacing=1.6,
    )


def inches(ax: Axes) -> tuple[float, float]:
    """Width and height that these Axes will have when names and title have got their room."""
    figure, place = ax.get_figure(), ax.get_subplotspec()
    if figure is None or place is None:
        extent = ax.get_window_extent()
        return extent.width / DPI, extent.height / DPI
    rows, columns = place.get_gridspec().get_geometry()
    width, height = figure.bbox.width / figure.dpi, figure.bbox.height / figure.dpi
    return width / columns - 0.9, height / rows - 1.1


def darker(colour: str) -> str:
    """The same colour with less light, for what stands on light paper without an edge of ink."""
    return _hex(0.6 * part for part in _rgb(colour))


def at_night(colour: str) -> str:
    """What the filter `DARK` makes of a colour, by the definition of CSS Filter Effects 1."""
    red, green, blue = (255 - part - (255 - 2 * part) * 0x11 / 0xFF for part in _rgb(colour))
    return _hex(
        (
            -0.574 * red + 1.430 * green + 0.144 * blue,
            0.426 * red + 0.430 * green + 0.144 * blue,
            0.426 * red + 1.430 * green - 0.856 * blue,
        )
    )


def _rgb(colour: str) -> list[int]:
    return [int(colour[n : n + 2], 16) for n in (1, 3, 5)]


def _hex(rgb: Iterable[float]) -> str:
    return "#" + "".join(f"{round(min(255.0, max(0.0, part))):02x}" for part in rgb)


def unit_for(longest: float) -> tuple[float, str]:
    """The factor from seconds to a readable unit, and its name."""
    return (
        (1.0, "s")
        if longest >= 1 or not longest
        else (1e3, "ms")
        if longest >= 1e-3
        else (1e6, "µs")
    )


def duration(seconds: float) -> str:
    """A time with its unit, as "296 ms"."""
    scale, unit = unit_for(seconds)
    return f"{short(seconds * scale)} {unit}"


def short(number: float) -> str:
    """A number with at most three digits that matter; thousands are set off by a comma."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def milliseconds(seconds: float) -> str:
    """A time in milliseconds, to a tenth, without the unit."""
    return f"{seconds * 1e3:.1f}"


def cut(text: str, longest: int) -> str:
    """The text, or as much of it as leaves room for an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def natural(name: str) -> list[tuple[bool, int, str]]:
    """A key that sorts w10 behind w9."""
    parts = re.split(r"(\d+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of one width each: the first aligned left, the others right."""
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[n]) for line in lines if n < len(line)) for n in range(len(heads))]
    return "\n".join(
        "  ".join(
            f"{cell:>{width}}" if n else f"{cell:<{width}}"
            for n, (cell, width) in enumerate(zip(line, widths, strict=False))
        ).rstrip()
        for line in lines
    )
