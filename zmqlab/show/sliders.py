"""A picture that follows its sliders."""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from .field import Field
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
        self.ranges = ranges
        self.seconds = 0.0  # that the last picture took
        self.sliders = {
            name: Field(question=name, low=low, high=high, step=step, answer=value, says="")
            for name, (low, high, step, value) in ranges.items()
        }
        self._shown = widgets.HTML()
        self._still: tuple[dict[str, Any], dict[str, Any]] = {}, {}
        self._moving = widgets.VBox([*self.sliders.values(), self._shown])
        for slider in self.sliders.values():
            slider.observe(lambda _change: self.redraw(), "answer")
        self.redraw()

    @property
    def values(self) -> dict[str, float]:
        """Where the sliders are."""
        return {name: slider.answer for name, slider in self.sliders.items()}

    @values.setter
    def values(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            low, high, *_ = self.ranges[name]
            self.sliders[name].answer = min(max(low, value), high)

    def redraw(self) -> None:
        """Draw the picture for where the sliders are; an error of `draw` is shown in its place."""
        began = time.monotonic()
        try:
            picture = self.draw(**self.values)
            self._still = picture.still()
        except Exception as error:  # a callback's error would vanish in a log
            self._shown.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"
        else:
            self._shown.value = as_html(self._still[0]["image/png"], picture.alt)
        self.seconds = time.monotonic() - began

    def __repr__(self) -> str:
        ends = (
            f"{name} {short(low)} to {short(high)}" for name, (low, high, *_) in self.ranges.items()
        )
        return f"A picture that follows its sliders: {', '.join(ends)}."

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = self._still
        return data | bundle(self._moving, repr(self)), metadata
