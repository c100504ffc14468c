"""What a learner sets or answers on the page: a slider, or a choice, each with its name."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

HERE = Path(__file__)


class Field(anywidget.AnyWidget):
    """A question on the page, and where it is answered: a slider, or choices if there are any."""

    _esm = HERE.with_suffix(".js").read_text(encoding="utf-8")
    _css = HERE.with_suffix(".css").read_text(encoding="utf-8")
    question = traitlets.Unicode().tag(sync=True)
    low = traitlets.Float().tag(sync=True)
    high = traitlets.Float().tag(sync=True)
    step = traitlets.Float(1.0).tag(sync=True)
    start = traitlets.Float().tag(sync=True)  # where the slider is before there is an answer
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    answer = traitlets.Any(None).tag(sync=True)  # a number, one of the choices, or None
    says = traitlets.Unicode("Your guess").tag(sync=True)  # of the answer; "": all in one line
