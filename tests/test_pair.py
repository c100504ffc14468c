"""The diagram of what befell two brokers: each step is drawn, and told in words."""

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from zmqlab.balance.standby import (
    START,
    World,
    anybody,
    brokers,
    cut,
    explore,
    explore_right,
    lose_requests,
    loyal,
    overtake,
    published,
)
from zmqlab.show.plots import Picture, pair, pair_alt, pair_text

PUBLISHED, _ = explore(published, brokers, anybody)
OVERTAKEN, _ = explore_right(brokers, anybody, overtake)
LOST, _ = explore_right(brokers, loyal, lose_requests, cut, start=World(clients=(0,)))


def drawn(history, **options):
    ax = Figure((7, 5), layout="constrained").add_subplot()
    pair(ax, history, **options)
    return ax


def words(ax):
    """All that is written, from above."""
    texts = [text for text in ax.findobj(Text) if text.get_text()]
    return [text.get_text() for text in sorted(texts, key=lambda text: text.get_position()[1])]


def crosses(ax):
    return [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "X"]


def test_the_states_are_lines_of_their_own_width_with_their_names():
    ax = drawn(PUBLISHED)
    spans = {
        (x[0], y[0]): line.get_linewidth()
        for line in ax.lines
        if len(x := line.get_xdata()) == 2
        for y in [line.get_ydata()]
    }
    assert spans == {
        (0, 0.35): 2.0,  # the primary has just started,
        (0, 1): 9.0,  # is active, dies at 4,
        (0, 6): 2.0,  # has just started again,
        (0, 7): 9.0,  # and is active
        (1, 0.35): 2.0,
        (1, 3): 5.0,  # the backup is passive
        (1, 8): 9.0,
    }
    assert words(ax).count("active") == 3
    assert words(ax).count("passive") == 1


def test_each_event_is_written():
    text = words(drawn(PUBLISHED))
    assert text.count("a client\nanswered") == 3
    assert {"dies", "starts again", "heard nothing for too long", "“active”"} <= set(text)
    assert "overtaken" in words(drawn(OVERTAKEN))
    lost = words(drawn(LOST))
    assert {"the link is cut", "client 1\nrequest lost"} <= set(lost)


def test_what_a_death_and_a_cut_take_with_them_ends_in_a_cross():
    assert len(crosses(drawn(PUBLISHED))) == 1  # the death
    said = START.put(1, coming=("primary",))
    history = [(("primary", "says", "primary"), said), (("primary", "dies"), said.dies(0))]
    assert len(crosses(drawn(history))) == 2
    history[1] = ("the link", "is cut"), START._replace(link=False)
    assert len(crosses(drawn(history))) == 1
    history[1] = ("backup", "misses", "primary"), START
    assert len(crosses(drawn(history))) == 1


def test_a_broker_that_stops_ends_in_a_cross_too():
    two = START.put(0, state="active", coming=("active",)).put(1, state="active")
    stopped = two.heard(published, 0)
    said = START.put(0, coming=("backup",))
    ax = drawn([(("backup", "says", "backup"), said), (("primary", "hears", "x"), stopped)])
    assert "stops" in words(ax)
    assert [tuple(cross) for cross in crosses(ax)] == [(0, 2)]


def test_what_is_still_under_way_at_the_end_is_drawn():
    history = [(("primary", "says", "primary"), START.put(1, coming=("primary",)))]
    assert "“primary”" in words(drawn(history))


@pytest.mark.parametrize("history", [PUBLISHED, OVERTAKEN, LOST, []])
def test_any_history_is_a_picture_with_words(history):
    picture = Picture(pair, history, title="What happened")
    assert picture.png().startswith(b"\x89PNG")
    assert picture.alt.startswith("What happened. Space-time diagram of two brokers")
    assert len(pair_text(history).splitlines()) == 1 + len(history)


def test_the_words_beside_it_tell_each_step():
    assert "then the backup hears “active”; the backup is passive; then" in pair_alt(PUBLISHED)
    assert pair_text(PUBLISHED).splitlines()[0] == "8 steps"
