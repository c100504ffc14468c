"""Pictures as a notebook shows them: an image with its words, a PNG, a text that does not vary."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Callable
from copy import copy
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets as widgets
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from .look import DARK, DPI, PAPER, WIDTH
from .widget import bundle

# JupyterLab and VS Code say on the body that their theme is dark. A widget without its kernel gets
# a sign of a broken link, as on the next day; a picture needs no kernel.
THEME = (
    '<style>[data-jp-theme-light="false"] .zmqlab-picture, .vscode-dark .zmqlab-picture '
    f"{{ filter: {DARK} }} "
    ".jupyter-widgets-disconnected:has(.zmqlab-picture)::before { content: none }</style>"
)


class Kind(NamedTuple):
    """What a Picture needs to know about a drawing function."""

    text: str
    alt: Callable[..., str]
    height: Callable[..., float]  # inches
    scale: str = ""  # the option that says for how much the axis has room
    extent: Callable[..., float] = max  # and how much it needs


def _alt_of_any(*_data: Any, title: str = "", **_options: Any) -> str:
    return title


KINDS: dict[Callable[..., None], Kind] = {}  # each drawing function enters its own
OTHER = Kind("Figure.", _alt_of_any, lambda *_data, **_options: 3.5)


class Picture:
    """One figure as a notebook shows it: an image in the colours of the theme, with its words.

    `Picture(shares, counts, title="…")` is what `shares(ax, counts, title="…")` draws; any
    function that draws on Axes will do. What the picture shows is said by `alt`.

    Where widgets live, the image is HTML: JupyterLab passes the words of a bare PNG to nobody.
    Elsewhere, and in the saved notebook, it is the PNG with its words in the output's metadata, or
    `text`. nbval compares `text` and no picture, so `text` must be the same in each run; by
    default it names the kind of picture.

    `height` and `width` are inches; by default the height follows from the data.
    """

    def __init__(
        self,
        draw: Callable[..., None],
        *data: Any,
        text: str | None = None,
        alt: str | None = None,
        height: float | None = None,
        width: float = WIDTH,
        **options: Any,
    ) -> None:
        kind = KINDS.get(draw, OTHER)
        self.text = text or kind.text
        self.alt = alt or kind.alt(*data, **{k: v for k, v in options.items() if k != kind.scale})
        self.width = width
        self.height = height or kind.height(*data, **options)
        self._panels = [(draw, data, options)]
        self._columns = 1

    def __repr__(self) -> str:
        return self.text

    def figure(self) -> Figure:
        """The picture as a new matplotlib Figure."""
        layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)
        figure = Figure((self.width, self.height), DPI, facecolor=PAPER, layout=layout)
        rows = math.ceil(len(self._panels) / self._columns)
        for place, (draw, data, options) in enumerate(self._panels, 1):
            ax = figure.add_subplot(rows, self._columns, place)
            draw(ax, *data, **(self._scale(draw) | options))
        return figure

    def _scale(self, draw: Callable[..., None]) -> dict[str, float]:
        """The option that gives all panels of a kind one scale: lengths are to be compared."""
        kind = KINDS.get(draw, OTHER)
        alike = [(data, options) for other, data, options in self._panels if other is draw]
        if not kind.scale or len(alike) == 1:
            return {}
        return {kind.scale: max(kind.extent(*data, **options) for data, options in alike)}

    def png(self) -> bytes:
        """The picture as a PNG file."""
        file = BytesIO()
        self.figure().savefig(file, format="png", facecolor=PAPER)
        # 256 colours instead of millions make the file a third as big, and nobody sees it.
        image = Image.open(file).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
        described = PngInfo()
        described.add_text("Description", self.alt)
        small = BytesIO()
        image.save(small, "png", optimize=True, pnginfo=described)
        return small.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the picture to a PNG file."""
        Path(path).write_bytes(self.png())

    def still(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is shown where no widget lives: the PNG and the text, and beside them its words."""
        png = base64.b64encode(self.png()).decode()
        return {"image/png": png, "text/plain": self.text}, {"image/png": {"alt": self.alt}}

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = self.still()
        shown = widgets.HTML(as_html(data["image/png"], self.alt))
        return data | bundle(shown, self.text), metadata


def as_html(png: str, alt: str) -> str:
    """A PNG (base64) as HTML, in the colours of the page's theme."""
    words = html.escape(alt)
    source = f"data:image/png;base64,{png}"
    return (
        f'{THEME}<img class="zmqlab-picture" alt="{words}" style="max-width:100%" src="{source}">'
    )


def together(*pictures: Picture, columns: int = 2, text: str | None = None) -> Picture:
    """Several pictures as one, row by row; bars and times of one kind get the same scale."""
    whole = copy(pictures[0])
    whole._panels = [panel for picture in pictures for panel in picture._panels]
    whole._columns = columns
    whole.alt = "\n".join(picture.alt for picture in pictures)
    whole.text = text or "\n".join(dict.fromkeys(picture.text for picture in pictures))
    whole.width = WIDTH if columns == 1 else WIDTH + 1.5
    rows = [pictures[n : n + columns] for n in range(0, len(pictures), columns)]
    whole.height = sum(max(picture.height for picture in row) + 0.2 for row in rows)
    return whole


def show(picture: Picture | Callable[..., None], *data: Any, **options: Any) -> None:
    """Show a picture in the notebook; `show(shares, counts, …)` makes it first.

    The options are those of `Picture` and of the drawing function.
    """
    if not isinstance(picture, Picture):
        picture = Picture(picture, *data, **options)
    display(picture)
