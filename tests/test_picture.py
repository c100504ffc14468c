"""What a notebook gets: one output, whose text does not vary, and whose picture has its words."""

import base64
import html
import re
from io import BytesIO

import ipywidgets as widgets
import matplotlib
import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from zmqlab.record.journal import Span
from zmqlab.show import picture as module
from zmqlab.show.look import DARK
from zmqlab.show.plots import Picture, busy, shares, show, together
from zmqlab.show.widget import WIDGET_VIEW

MANY = {"w1": 50, "w2": 50, "w3": 0}
FEW = {"w1": 5, "w2": 5, "w3": 5}


def draw_line(ax, height, *, title=""):
    ax.plot([0, 1], [height, height])
    ax.set_title(title)


def image(picture):
    return Image.open(BytesIO(picture.png()))


def test_ipython_gets_one_bundle_with_a_png_and_its_alternative_text():
    data, metadata = DisplayFormatter().format(Picture(shares, MANY))
    assert set(data) == {"image/png", "text/plain", WIDGET_VIEW}
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata == {"image/png": {"alt": Picture(shares, MANY).alt}}
    assert data["text/plain"] == "Figure: share per participant."
    assert "w3 0" in Picture(shares, MANY).alt


def test_where_widgets_live_it_is_an_image_with_its_words_in_the_colours_of_the_theme(
    monkeypatch,
):
    made = []
    html_of = widgets.HTML
    monkeypatch.setattr(widgets, "HTML", lambda page: made.append(page) or html_of(page))
    picture = Picture(shares, {"w<1>": 3, "w2": 1})
    data, _ = picture._repr_mimebundle_()
    (page,) = made
    (words,) = re.findall(r'<img class="zmqlab-picture" alt="([^"]*)"', page)
    assert html.unescape(words) == picture.alt
    assert "w<1> 3" in picture.alt
    assert f'src="data:image/png;base64,{data["image/png"]}"' in page
    assert '[data-jp-theme-light="false"] .zmqlab-picture' in page
    assert f"filter: {DARK}" in page


def test_the_text_is_the_same_whatever_was_measured():
    one, other = Picture(shares, MANY), Picture(shares, FEW)
    assert repr(one) == repr(other) == one.text == "Figure: share per participant."
    assert one.alt != other.alt
    assert repr(Picture(shares, MANY, text="Bars.")) == "Bars."


def test_the_title_goes_into_the_picture_and_its_alternative_text_not_into_the_text():
    picture = Picture(shares, MANY, title="A finding with 50 in it")
    assert picture.figure().axes[0].get_title("left") == "A finding with 50 in it"
    assert picture.alt.startswith("A finding with 50 in it. ")
    assert "50" not in picture.text


def test_any_drawing_function_makes_a_picture():
    picture = Picture(draw_line, 3, title="A level line", height=2, width=5)
    assert (picture.alt, picture.text) == ("A level line", "Figure.")
    assert Picture(draw_line, 3, alt="Nothing rises").alt == "Nothing rises"
    assert tuple(picture.figure().get_size_inches()) == (5, 2)


@pytest.mark.parametrize("style", [{}, {"figure.facecolor": "black", "savefig.transparent": True}])
def test_the_picture_is_opaque_with_a_white_margin_all_around(style):
    with matplotlib.rc_context(style):
        drawn = image(Picture(shares, MANY))
    assert (drawn.mode, "transparency" in drawn.info) == ("P", False)  # few colours, all opaque
    drawn = drawn.convert("RGB")
    width, height = drawn.size
    edge = 5
    for box in (
        (0, 0, width, edge),
        (0, height - edge, width, height),
        (0, 0, edge, height),
        (width - edge, 0, width, height),
    ):
        assert drawn.crop(box).getcolors() == [((box[2] - box[0]) * (box[3] - box[1]), (255,) * 3)]


def test_the_same_data_make_the_same_file_and_a_small_one():
    one, other = Picture(shares, MANY).png(), Picture(shares, MANY).png()
    assert one == other != Picture(shares, FEW).png()
    assert len(one) < 20_000


def test_the_file_carries_its_alternative_text():
    picture = Picture(shares, {"Zoë": 1})
    assert image(picture).info["Description"] == picture.alt


def test_a_picture_can_be_saved(tmp_path):
    picture = Picture(shares, MANY)
    picture.save(tmp_path / "shares.png")
    assert (tmp_path / "shares.png").read_bytes() == picture.png()


def test_matplotlibs_settings_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    Picture(shares, MANY).png()
    assert dict(matplotlib.rcParams) == before


def test_pictures_together_have_one_scale_and_all_that_each_says():
    first, second = Picture(shares, MANY, title="One"), Picture(shares, FEW, title="Two")
    both = together(first, second)
    axes = both.figure().axes
    assert [ax.get_title("left") for ax in axes] == ["One", "Two"]
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert axes[0].get_position().y0 == axes[1].get_position().y0
    assert first.alt in both.alt
    assert second.alt in both.alt
    assert (first.width, len(first.figure().axes)) == (7, 1)  # as it was
    assert both.text == first.text
    assert together(first, second, text="Before and after").text == "Before and after"


def test_times_together_have_one_unit():
    slow, fast = [Span("w1", 0, 5, ())], [Span("w1", 0, 0.3, ())]
    both = together(Picture(busy, slow), Picture(busy, fast, bound=0.2), columns=1)
    upper, lower = both.figure().axes
    assert upper.get_xlim() == lower.get_xlim()
    assert upper.get_xlabel() == lower.get_xlabel() == "time (s); pale: idle"
    assert both.height > Picture(busy, slow).height * 2


def test_a_scale_of_ones_own_choice_is_kept():
    both = together(Picture(shares, MANY, most=200), Picture(shares, FEW))
    assert [ax.get_xlim()[1] for ax in both.figure().axes] == pytest.approx([224, 56])


def test_show_makes_the_picture_and_displays_it(monkeypatch):
    shown = []
    monkeypatch.setattr(module, "display", shown.append)
    ready = Picture(shares, FEW)
    show(shares, MANY, title="Now", text="Bars.")
    show(ready)
    assert (shown[0].text, shown[0].alt[:5]) == ("Bars.", "Now. ")
    assert shown[1] is ready
