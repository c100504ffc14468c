"""Predictions: a guess made with a slider before a run, and what was measured beside it."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as widgets

from .look import short
from .widget import bundle


class Prediction:
    """A guess that the learner makes with a slider before a run, to be compared after it.

    As the last expression of a cell it shows the question and the slider. `guess` is None until
    the slider is moved (by mouse or by arrow keys) or a guess is given here or assigned. A guess
    survives running its cell again.

    low, high: the ends of the slider, in the unit that the question states.
    step: between neighbouring values; 1 if both ends are whole numbers, else a hundredth part.
    """

    _kept: dict[str, float] = {}  # noqa: RUF012 (the last guess for each question)

    def __init__(
        self,
        question: str,
        guess: float | None = None,
        *,
        low: float,
        high: float,
        step: float | None = None,
    ) -> None:
        if low >= high:
            raise ValueError(f"low must be less than high; got low={low}, high={high}")
        self.question = question
        self.low, self.high = low, high
        whole = all(isinstance(number, int) for number in (low, high, step or 1))
        self.step = step or (1 if whole else (high - low) / 100)
        self._comparisons: list[Comparison] = []
        self._guess = self._kept.get(question) if guess is None else guess
        if self._guess is not None:
            self.low, self.high = min(low, self._guess), max(high, self._guess)
        slider = (
            widgets.IntSlider if whole and not isinstance(guess, float) else widgets.FloatSlider
        )
        middle = low + (high - low) / self.step // 2 * self.step
        self.slider = slider(
            value=middle if self._guess is None else self._guess,
            min=self.low,
            max=self.high,
            step=self.step,
            readout=False,
            layout=widgets.Layout(width="20em"),
        )
        self._said = widgets.HTML()
        self.slider.observe(self._moved, "value")
        self._say()

    @property
    def guess(self) -> float | None:
        """What the learner expects, or None."""
        return self._guess

    @guess.setter
    def guess(self, guess: float) -> None:
        self.slider.value = guess
        self._moved()

    def _moved(self, _change: Any = None) -> None:
        self._guess = self._kept[self.question] = self.slider.value
        self._say()
        for comparison in self._comparisons:
            comparison.refresh()

    def _say(self) -> None:
        guess = "no guess yet: move the slider" if self._guess is None else short(self._guess)
        self._said.value = f'<span role="status">Your guess: <b>{guess}</b></span>'

    def compare(self, measured: float) -> Comparison:
        """The guess beside what was measured; it follows the slider when that is moved again."""
        comparison = Comparison(self, measured)
        self._comparisons.append(comparison)
        return comparison

    def __repr__(self) -> str:
        given = "" if self._guess is None else f" Your guess: {short(self._guess)}."
        ends = f"{short(self.low)} to {short(self.high)}"
        return f"Your guess, {ends}: {self.question}{given}"

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        question = widgets.HTML(f"<b>{html.escape(self.question)}</b>")
        apart = widgets.Layout(margin="0 12px 0 0")
        ends = [widgets.Label(short(end), layout=apart) for end in (self.low, self.high)]
        row = widgets.HBox([ends[0], self.slider, ends[1], self._said])
        return bundle(widgets.VBox([question, row]), repr(self))


class Comparison:
    """What was measured beside what was predicted.

    `str()` gives it in two lines. As the last expression of a cell it is shown, and follows the
    slider; the text that stays in the saved notebook then leaves the measured number out, which
    may be another one on another machine.
    """

    def __init__(self, prediction: Prediction, measured: float) -> None:
        self.prediction = prediction
        self.measured = measured
        self._shown: widgets.HTML | None = None

    def _verdict(self) -> str:
        guess, measured = self.prediction.guess, self.measured
        if guess is None:
            return f"measured {short(measured)}: no guess this time"
        said = f"measured {short(measured)}: you predicted {short(guess)}"
        if short(guess) == short(measured):
            return f"{said}, and so it is"
        more = "more" if guess > measured else "less"
        return f"{said}, {short(abs(guess - measured))} {more}. What did you assume?"

    def __str__(self) -> str:
        return f"{self.prediction.question}\n  {self._verdict()}"

    def __repr__(self) -> str:
        if self.prediction.guess is None:
            return f"{self.prediction.question}: no guess this time."
        return f"{self.prediction.question}: you predicted {short(self.prediction.guess)}."

    def refresh(self) -> None:
        """Show the present guess where the comparison is on display."""
        if self._shown is not None:
            self._shown.value = self._html()

    def _html(self) -> str:
        return (
            f'<div role="status"><b>{html.escape(self.prediction.question)}</b><br>'
            f"{html.escape(self._verdict())}</div>{self._scale()}"
        )

    def _scale(self) -> str:
        """A line from low to high: measured below it, the guess above; told apart by shape too."""
        prediction = self.prediction
        low = min(prediction.low, self.measured)
        high = max(prediction.high, self.measured)

        def x(number: float) -> float:
            return 20 + 360 * (number - low) / (high - low)

        guess = prediction.guess
        marks = [(x(self.measured), 32, 43, "▲ measured")]
        if guess is not None:
            marks.append((x(guess), 14, 11, "▼ your guess"))
        drawn = "".join(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="24" y2="{y}" stroke="currentColor"/>'
            f'<text x="{at:.1f}" y="{text_y}" text-anchor="{_anchor(at)}">{label}</text>'
            for at, y, text_y, label in marks
        )
        return (
            '<svg viewBox="0 0 400 46" width="400" height="46" aria-hidden="true" '
            'style="font-size:12px;fill:currentColor;max-width:100%">'
            '<line x1="20" x2="380" y1="24" y2="24" stroke="currentColor" stroke-width="2"/>'
            f"{drawn}</svg>"
        )

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        self._shown = widgets.HTML(self._html())
        return bundle(self._shown, repr(self))


def _anchor(at: float) -> str:
    return "start" if at < 100 else "end" if at > 300 else "middle"
