"""What the plots draw, and that their words say the same."""

import itertools
import math

import matplotlib
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from zmqlab.record.journal import Span
from zmqlab.show.heat import FULL
from zmqlab.show.look import DPI, INK, PALE, PALETTE, TITLE, color, darker, points
from zmqlab.show.plots import (
    Picture,
    busy,
    busy_alt,
    busy_text,
    curves,
    curves_alt,
    curves_text,
    dots,
    dots_alt,
    dots_text,
    ecdf,
    ecdf_alt,
    ecdf_text,
    heat,
    heat_alt,
    heat_text,
    percentile,
    shares,
    shares_alt,
    shares_text,
    stacked,
    stacked_alt,
    stacked_text,
    verdicts,
    verdicts_alt,
    verdicts_text,
)

SHARES = {"w1": 0, "w2": 50, "w3": 50}
SPANS = [
    Span("w2", 10.0, 10.2, (b"a",)),
    Span("w10", 10.0, 11.0, (b"b",)),
    Span("w2", 10.5, 10.7, (b"c",)),
]
SAMPLES = {"random": [0.001 * n for n in range(1, 101)], "round robin": [0.010, 0.020]}
RUNS = {"run 1": {"w1": 100, "w2": 0}, "run 2": {"w1": 50, "lost": 50}}
LIMITS = {"tcp": {"HWM 1": 4000.0, "HWM 10": 4500.0}, "inproc": {"HWM 1": 2.0}}
KEPT = {"ours": {"asks": "passed", "ends": "undecided"}, "theirs": {"asks": "failed"}}
SEEN = {"by sight": {"slow": 0.5, "dead": None}, "by touch": {"dead": 1.0}}
ALL = [
    (shares, SHARES),
    (busy, SPANS),
    (ecdf, SAMPLES),
    (stacked, RUNS),
    (dots, LIMITS),
    (verdicts, KEPT),
    (heat, SEEN),
    (shares, {}),
    (busy, []),
    (ecdf, {}),
    (ecdf, {"nobody": []}),
    (dots, {}),
    (verdicts, {}),
    (heat, {}),
]


def axes(draw, *data, **options):
    ax = Figure((7, 4), layout="constrained").add_subplot()
    draw(ax, *data, **options)
    return ax


def texts(ax):
    return [text for text in ax.figure.findobj(Text) if text.get_visible() and text.get_text()]


def words(ax):
    return [text.get_text() for text in texts(ax)]


def row_names(ax):
    """From the top."""
    bottom, top = ax.get_ylim()
    assert bottom > top
    return [label.get_text() for label in ax.get_yticklabels()]


def vertical_lines(ax):
    """Where they stand, by the look of the line."""
    return {
        line.get_linestyle(): line.get_xdata()[0]
        for line in ax.lines
        if len(line.get_xdata()) == 2 and line.get_xdata()[0] == line.get_xdata()[1]
    }


# --- All of them ------------------------------------------------------------------------------


@pytest.mark.parametrize(("draw", "data"), ALL)
def test_every_word_is_dark_on_light_and_inside_the_figure(draw, data):
    dark = {"text.color": "white", "axes.labelcolor": "white", "legend.labelcolor": "white"}
    with matplotlib.rc_context(dark):
        figure = Picture(draw, data).figure()
    FigureCanvasAgg(figure).draw()
    assert figure.get_facecolor() == (1, 1, 1, 1)
    for text in texts(figure.axes[0]):
        assert to_hex(text.get_color()) == INK, text
        if text.get_clip_on() is False or text in figure.axes[0].texts:
            box = text.get_window_extent()
            assert box.x0 >= 0, text
            assert box.y0 >= 0, text
            assert box.x1 <= figure.bbox.x1, text
            assert box.y1 <= figure.bbox.y1, text


@pytest.mark.parametrize(("draw", "data"), ALL)
def test_a_title_of_ones_own_takes_the_place_of_the_computed_one(draw, data):
    assert axes(draw, data).get_title("left")
    assert axes(draw, data, title="Mine").get_title("left") == "Mine"
    assert Picture(draw, data, title="Mine").alt.startswith("Mine. ")


@pytest.mark.parametrize(("draw", "data"), ALL[:6])
def test_a_title_is_broken_only_where_its_next_word_has_no_room(draw, data):
    title = "HWM 1 over tcp: the slow worker gets 17 of 90; done after 0.85 s, as long as before"
    figure = Picture(draw, data, title=title).figure()
    FigureCanvasAgg(figure).draw()
    (ax,) = figure.axes
    first, second, *_ = ax.get_title("left").split("\n")
    longer = points(f"{first} {second.split(' ')[0]}", TITLE, "bold") / 72 * DPI
    assert ax.bbox.x0 + longer > ax.bbox.x1 - 0.02 * figure.bbox.x1
    assert ax._left_title.get_window_extent().x1 <= figure.bbox.x1


# --- Shares -----------------------------------------------------------------------------------


def test_bars_are_in_the_given_order_from_the_top_and_say_their_value():
    ax = axes(shares, {"w3": 7, "w1": 146, "w2": 147})
    assert row_names(ax) == ["w3", "w1", "w2"]
    bars = ax.containers[0]
    assert [bar.get_width() for bar in bars] == [7, 146, 147]
    assert [bar.get_y() + bar.get_height() / 2 for bar in bars] == [0, 1, 2]
    assert [to_hex(bar.get_facecolor()) for bar in bars] == [
        color(name).lower() for name in ("w3", "w1", "w2")
    ]
    assert {"7", "146", "147"} <= set(words(ax))


def test_the_axis_of_shares_begins_at_zero_and_has_a_unit():
    ax = axes(shares, SHARES, unit="requests")
    assert ax.get_xlim()[0] == 0
    assert 50 < ax.get_xlim()[1] < 60
    assert ax.get_xlabel() == "requests"
    assert axes(shares, SHARES, most=500).get_xlim()[1] > 500


def test_a_dotted_line_stands_at_the_even_share():
    ax = axes(shares, {"w1": 100, "w2": 0, "w3": 2})
    assert vertical_lines(ax) == {":": 34}
    assert "even share 34" in words(ax)


@pytest.mark.parametrize("width", [7, 4.25])
@pytest.mark.parametrize("most", [None, 300])
@pytest.mark.parametrize(
    "counts", [(33, 33, 34), (30, 36, 34), (10, 10, 10), (31, 0, 32), (1, 98, 1), (999, 1000, 1000)]
)
def test_no_value_stands_on_the_line_of_the_even_share(counts, most, width):
    named = {f"w{n}": count for n, count in enumerate(counts, 1)}
    figure = Picture(shares, named, most=most and max(most, *counts), width=width).figure()
    FigureCanvasAgg(figure).draw()
    (ax,) = figure.axes
    (line,) = (line for line in ax.lines if line.get_linestyle() == ":")
    at = ax.transData.transform((line.get_xdata()[0], 0))[0]
    values = {text.get_text(): text.get_window_extent() for text in ax.texts}
    for count in counts:
        box = values[f"{count}"]
        assert box.x1 < at - 1 or box.x0 > at + 1
        assert box.x0 > ax.transData.transform((count, 0))[0]
        assert box.x1 <= figure.bbox.x1


def test_without_any_task_there_is_no_even_share():
    assert vertical_lines(axes(shares, {"w1": 0, "w2": 0})) == {}


@pytest.mark.parametrize(
    ("counts", "title"),
    [
        ([0, 50, 50], "w1 got none of 100 tasks; an even share is 33.3"),
        ([0, 100, 0], "w2 got all 100 tasks; an even share is 33.3"),
        ([146, 147, 7], "w3 got 7 of 300 tasks; an even share is 100"),
        ([34, 33, 33], "Each of the 3 got 33 or 34 of 100 tasks"),
        ([25, 25, 25, 25], "Each of the 4 got 25 of 100 tasks"),
        ([100], "w1 got all 100 tasks"),
        ([0, 0], "Nobody got any tasks"),
        ([], "Nobody got any tasks"),
    ],
)
def test_the_title_of_shares_says_what_stands_out(counts, title):
    named = {f"w{n}": count for n, count in enumerate(counts, 1)}
    assert axes(shares, named).get_title("left") == title
    assert shares_alt(named).startswith(title + ". ")


def test_shares_in_words():
    assert shares_text(SHARES) == (
        "    tasks  share\nw1      0     0%\nw2     50    50%\nw3     50    50%\neven share: 33.3"
    )
    assert shares_text({"w1": 0}, unit="requests").splitlines()[0] == "    requests  share"
    assert shares_alt(SHARES, title="So it was", unit="jobs") == (
        "So it was. Bar chart of jobs per participant: w1 0, w2 50, w3 50; a dotted line marks "
        "the even share, 33.3."
    )


# --- Busy -------------------------------------------------------------------------------------


def bars_of(ax):
    """For each row the bars (begin, end) by colour."""
    found = {}
    for bars in ax.collections:
        boxes = [path.get_extents() for path in bars.get_paths()]
        row = round((boxes[0].y0 + boxes[0].y1) / 2) if boxes else None
        key = (row, to_hex(bars.get_facecolor()[0])) if boxes else None
        found[key] = [(round(box.x0, 6), round(box.x1, 6)) for box in boxes]
    return found


def test_rows_are_in_order_of_their_names_and_time_counts_from_the_first_start():
    ax = axes(busy, SPANS)
    assert row_names(ax) == ["w2", "w10"]
    assert ax.get_xlabel() == "time (s); pale: idle"
    assert bars_of(ax) == {
        (0, PALE): [(0, 1)],
        (0, darker(color("w2"))): [(0, 0.2), (0.5, 0.7)],
        (1, PALE): [(0, 1)],
        (1, darker(color("w10"))): [(0, 1)],
    }
    assert {"40% busy", "100% busy"} <= set(words(ax))


def test_short_times_are_in_milliseconds():
    ax = axes(busy, [Span("w1", 3, 3.25, ())])
    assert ax.get_xlabel() == "time (ms); pale: idle"
    assert bars_of(ax)[0, darker(color("w1"))] == [(0, 250)]


def test_who_was_never_busy_has_a_row_if_asked_for_and_who_was_not_asked_for_has_none():
    ax = axes(busy, SPANS, who=["w1", "w2"])
    assert row_names(ax) == ["w1", "w2"]
    assert "0% busy" in words(ax)
    assert vertical_lines(ax) == {"-": pytest.approx(700)}  # ms: w10 does not count


def test_the_end_and_the_bound_are_marked():
    ax = axes(busy, SPANS, bound=0.8)
    assert vertical_lines(ax) == {"-": pytest.approx(1.0), "--": pytest.approx(0.8)}
    assert {"done 1 s", "lower bound 800 ms"} <= set(words(ax))


@pytest.mark.parametrize("bound", [0.01, 0.1, 0.3, 0.5, 0.99, 1.0])
@pytest.mark.parametrize("until", [None, 1.5, 5, 30])
def test_what_marks_the_end_and_the_bound_never_overlaps(bound, until):
    figure = Picture(busy, SPANS, bound=bound, until=until).figure()
    FigureCanvasAgg(figure).draw()
    said = [t for t in texts(figure.axes[0]) if "done" in t.get_text() or "bound" in t.get_text()]
    boxes = [text.get_window_extent() for text in said if text is not figure.axes[0]._left_title]
    assert boxes
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(box.x0 >= figure.axes[0].bbox.x0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_an_axis_may_have_room_for_more():
    assert axes(busy, SPANS, until=30).get_xlim() == (0, pytest.approx(36))


def test_bars_too_narrow_to_see_are_drawn_as_one_but_gaps_that_matter_stay():
    tight = [Span("w1", n / 1000, (n + 0.99) / 1000, ()) for n in range(1000)]
    loose = [Span("w2", n / 4000, (n + 0.5) / 4000, ()) for n in range(4000)]
    wide = [Span("w3", n / 10, (n + 1) / 10, ()) for n in range(10)]
    bars = bars_of(axes(busy, tight + loose + wide))
    assert bars[0, darker(color("w1"))] == [(0, 0.99999)]
    assert len(bars[1, darker(color("w2"))]) == 4000
    assert len(bars[2, darker(color("w3"))]) == 10


@pytest.mark.parametrize(
    ("spans", "bound", "title"),
    [
        (SPANS, None, "w10 was busy 100% of the time, w2 only 40%"),
        (SPANS, 0.5, "Done after 1 s, 2 times the lower bound of 500 ms"),
        ([Span("w1", 0, 1, ()), Span("w2", 0, 0.95, ())], None, "All 2 were busy at least 95%"),
        ([], None, "Nobody was busy"),
        ([], 0.5, "Nobody was busy"),
    ],
)
def test_the_title_of_busy_times_says_what_stands_out(spans, bound, title):
    assert busy_alt(spans, bound=bound).startswith(title)
    shown = axes(busy, spans, bound=bound).get_title("left")
    assert " ".join(shown.split()).startswith(title)


def test_busy_times_in_words():
    assert busy_text(SPANS, bound=0.8) == (
        "     tasks    busy  of the time\n"
        "w2       2  400 ms          40%\n"
        "w10      1     1 s         100%\n"
        "all done after 1 s; no schedule takes less than 800 ms"
    )
    assert busy_text(SPANS, who=["w10"]).splitlines()[-1] == "all done after 1 s"
    assert busy_alt(SPANS, bound=0.8, title="So it was") == (
        "So it was. Time chart of who was busy when, over 1 s; busy part of the time: w2 40%, "
        "w10 100%; a dashed line marks the lower bound, 800 ms."
    )


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.floats(0, 100), st.floats(1e-6, 10)), min_size=1))
def test_any_busy_times_can_be_drawn(lines):
    spans = [Span(f"w{n}", start, start + length, ()) for n, start, length in lines]
    ax = axes(busy, spans)
    assert ax.get_xlim()[1] >= max(line for line in vertical_lines(ax).values())


# --- Distributions ----------------------------------------------------------------------------


def test_each_curve_climbs_from_nothing_to_all():
    ax = axes(ecdf, SAMPLES)
    curves = [line for line in ax.lines if line.get_label() in SAMPLES or ":  " in line.get_label()]
    assert len(curves) == 2
    for line, values in zip(curves, SAMPLES.values(), strict=True):
        xs, ys = line.get_data()
        assert list(xs[1:]) == pytest.approx([1000 * value for value in values])
        assert (ys[0], ys[-1]) == (0, 1)
        assert line.get_drawstyle() == "steps-post"
    assert ax.get_xlim()[0] == 0
    assert ax.get_xlabel() == "latency (ms)"
    assert ax.get_ylabel() == "share within this time"


def test_a_distribution_says_of_what_it_shows_the_share():
    ax = axes(ecdf, SAMPLES, what="wait", of="answers")
    assert ax.get_ylabel() == "share of answers\nwithin this time"
    assert "the share of answers within each wait:" in ecdf_alt(SAMPLES, what="wait", of="answers")


def test_curves_differ_by_line_and_marker_and_say_their_percentiles():
    ax = axes(ecdf, SAMPLES)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["random:  p50 50 ms  p99 99 ms", "round robin:  p50 10 ms  p99 20 ms"]
    lines = ax.get_legend().get_lines()
    assert len({line.get_linestyle() for line in lines}) == 2
    assert len({line.get_marker() for line in lines}) == 2


def test_markers_stand_on_the_percentiles():
    ax = axes(ecdf, SAMPLES, percentiles=(50, 90))
    line = ax.lines[0]
    marked = [(line.get_xdata()[at], line.get_ydata()[at]) for at in line.get_markevery()]
    assert marked == [
        (pytest.approx(50), pytest.approx(0.5)),
        (pytest.approx(90), pytest.approx(0.9)),
    ]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "50 %", "90 %"]


def test_workers_keep_their_colour_in_distributions():
    ax = axes(ecdf, {"w3": [1.0], "other": [2.0], "w1": [3.0]})
    assert [line.get_color() for line in ax.lines[:3]] == [
        darker(colour) for colour in (color("w3"), PALETTE[1], color("w1"))
    ]


def test_a_logarithmic_axis_begins_where_the_curves_leave_the_ground():
    ax = axes(ecdf, {"tail": [1e-9, *[0.01] * 500, 10.0]}, log=True)
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "latency (s), logarithmic scale"
    assert 0.001 < ax.get_xlim()[0] < 0.01
    assert "logarithmic" in ecdf_alt({"tail": [1.0]}, log=True)


@pytest.mark.parametrize(
    ("low", "high", "numbers"),
    [
        (0.002, 0.5, ["2", "3", "5", "10", "20", "30", "50", "100", "200", "300", "500"]),
        (
            0.002,
            6.0,
            ["0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"],
        ),
        (0.00001, 6.0, ["1e\N{MINUS SIGN}05", "0.0001", "0.001", "0.01", "0.1", "1"]),
    ],
)
def test_a_value_on_a_logarithmic_axis_can_be_read_between_two_numbers(low, high, numbers):
    ax = axes(ecdf, {"one": [low, high]}, log=True)
    FigureCanvasAgg(ax.get_figure()).draw()
    begins, ends = ax.get_xlim()
    ticks = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    assert [label.get_text() for at, label in ticks if begins <= at <= ends] == numbers
    assert ax.get_xticks(minor=True).size == 0


def test_who_has_no_samples_is_left_out_of_the_picture_and_shown_in_the_table():
    samples = {"quick": [0.1], "none": []}
    assert len(axes(ecdf, samples).get_legend().get_texts()) == 1
    assert ecdf_text(samples) == (
        "       n    mean     p50     p99     max\n"
        "quick  1  100 ms  100 ms  100 ms  100 ms\n"
        "none   0"
    )


@pytest.mark.parametrize(
    ("samples", "title"),
    [
        (SAMPLES, "round robin has the shortest p99 latency, 20 ms; random the longest, 99 ms"),
        ({"alone": [0.1, 0.2]}, "alone: 99 of 100 take at most 200 ms"),
        ({}, "Nothing was measured"),
    ],
)
def test_the_title_of_distributions_names_the_best_and_the_worst(samples, title):
    assert ecdf_alt(samples).startswith(title)


def test_distributions_in_words():
    assert ecdf_text(SAMPLES, percentiles=(50, 99.9)) == (
        "               n     mean    p50   p99.9     max\n"
        "random       100  50.5 ms  50 ms  100 ms  100 ms\n"
        "round robin    2    15 ms  10 ms   20 ms   20 ms"
    )
    assert ecdf_alt(SAMPLES, title="So it was", what="wait") == (
        "So it was. Curves of the share within each wait: random p50 50 ms, p99 99 ms; "
        "round robin p50 10 ms, p99 20 ms."
    )


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.floats(0, 100))
def test_percentiles_are_numpys_inverse_of_the_distribution(values, p):
    ours = percentile(values, p)
    assert sum(value <= ours for value in values) >= p / 100 * len(values) - 1e-9
    whole = float(p)
    if not math.isclose(whole * len(values) / 100, round(whole * len(values) / 100)):
        assert ours == numpy.percentile(values, p, method="inverted_cdf")


def test_no_samples_have_no_percentile():
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 50)


# --- Lines ------------------------------------------------------------------------------------

MEANS = {"in turn": [10, 20, 40], "w2": [20, 20, 20]}


def test_a_line_goes_through_the_numbers_of_each_name_at_even_distances():
    ax = axes(curves, MEANS, at=[0, 0.5, 8], along="variance", unit="mean")
    assert [list(line.get_ydata()) for line in ax.lines] == [[10, 20, 40], [20, 20, 20]]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "0.5", "8"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("variance", "mean,\nlogarithmic scale")
    assert ax.get_yscale() == "log"
    assert ax.lines[1].get_color() == darker(color("w2"))
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines}) == 2


def test_numbers_that_grow_with_a_value_may_be_read_from_zero():
    ax = axes(curves, MEANS, at=[0, 0.5, 8], along="variance", unit="mean", log=False)
    assert (ax.get_ylabel(), ax.get_yscale(), ax.get_ylim()[0]) == ("mean", "linear", 0)
    assert "logarithmic" not in curves_alt(MEANS, at=[0, 0.5, 8], along="variance", log=False)


def test_who_crosses_a_line_is_seen_beside_a_level_one():
    mark = (0.5, "as good")
    ax = axes(curves, MEANS, at=[0, 0.5, 8], along="variance", beside="in turn", mark=mark)
    assert [list(line.get_ydata()) for line in ax.lines[:2]] == [[1, 1, 1], [2, 1, 0.5]]
    assert vertical_lines(ax) == {":": 1}
    assert {"as good", "as much as in turn"} <= set(words(ax))


@pytest.mark.parametrize(
    ("others", "crossed"),
    [
        ([20, 20, 20], [1]),  # on one of the values
        ([20, 40, 20], [1.5]),  # twice as much, then half
        ([5, 40, 20], [0.5, 1.5]),
        ([20, 40, 80], []),
    ],
)
def test_a_ring_stands_where_a_line_crosses_the_level_one(others, crossed):
    ax = axes(curves, {"a": [10, 20, 40], "b": others}, at=[1, 2, 3], along="x", beside="a")
    rings = ax.collections[-1]
    assert rings.get_offsets().tolist() == [pytest.approx((place, 1)) for place in crossed]
    (ground,) = ax.patches
    assert ground.get_extents().y1 == pytest.approx(ax.transData.transform((0, 1))[1])


def test_lines_that_are_near_each_other_have_numbers_to_read_them_by():
    rows = {"one": [0.8, 1.3], "two": [1, 1]}
    ax = axes(curves, rows, at=[1, 2], along="x")
    low, high = ax.get_ylim()
    inside = [tick for tick in ax.get_yticks() if low <= tick <= high]
    assert inside == pytest.approx([0.8, 0.9, 1, 1.2])


def test_lines_in_words():
    assert curves_text(MEANS, at=[0, 0.5, 8], along="variance") == (
        "variance   0  0.5   8\nin turn   10   20  40\nw2        20   20  20"
    )
    assert curves_alt(
        MEANS, at=[0, 0.5, 8], along="variance", unit="ms", beside="in turn", mark=(8, "worse")
    ) == (
        "From 10 to 40 ms. Line chart of ms, drawn as multiples of in turn, logarithmic scale, at "
        "variance 0, 0.5, 8: in turn 10, 20, 40; w2 20, 20, 20. At 8: worse."
    )


def test_a_line_chart_is_dark_on_light_and_its_words_are_inside():
    figure = Picture(curves, MEANS, at=[0, 0.5, 8], along="x", mark=(0.5, "here it is")).figure()
    FigureCanvasAgg(figure).draw()
    for text in texts(figure.axes[0]):
        assert to_hex(text.get_color()) == INK
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1


# --- Wholes and their parts, values on a scale --------------------------------------------------


def test_parts_follow_each_other_and_workers_keep_their_colour():
    ax = axes(stacked, RUNS)
    assert row_names(ax) == ["run 1", "run 2"]
    assert [[bar.get_width() for bar in bars] for bars in ax.containers] == [
        [100, 50],
        [0, 0],
        [0, 50],
    ]
    assert [bar.get_x() for bar in ax.containers[2]] == [100, 50]
    assert [to_hex(bars[0].get_facecolor()) for bars in ax.containers[:2]] == [
        color("w1").lower(),
        color("w2").lower(),
    ]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["w1", "w2", "lost"]


def test_parts_in_words():
    assert stacked_text(RUNS) == (
        "tasks   w1  w2  lost\nrun 1  100   0     0\nrun 2   50   0    50"
    )
    assert stacked_alt(RUNS) == (
        "Of 2, 1 have all tasks in one part, 1 have even parts. Stacked bars of tasks: "
        "run 1 w1 100, w2 0; run 2 w1 50, lost 50."
    )


def test_a_bar_too_short_for_a_number_has_it_behind_it():
    ax = axes(stacked, {"few": {"came": 2, "lost": 1}, "many": {"came": 100, "lost": 50}})
    (behind,) = [text for text in ax.texts if text.get_text() == "2 + 1"]
    assert behind.get_position()[0] > 3
    assert {"100", "50"} <= {text.get_text() for text in ax.texts}


def test_marks_of_one_name_are_alike_and_stand_at_their_values():
    ax = axes(dots, LIMITS, unit="tasks", log=True)
    marks = [line for line in ax.lines if line.get_marker() != "None"]
    assert [list(zip(*line.get_data(), strict=True)) for line in marks] == [
        [(4000, 0), (2, 1)],
        [(4500, 0)],
    ]
    assert len({line.get_marker() for line in marks}) == 2
    assert ax.get_xlabel() == "tasks, logarithmic scale"
    at_zero = axes(dots, {"run 1": {"first": 0, "second": 5}})
    assert at_zero.get_xlim()[0] == 0
    assert not any(line.get_clip_on() for line in at_zero.lines if line.get_marker() == "o")


def test_marks_have_no_worker_s_colour_and_equal_ones_hide_none():
    ax = axes(dots, {"run 1": {"first": 3, "second": 3, "third": 3}})
    marks = [line for line in ax.lines if line.get_marker() != "None"]
    assert not {line.get_color() for line in marks} & set(PALETTE)
    sizes = [line.get_markersize() for line in marks]
    assert sizes == sorted(set(sizes), reverse=True)


def test_marks_in_words():
    assert dots_text(LIMITS, unit="tasks") == (
        "tasks   HWM 1  HWM 10\ntcp     4,000   4,500\ninproc      2       –"
    )
    assert dots_alt(LIMITS, unit="tasks") == (
        "From 2 to 4,500 tasks. Dot chart, tasks: tcp HWM 1 4,000, HWM 10 4,500; inproc HWM 1 2."
    )


def test_a_verdict_has_a_colour_and_a_mark():
    ax = axes(verdicts, KEPT)
    asks, ends, theirs = ax.patches
    assert len({to_hex(cell.get_facecolor()) for cell in (asks, ends, theirs)}) == 3
    assert [text.get_text() for text in ax.texts] == ["✓", "?", "✗"]
    assert row_names(ax) == ["asks", "ends"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["ours", "theirs"]


def test_verdicts_in_words():
    assert verdicts_text(KEPT) == "      ours  theirs\nasks     ✓       ✗\nends     ?"
    assert verdicts_alt(KEPT) == (
        "1 of 2 break a rule. Table of 2 rules. ours: undecided ends; theirs: failed asks."
    )


def test_the_larger_a_number_the_fuller_its_cell_and_an_empty_one_says_so():
    ax = axes(heat, SEEN)
    half, empty, whole = ax.patches
    assert half.get_alpha() < whole.get_alpha() == FULL
    assert half.get_hatch() == whole.get_hatch() == ""
    assert empty.get_hatch()
    assert {"0.5 s", "never", "1 s"} == {text.get_text() for text in ax.texts}
    assert row_names(ax) == ["by sight", "by touch"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["slow", "dead"]


def test_cells_in_words():
    assert heat_text(SEEN) == "s         slow   dead\nby sight   0.5  never\nby touch     –      1"
    assert heat_alt(SEEN) == (
        "1 of 3 cells: never. Heat map, s: by sight: slow 0.5, dead never; by touch: dead 1."
    )
