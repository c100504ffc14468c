"""Predictions: a guess that is made before a run, and what was measured beside it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from .field import Field
from .look import short
from .widget import bundle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Answer = float | str
LEFT, RIGHT, LINE = 60, 420, 24  # where the scale begins and ends, and its height, in pixels
FEW = 20  # steps that the scale has a tick for each of


class Prediction:
    """A guess that the learner makes before a run, to be compared after it.

    As the last expression of a cell it shows the question with a slider, or with choices. `guess`
    is None until the learner has answered (by mouse or by arrow keys) or a guess is given here or
    assigned. A guess survives running its cell again.

    low, high: the ends of the slider, in the unit that the question states.
    step: between neighbouring values; 1 if both ends are whole numbers, else a hundredth part.
    choices: the answers to choose from, in place of a slider.
    """

    _kept: dict[str, Answer] = {}  # noqa: RUF012 (the last guess for each question)

    def __init__(
        self,
        question: str,
        guess: Answer | None = None,
        *,
        low: float | None = None,
        high: float | None = None,
        step: float | None = None,
        choices: Sequence[str] = (),
    ) -> None:
        self.question = question
        self.choices = list(choices)
        self._comparisons: list[Comparison] = []
        kept = self._kept.get(question) if guess is None else guess
        if guess is None and not self._fits(kept):
            kept = None  # what was asked has changed
        if self.choices:
            if not (low is high is step is None):
                raise ValueError("choices take the slider's place; leave low, high and step out")
            self.field = Field(question=question, choices=self.choices)
        else:
            self.low, self.high = _ends(low, high)
            whole = all(isinstance(number, int) for number in (low, high, step or 1))
            self.step = step or (1 if whole else (self.high - self.low) / 100)
            start = self.low + (self.high - self.low) / self.step // 2 * self.step
            if isinstance(kept, int | float):
                self.low, self.high = min(self.low, kept), max(self.high, kept)
            self.field = Field(
                question=question, low=self.low, high=self.high, step=self.step, start=start
            )
        self.field.observe(self._answered, "answer")
        if kept is not None:
            self.guess = kept

    @property
    def guess(self) -> Answer | None:
        """What the learner expects, or None."""
        return self.field.answer  # type: ignore[no-any-return]

    @guess.setter
    def guess(self, guess: Answer) -> None:
        if not self._fits(guess):
            offered = ", ".join(f'"{choice}"' for choice in self.choices)
            what = f"one of {offered}" if offered else "a number"
            raise ValueError(f"a guess is {what}; got {guess!r}")
        self.field.answer = guess

    def _fits(self, guess: Answer | None) -> bool:
        return guess in self.choices if self.choices else isinstance(guess, int | float)

    def _answered(self, _change: Any) -> None:
        self._kept[self.question] = self.field.answer
        for comparison in self._comparisons:
            comparison.refresh()

    def compare(self, measured: Answer) -> Comparison:
        """The guess beside what was measured; it follows when another answer is given."""
        comparison = Comparison(self, measured)
        self._comparisons.append(comparison)
        return comparison

    def __repr__(self) -> str:
        if self.choices:
            asked, example = " or ".join(self.choices), f'"{self.choices[0]}"'
        else:
            asked, example = f"{short(self.low)} to {short(self.high)}", f"{self.field.start:g}"
        told = f"Your guess, {asked}: {self.question}"
        if self.guess is not None:
            return f"{told} Your guess: {_said(self.guess)}."
        field = "choice" if self.choices else "slider"
        return (
            f"{told}\nNo {field} to see here? In the line with Prediction(…) above, put your guess "
            f"behind the question: guess={example}."
        )

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        return bundle(self.field, repr(self))


class Comparison:
    """What was measured beside what was predicted.

    `str()` gives it in two lines. As the last expression of a cell it is shown, and follows the
    guess; the text that stays in the saved notebook then leaves the measured value out, which may
    be another one on another machine, and a picture beside it tells it.
    """

    def __init__(self, prediction: Prediction, measured: Answer) -> None:
        self.prediction = prediction
        self.measured = measured
        self._shown: widgets.HTML | None = None

    def _verdict(self) -> str:
        guess, measured = self.prediction.guess, self.measured
        if guess is None:
            return f"measured {_said(measured)}: no guess this time"
        said = f"measured {_said(measured)}: you predicted {_said(guess)}"
        if _said(guess) == _said(measured):
            return f"{said}, and so it is"
        if isinstance(guess, str) or isinstance(measured, str):
            return f"{said}. What did you assume?"
        more = "more" if guess > measured else "less"
        return f"{said}, {short(abs(guess - measured))} {more}. What did you assume?"

    def __str__(self) -> str:
        return f"{self.prediction.question}\n  {self._verdict()}"

    def __repr__(self) -> str:
        if self.prediction.guess is None:
            return f"{self.prediction.question}: no guess this time."
        return f"{self.prediction.question}: you predicted {_said(self.prediction.guess)}."

    def refresh(self) -> None:
        """Show the present guess where the comparison is on display."""
        if self._shown is not None:
            self._shown.value = self._html()

    def _html(self) -> str:
        drawn = self._list() if self.prediction.choices else self._scale()
        return (
            '<div class="zmqlab-comparison" style="font:14px/1.5 system-ui,sans-serif">'
            f'<div role="status"><b>{html.escape(self.prediction.question)}</b><br>'
            f'{html.escape(self._verdict())}</div><div aria-hidden="true">{drawn}</div></div>'
        )

    def _list(self) -> str:
        """The choices, one below the other, and which was whose."""
        answers = {"measured": self.measured, "your guess": self.prediction.guess}
        lines = []
        for choice in dict.fromkeys([*self.prediction.choices, _said(self.measured)]):
            whose = " and ".join(name for name, answer in answers.items() if answer == choice)
            mark = f" <b>◀ {whose}</b>" if whose else ""
            lines.append(f'<div style="padding-left:1.2em">{html.escape(choice)}{mark}</div>')
        return "".join(lines)

    def _scale(self) -> str:
        """A line from low to high: measured below it, the guess above; told apart by shape too."""
        guess, measured = self.prediction.guess, self.measured
        if isinstance(guess, str) or isinstance(measured, str):
            return ""
        asked = self.prediction
        low, high = min(asked.low, measured), max(asked.high, measured)

        def place(number: float) -> float:
            return LEFT + (RIGHT - LEFT) * (number - low) / (high - low)

        steps = round((asked.high - asked.low) / asked.step)
        ticks = [place(asked.low + n * asked.step) for n in range(steps + 1) if steps <= FEW]
        marks = [(measured, f"measured {short(measured)}", -1)]  # below the line
        if guess is not None:
            marks.append((guess, f"your guess {short(guess)}", 1))
        drawn = []
        for number, words, up in marks:
            at = place(number)
            beside, anchor = (8, "start") if at < (LEFT + RIGHT) / 2 else (-8, "end")
            tip, foot, base = LINE - 2 * up, LINE - 11 * up, LINE - 7 if up > 0 else LINE + 15
            drawn.append(
                f'<polygon points="{at:.1f},{tip} {at - 5:.1f},{foot} {at + 5:.1f},{foot}"/>'
                f'<text x="{at + beside:.1f}" y="{base}" text-anchor="{anchor}">{words}</text>'
            )
        return (
            f'<svg viewBox="0 0 480 {2 * LINE}" width="480" height="{2 * LINE}" '
            'style="font-size:12px;fill:currentColor;max-width:100%">'
            f'<line x1="{LEFT}" x2="{RIGHT}" y1="{LINE}" y2="{LINE}" stroke="currentColor" '
            f'stroke-width="2"/>{"".join(drawn)}'
            f'<path d="{"".join(f"M{x:.1f} {LINE - 4}v8" for x in ticks)}" stroke="currentColor"/>'
            f'<text x="{LEFT - 6}" y="{LINE + 4}" text-anchor="end">{short(low)}</text>'
            f'<text x="{RIGHT + 6}" y="{LINE + 4}">{short(high)}</text></svg>'
        )

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        from .picture import Picture

        self._shown = widgets.HTML(self._html())
        question, verdict = self.prediction.question, self._verdict()
        alt = f"{question}: {verdict}"
        still = Picture(_write, question, verdict, text=repr(self), alt=alt, height=0.75)
        data, metadata = still.still()
        return data | bundle(self._shown, repr(self)), metadata


def _write(ax: Axes, question: str, verdict: str) -> None:
    """A comparison in words, for where no widget lives."""
    from .look import INK, TEXT, dress

    dress(ax, question, pad=0)
    ax.set_axis_off()
    ax.text(0, 0.9, verdict, transform=ax.transAxes, va="top", color=INK, fontsize=TEXT)


def _ends(low: float | None, high: float | None) -> tuple[float, float]:
    """The ends of a slider, or what is wrong with them."""
    if low is None or high is None:
        raise ValueError("a prediction needs low=… and high=… for its slider, or choices=…")
    if low >= high:
        raise ValueError(f"low must be less than high; got low={low}, high={high}")
    return low, high


def _said(answer: Answer) -> str:
    return answer if isinstance(answer, str) else short(answer)
