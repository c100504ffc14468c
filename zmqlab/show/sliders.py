"""A picture that follows its sliders."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from .look import short
from .picture import Picture, as_html
from .widget import bundle


class Sliders:
    """A picture, and a slider for each number that it depends on.

    draw: called with one argument for each slider, by name; returns a `Picture`. It runs
    in the kernel's main thread at each move, so it should be done in 200 ms.
    ranges: for each name the low end, the high end, the step, and where the slider begins.

    `values` may be set, too: `sliders.values = {"load": 0.9}` moves that slider.
    """

    def __init__(
        self,
        draw: Callable[..., Picture],
        **ranges: tuple[float, float, float, float],
    ) -> None:
        self.draw = draw
        self.seconds = 0.0  # that the last picture took
        self.sliders = {name: _slider(name, *ends) for name, ends in ranges.items()}
        self._shown = widgets.HTML()
        self._still: dict[str, Any] = {}
        for slider in self.sliders.values():
            slider.observe(lambda _change: self.redraw(), "value")
        self.redraw()

    @property
    def values(self) -> dict[str, float]:
        """Where the sliders are."""
        return {name: slider.value for name, slider in self.sliders.items()}

    @values.setter
    def values(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.sliders[name].value = value

    def redraw(self) -> None:
        """Draw the picture for where the sliders are; an error of `draw` is shown in its place."""
        began = time.monotonic()
        try:
            picture = self.draw(**self.values)
            self._still, _metadata = picture.still()
        except Exception as error:  # a callback's error would vanish in a log
            self._shown.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"
        else:
            self._shown.value = as_html(self._still["image/png"], picture.alt)
        self.seconds = time.monotonic() - began

    def __repr__(self) -> str:
        ends = (
            f"{name} {short(slider.min)} to {short(slider.max)}"
            for name, slider in self.sliders.items()
        )
        return f"A picture that follows its sliders: {', '.join(ends)}."

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        moving = widgets.VBox([*self.sliders.values(), self._shown])
        return self._still | bundle(moving, repr(self))


def _slider(name: str, low: float, high: float, step: float, value: float) -> Any:
    whole = all(isinstance(number, int) for number in (low, high, step, value))
    kind = widgets.IntSlider if whole else widgets.FloatSlider
    return kind(
        readout_format="d" if whole else ".2f",
        value=value,
        min=low,
        max=high,
        step=step,
        description=name,
        style={"description_width": "6em"},
        layout=widgets.Layout(width="30em", max_width="100%"),
    )
