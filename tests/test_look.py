"""Colours that can be told apart, numbers that can be read."""

import itertools

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from zmqlab.show.heat import FULL
from zmqlab.show.look import (
    DPI,
    GREY,
    INK,
    PALE,
    PALETTE,
    PAPER,
    TITLE,
    at_night,
    color,
    cut,
    darker,
    dress,
    duration,
    hatch,
    inches,
    milliseconds,
    name_rows,
    natural,
    points,
    short,
    table,
    unit_for,
)
from zmqlab.show.picture import Picture

# How red-blind, green-blind and blue-blind eyes see: Machado, Oliveira and Fernandes, "A
# physiologically-based model for simulation of color vision deficiency" (2009), severity 1.
EYES = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red cones": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green cones": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue cones": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(colour):
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]


def seen(colour, eyes):
    """The colour as these eyes see it, in light."""
    rgb = linear(colour)
    return [sum(a * b for a, b in zip(row, rgb, strict=True)) for row in EYES[eyes]]


def brightness(colour):
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """WCAG 2.2: 1 (the same) to 21 (black on white)."""
    bright, dark = sorted((brightness(one), brightness(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("eyes", EYES)
def test_any_two_of_seven_workers_can_be_told_apart(eyes):
    for one, other in itertools.combinations(PALETTE, 2):
        ends = zip(seen(one, eyes), seen(other, eyes), strict=True)
        assert sum((a - b) ** 2 for a, b in ends) ** 0.5 > 0.12, (one, other)


def test_a_worker_has_one_colour_however_it_is_called():
    assert len({color(f"w{n}") for n in range(1, 8)}) == 7
    assert color("w2") == color("worker 2") == color("worker-2") == PALETTE[1]
    assert color("w0") == color("w1")


@pytest.mark.parametrize("name", ["main", "broker", "c1", "sink", "w", "ww1", "w1x", ""])
def test_everybody_else_is_grey(name):
    assert (color(name), hatch(name)) == (GREY, "")


def test_colour_and_hatch_together_tell_forty_workers_apart():
    assert len({(color(f"w{n}"), hatch(f"w{n}")) for n in range(1, 41)}) == 40
    assert {hatch(f"w{n}") for n in range(1, 8)} == {""}


# How a figure is seen in JupyterLab's light and dark themes, and on what ground.
THEMES = {"light": (str, "#ffffff"), "dark": (at_night, "#111111")}


@pytest.mark.parametrize(("seen_as", "ground"), THEMES.values(), ids=THEMES)
def test_a_figure_has_the_ground_of_the_page_and_what_it_says_and_marks_stands_out(seen_as, ground):
    """WCAG 2.2 asks for 4.5 to 1 of text, and for 3 to 1 of all else that says something."""
    assert seen_as(PAPER) == ground
    for text in (INK, GREY):
        assert contrast(seen_as(text), ground) >= 4.5
        assert contrast(seen_as(text), seen_as(PALE)) >= 4.5
    full = [255 + (round(255 * part) - 255) * FULL for part in to_rgb(PALETTE[1])]  # a cell of heat
    assert (
        contrast(seen_as(INK), seen_as("#" + "".join(f"{round(part):02x}" for part in full))) >= 4.5
    )
    for colour in map(darker, PALETTE):
        assert contrast(seen_as(colour), ground) >= 3, colour
        assert contrast(seen_as(colour), seen_as(PALE)) >= 3, colour


def test_the_filter_keeps_what_is_grey_grey_and_what_is_blue_blue():
    assert at_night("#595959") == "#a1a1a1"
    red, green, blue = to_rgb(at_night(PALETTE[0]))
    assert red < green < blue
    assert at_night(PALETTE[1]) == "#9b5e00"  # orange, with less light


def test_lines_need_darker_colours_than_bars_with_an_edge():
    assert contrast(PALETTE[6], PAPER) < 1.5


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("seen_as", [darker, at_night, lambda colour: at_night(darker(colour))])
def test_neighbours_can_be_told_apart_in_lines_and_in_the_dark(eyes, seen_as):
    for one, other in itertools.pairwise(PALETTE):
        ends = zip(seen(seen_as(one), eyes), seen(seen_as(other), eyes), strict=True)
        assert sum((a - b) ** 2 for a, b in ends) ** 0.5 > 0.06, (one, other)


def test_a_figure_is_dark_on_light_in_whatever_style_matplotlib_is():
    dark = {"figure.facecolor": "k", "axes.facecolor": "k", "text.color": "w", "axes.grid": True}
    with matplotlib.rc_context(dark):
        figure = Figure()
        ax = figure.add_subplot()
        before = dict(matplotlib.rcParams)
        dress(ax, "The finding")
        assert dict(matplotlib.rcParams) == before
    assert figure.get_facecolor() == ax.get_facecolor() == (1, 1, 1, 1)
    title = next(text for text in ax.findobj(Text) if text.get_text() == "The finding")
    assert (title.get_color(), title.get_ha()) == (INK, "left")
    assert {tick.label1.get_color() for tick in ax.xaxis.get_major_ticks()} == {INK}
    assert not any(line.get_visible() for line in ax.get_xgridlines())


@pytest.mark.parametrize("tenths", range(30, 60))
def test_a_long_finding_is_broken_into_lines_but_not_before_a_unit(tenths):
    ax = Figure((tenths / 10, 3), DPI).add_subplot()
    dress(ax, "least recently used has the shortest p99 latency of all, 76.8 ms; random 225 ms")
    lines = ax.get_title("left").splitlines()
    assert len(lines) > 1
    assert not any(line.startswith(("ms", "ms;")) for line in lines)


@pytest.mark.parametrize("names", [("w1",), ("HWM 100, 10 kB", "PUSH")])
@pytest.mark.parametrize(
    "title",
    [
        "A PUSH that binds loses what waits; one that connects keeps 22 of 29",
        "With HWM 1, 2 small tasks are in flight over inproc, 1000 or more over tcp",
        "Wide WW MM words WWW and narrow ones: till it fills, lilt, jilt, still it will fit in",
    ],
)
def test_a_title_is_broken_where_it_must_be_and_not_before(title, names):
    def draw(ax, title):
        dress(ax, title, names=names)
        name_rows(ax, names)

    figure = Picture(draw, title=title).figure()
    FigureCanvasAgg(figure).draw()
    (ax,) = figure.axes
    ends = ax._left_title.get_window_extent().x1
    assert ends <= figure.bbox.x1
    first, second = ax.get_title("left").split("\n")
    longer = points(f"{first} {second.split(' ')[0]}", TITLE, "bold") / 72 * DPI
    assert ax.bbox.x0 + longer > ax.bbox.x1 - 0.06 * figure.bbox.x1


def test_axes_without_a_place_in_a_grid_have_their_own_size():
    figure = Figure((10, 10), DPI)
    assert inches(figure.add_axes((0, 0, 0.5, 0.2))) == pytest.approx((5, 2))
    assert inches(figure.add_subplot(2, 1, 1)) == pytest.approx((10 - 0.9, 5 - 1.1))


# --- Numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.00004, "40 µs"),
        (0.0004, "400 µs"),
        (0.296, "296 ms"),
        (0.0768, "76.8 ms"),
        (1, "1 s"),
        (5.08, "5.08 s"),
        (1234, "1,234 s"),
    ],
)
def test_times_have_a_unit_and_three_digits_that_matter(seconds, words):
    assert duration(seconds) == words


@given(st.floats(1e-6, 1e5))
def test_a_time_in_words_is_the_time(seconds):
    number, unit = duration(seconds).split()
    scale = {"s": 1, "ms": 1e3, "µs": 1e6}[unit]
    assert float(number.replace(",", "")) / scale == pytest.approx(seconds, rel=0.006)
    assert unit_for(seconds) == (scale, unit)


def test_short_numbers():
    assert [short(n) for n in (33.3333, 100.4, 0, 2.5, 0.125)] == [
        "33.3",
        "100",
        "0",
        "2.5",
        "0.125",
    ]
    assert milliseconds(0.01234) == "12.3"
    assert (cut("abcdef", 6), cut("abcdef", 4)) == ("abcdef", "abc…")


def test_names_are_sorted_as_people_count():
    assert sorted(["w10", "w9", "w1", "main", "w2"], key=natural) == [
        "main",
        "w1",
        "w2",
        "w9",
        "w10",
    ]


def test_tables_align_names_left_and_numbers_right():
    assert table(
        ["", "tasks", "share"], [["w1", "7", "7%"], ["w10", "93", "93%"], ["all", "100"]]
    ) == ("     tasks  share\nw1       7     7%\nw10     93    93%\nall    100")
