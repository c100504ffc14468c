"""What stays of a widget when its cell runs again."""

import ipywidgets as widgets
import pytest

from zmqlab.show import widget as module
from zmqlab.show.widget import WIDGET_VIEW, bundle


class Shell:
    """A kernel's shell, which knows for which cell it works, and in which of its runs."""

    def __init__(self):
        self.cell = self.run = ""

    def get_parent(self):
        return {"metadata": {"cellId": self.cell}, "header": {"msg_id": self.run}}


@pytest.fixture
def shell(monkeypatch):
    shell = Shell()
    monkeypatch.setattr(module, "get_ipython", lambda: shell)
    monkeypatch.setattr(module, "_shown", {})
    return shell


class Closing(widgets.HTML):
    """It says whether it is closed."""

    closed = False

    def close(self):
        self.closed = True
        super().close()


def test_it_is_the_widget_and_the_text():
    shown = bundle(made := widgets.HTML(), "A text.")
    assert shown["text/plain"] == "A text."
    assert shown[WIDGET_VIEW]["model_id"] == made.model_id


def test_what_a_cell_showed_is_closed_when_it_shows_something_in_another_run(shell):
    first, second, elsewhere, again = (Closing() for _ in range(4))
    for cell, run, widget in [
        ("a", "1", first),
        ("a", "1", second),
        ("b", "2", elsewhere),
        ("a", "3", again),
    ]:
        shell.cell, shell.run = cell, run
        bundle(widget, "")
    assert [w.closed for w in (first, second, elsewhere, again)] == [True, True, False, False]
    parts = (first.layout, first.style, again.layout, again.style)
    assert [part.comm is None for part in parts] == [True, True, False, False]


def test_what_is_in_a_widget_is_closed_with_it(shell):
    inner = Closing()
    for run, widget in (("1", widgets.VBox([inner])), ("2", Closing())):
        shell.cell, shell.run = "a", run
        bundle(widget, "")
    assert inner.closed


def test_what_a_cell_shows_again_stays_open(shell):
    kept = Closing()
    for run in ("1", "2", "3"):
        shell.cell, shell.run = "a", run
        bundle(kept, "")
    assert not kept.closed


def test_where_no_cell_is_known_nothing_is_closed(shell):
    kept = Closing()
    bundle(kept, "")
    shell.run = "2"
    bundle(Closing(), "")
    assert not kept.closed
