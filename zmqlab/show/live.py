"""What moves in a notebook: predictions, pictures that follow sliders, shares that grow.

Widgets belong to the main thread. No thread of an experiment touches one, and nothing here touches
a socket: the journal is read, at most 20 times a second, by the cell that waits.
"""

from __future__ import annotations

import base64
import html
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython.display import DisplayHandle

from zmqlab.record.journal import Journal, Way

from . import plots

if TYPE_CHECKING:
    from zmqlab.run.experiment import Experiment

__all__ = ["Comparison", "Prediction", "ShareView", "Sliders", "watch"]

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
REFRESH = 0.05  # seconds at least between two pictures
Number = float  # an int is one, too


# ------------------------------------------------------------------ predictions


class Prediction:
    """A guess that the learner makes with a slider before a run, to be compared after it.

    As the last expression of a cell it shows the question and the slider. `guess` is None until
    the slider is moved (by mouse or by arrow keys) or a guess is given here or assigned. A guess
    survives running its cell again.

    low, high: the ends of the slider, in the unit that the question states.
    step: between neighbouring values; 1 if both ends are whole numbers, else a hundredth part.
    """

    _kept: dict[str, Number] = {}  # noqa: RUF012 (the last guess for each question)

    def __init__(
        self,
        question: str,
        guess: Number | None = None,
        *,
        low: Number,
        high: Number,
        step: Number | None = None,
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
    def guess(self) -> Number | None:
        """What the learner expects, or None."""
        return self._guess

    @guess.setter
    def guess(self, guess: Number) -> None:
        self.slider.value = guess
        self._moved()

    def _moved(self, _change: Any = None) -> None:
        self._guess = self._kept[self.question] = self.slider.value
        self._say()
        for comparison in self._comparisons:
            comparison.refresh()

    def _say(self) -> None:
        guess = "no guess yet: move the slider" if self._guess is None else _number(self._guess)
        self._said.value = f'<span role="status">Your guess: <b>{guess}</b></span>'

    def compare(self, measured: Number) -> Comparison:
        """The guess beside what was measured; it follows the slider when that is moved again."""
        comparison = Comparison(self, measured)
        self._comparisons.append(comparison)
        return comparison

    def __repr__(self) -> str:
        given = "" if self._guess is None else f" Your guess: {_number(self._guess)}."
        ends = f"{_number(self.low)} to {_number(self.high)}"
        return f"Your guess, {ends}: {self.question}{given}"

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        question = widgets.HTML(f"<b>{html.escape(self.question)}</b>")
        apart = widgets.Layout(margin="0 12px 0 0")
        ends = [widgets.Label(_number(end), layout=apart) for end in (self.low, self.high)]
        row = widgets.HBox([ends[0], self.slider, ends[1], self._said])
        return bundle(widgets.VBox([question, row]), repr(self))


class Comparison:
    """What was measured beside what was predicted.

    `str()` gives it in two lines. As the last expression of a cell it is shown, and follows the
    slider; the text that stays in the saved notebook then leaves the measured number out, which
    may be another one on another machine.
    """

    def __init__(self, prediction: Prediction, measured: Number) -> None:
        self.prediction = prediction
        self.measured = measured
        self._shown: widgets.HTML | None = None

    def _verdict(self) -> str:
        guess, measured = self.prediction.guess, self.measured
        if guess is None:
            return f"measured {_number(measured)}: no guess this time"
        said = f"measured {_number(measured)}: you predicted {_number(guess)}"
        if _number(guess) == _number(measured):
            return f"{said}, and so it is"
        more = "more" if guess > measured else "less"
        return f"{said}, {_number(abs(guess - measured))} {more}. What did you assume?"

    def __str__(self) -> str:
        return f"{self.prediction.question}\n  {self._verdict()}"

    def __repr__(self) -> str:
        if self.prediction.guess is None:
            return f"{self.prediction.question}: no guess this time."
        return f"{self.prediction.question}: you predicted {_number(self.prediction.guess)}."

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

        def x(number: Number) -> float:
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


def _number(number: Number) -> str:
    """A number as people write it: three significant digits, whole ones in full."""
    return (
        f"{round(number):d}" if abs(number) >= 1000 or number == round(number) else f"{number:.3g}"
    )


def bundle(widget: widgets.Widget, text: str) -> dict[str, Any]:
    """What a notebook shows for a widget: the widget where it lives, the text elsewhere."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"text/plain": text, WIDGET_VIEW: view}


# ------------------------------------------------------------------ pictures that follow sliders


class Sliders:
    """A picture, and a slider for each number that it depends on.

    draw: called with one argument for each slider, by name; returns a `plots.Picture`. It runs
    in the kernel's main thread at each move, so it should be done in 200 ms.
    ranges: for each name the low end, the high end, the step, and where the slider begins.

    `values` may be set, too: `sliders.values = {"load": 0.9}` moves that slider.
    """

    def __init__(
        self,
        draw: Callable[..., plots.Picture],
        **ranges: tuple[Number, Number, Number, Number],
    ) -> None:
        self.draw = draw
        self.seconds = 0.0  # that the last picture took
        self.sliders = {name: _slider(name, *ends) for name, ends in ranges.items()}
        self._shown = widgets.HTML()
        self._png = b""
        for slider in self.sliders.values():
            slider.observe(lambda _change: self.redraw(), "value")
        self.redraw()

    @property
    def values(self) -> dict[str, Number]:
        """Where the sliders are."""
        return {name: slider.value for name, slider in self.sliders.items()}

    @values.setter
    def values(self, values: Mapping[str, Number]) -> None:
        for name, value in values.items():
            self.sliders[name].value = value

    def redraw(self) -> None:
        """Draw the picture for where the sliders are; an error of `draw` is shown in its place."""
        began = time.monotonic()
        try:
            picture = self.draw(**self.values)
            self._png = picture.png()
        except Exception as error:  # a callback's error would vanish in a log
            self._shown.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"
        else:
            data = base64.b64encode(self._png).decode()
            self._shown.value = (
                f'<img alt="{html.escape(picture.alt)}" style="max-width:100%" '
                f'src="data:image/png;base64,{data}">'
            )
        self.seconds = time.monotonic() - began

    def __repr__(self) -> str:
        ends = (
            f"{name} {_number(slider.min)} to {_number(slider.max)}"
            for name, slider in self.sliders.items()
        )
        return f"A picture that follows its sliders: {', '.join(ends)}."

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, Any]:
        shown = bundle(widgets.VBox([*self.sliders.values(), self._shown]), repr(self))
        if self._png:
            shown["image/png"] = base64.b64encode(self._png).decode()
        return shown


def _slider(name: str, low: Number, high: Number, step: Number, value: Number) -> Any:
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


# ------------------------------------------------------------------ shares that move


class ShareView:
    """The messages of each participant, as bars that grow while sockets run.

    who: the participants, in the order of their bars; nobody else is counted.
    way: "received" or "sent".
    title: what the still picture says above its bars, by default what they show; or a function
    of the counts that says it.
    unit: what is counted.
    total: how many there will be, all together, if that is known: then the bars grow towards the
    even share at the end; without it they are drawn beside the longest of the moment.

    `show()` puts the bars into the output of the cell, `refresh()` brings them up to date,
    `finish()` puts a still picture in their place. `watch` does all three.
    """

    def __init__(
        self,
        journal: Journal,
        who: Sequence[str],
        *,
        way: Way = "received",
        title: str | Callable[[Mapping[str, int]], str] | None = None,
        unit: str = "tasks",
        total: int | None = None,
    ) -> None:
        self.journal = journal
        self.who = list(who)
        self.way = way
        self.title = title
        self.unit = unit
        self.total = total
        self.pictures = 0  # how many the browser has been sent
        self._next = 0.0  # not before this time (seconds, monotonic clock)
        self._widget: widgets.HTML | None = None
        self._handle = DisplayHandle()

    @property
    def counts(self) -> dict[str, int]:
        """Messages of each participant so far."""
        return self.journal.counts(self.way, self.who)

    def __repr__(self) -> str:
        return f"Figure: {self.unit} {self.way} by {', '.join(self.who)}."

    def show(self) -> None:
        """Put the bars into the output of the running cell."""
        self._widget = widgets.HTML(self._moving())
        self._handle.display(bundle(self._widget, repr(self)), raw=True)

    def refresh(self) -> None:
        """Draw the bars anew, unless that was done a moment ago; call it as often as you like.

        At most 20 pictures a second, and at most a quarter of the time is spent on them.
        """
        began = time.monotonic()
        if self._widget is None or began < self._next:
            return
        picture = self._moving()
        if picture != self._widget.value:
            self._widget.value = picture
            self.pictures += 1
        spent = time.monotonic() - began
        self._next = began + max(REFRESH, 4 * spent)

    def finish(self) -> None:
        """Leave the bars as a still picture, and end the moving one."""
        if self._widget is None:
            return
        counts = self.counts
        title = self.title(counts) if callable(self.title) else self.title
        still = plots.Picture(plots.shares, counts, title=title, unit=self.unit, text=repr(self))
        data, metadata = still._repr_mimebundle_()
        self._handle.update(data, metadata=metadata, raw=True)
        self._widget.close()
        self._widget = None

    def _moving(self) -> str:
        """The bars as SVG; a page that is asked for less motion shows a sentence instead."""
        drawn = bars(self.counts, f"{self.unit} {self.way}", self.total)
        return (
            "<style>.zmqlab-still{display:none}@media(prefers-reduced-motion:reduce)"
            "{.zmqlab-moving{display:none}.zmqlab-still{display:block}}</style>"
            f'<div class="zmqlab-moving">{drawn}</div>'
            '<p class="zmqlab-still">The sockets are at work; the picture appears when they '
            "are done.</p>"
        )


def watch(
    lab: Experiment,
    who: Sequence[str],
    *,
    until: Callable[[], object] | None = None,
    within: float = 5.0,
    what: str = "",
    way: Way = "received",
    title: str | Callable[[Mapping[str, int]], str] | None = None,
    unit: str = "tasks",
    total: int | None = None,
) -> None:
    """Wait as `lab.until` does, and show meanwhile how many messages each participant has had.

    To be called in the cell that runs the experiment, inside its `with`. The arguments are those
    of `Experiment.until` and of `ShareView`; without `until` it waits for `total` messages.
    """
    if until is None and total is None:
        raise TypeError("watch() needs to know when it is over: total=… or until=…")
    view = ShareView(lab.journal, who, way=way, title=title, unit=unit, total=total)
    view.show()

    def seen() -> object:
        view.refresh()
        return until() if until else sum(view.counts.values()) >= (total or 0)

    try:
        lab.until(seen, within, what or ("" if until else f"{total} {unit} {way}"))
    finally:
        view.finish()


def bars(counts: Mapping[str, int], what: str, total: int | None = None) -> str:
    """One bar for each participant with its count, and a dotted line at the even share, as SVG.

    total: what the counts will add up to; the line stands where the bars will then end.
    """
    even = (sum(counts.values()) if total is None else total) / max(1, len(counts))
    longest = max(*counts.values(), even, 1)
    height = 26 * len(counts)

    def x(count: float) -> float:
        return 90 + 430 * count / longest

    rows = "".join(
        f'<text x="82" y="{26 * row + 18}" text-anchor="end">{html.escape(name)}</text>'
        f'<rect x="90" y="{26 * row + 3}" width="{x(count) - 90:.1f}" height="20" '
        f'fill="{plots.color(name)}"/>'
        for row, (name, count) in enumerate(counts.items())
    )
    numbers = "".join(  # over the line, on a ground of their own
        f'<text x="{x(count) + 6:.1f}" y="{26 * row + 18}" style="paint-order:stroke;'
        f'stroke:var(--jp-layout-color0,transparent);stroke-width:5px">{count}</text>'
        for row, count in enumerate(counts.values())
    )
    told = ", ".join(f"{html.escape(name)} {count}" for name, count in counts.items())
    return (
        f'<svg viewBox="0 0 580 {height + 20}" width="580" role="img" aria-label="{what}: {told}" '
        'style="max-width:100%;font-size:13px;fill:currentColor">'
        f'{rows}<line x1="{x(even):.1f}" x2="{x(even):.1f}" y1="0" y2="{height}" '
        f'stroke="currentColor" stroke-width="1.5" stroke-dasharray="2 3"/>{numbers}'
        f'<text x="{x(even):.1f}" y="{height + 15}" text-anchor="middle">even share</text></svg>'
    )
