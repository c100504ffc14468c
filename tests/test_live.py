import base64
import html
import re

import pytest
import zmq
from kernel import Kernel

from zmqlab.record.arrivals import Arrivals
from zmqlab.record.journal import Hop, Journal, SocketNote
from zmqlab.run.experiment import Experiment
from zmqlab.run.threads import GaveUp
from zmqlab.show import live, plots
from zmqlab.show.live import Prediction, ShareView, Sliders, bars, watch

QUESTION = "Tasks done by w3, of 30"


@pytest.fixture(autouse=True)
def no_guess_from_another_test(monkeypatch):
    monkeypatch.setattr(Prediction, "_kept", {})


def plain(comparison):
    """What a comparison says on the page."""
    said = comparison._shown.value.split("<svg")[0]
    return html.unescape(re.sub("<[^>]*>", " ", said))


# ------------------------------------------------------------------ predictions


def test_no_guess_is_no_error():
    share = Prediction(QUESTION, low=0, high=30)
    assert share.guess is None
    assert str(share.compare(0)) == f"{QUESTION}\n  measured 0: no guess this time"


def test_a_guess_is_compared():
    share = Prediction(QUESTION, guess=10, low=0, high=30)
    assert str(share.compare(0)) == (
        f"{QUESTION}\n  measured 0: you predicted 10, 10 more. What did you assume?"
    )
    assert "you predicted 10, 5 less" in str(share.compare(15))
    assert str(share.compare(10)).endswith("measured 10: you predicted 10, and so it is")


def test_the_slider_sets_the_guess():
    share = Prediction(QUESTION, low=0, high=30)
    share.slider.value = 12
    assert share.guess == 12
    assert "you predicted 12" in str(share.compare(15))


def test_a_comparison_on_display_follows_the_slider():
    share = Prediction(QUESTION, low=0, high=30)
    comparison = share.compare(10)
    comparison._repr_mimebundle_()
    assert "no guess this time" in plain(comparison)
    share.slider.value = 12
    assert "you predicted 12, 2 more" in plain(comparison)
    share.slider.value = 9
    assert "you predicted 9, 1 less" in plain(comparison)
    assert "▼ your guess" in comparison._shown.value


def test_a_comparison_that_nobody_shows_is_up_to_date_too():
    share = Prediction(QUESTION, low=0, high=30)
    comparison = share.compare(10)
    share.guess = 11
    assert "you predicted 11" in str(comparison)


def test_a_guess_survives_running_its_cell_again():
    Prediction(QUESTION, low=0, high=30).guess = 7
    assert Prediction(QUESTION, low=0, high=30).guess == 7
    assert Prediction(QUESTION, guess=3, low=0, high=30).guess == 3
    assert Prediction("another question", low=0, high=30).guess is None


@pytest.mark.parametrize("measured", [-5, 0, 15, 30, 1e6])
def test_what_is_measured_may_lie_outside_of_the_slider(measured):
    comparison = Prediction(QUESTION, guess=10, low=0, high=30).compare(measured)
    places = [float(x) for x in re.findall(r'x1="([\d.]+)"', comparison._scale())]
    assert all(20 <= x <= 380 for x in places)


def test_a_guess_in_the_code_may_lie_outside_of_the_slider():
    assert Prediction(QUESTION, guess=99, low=0, high=30).slider.max == 99


def test_fractions_have_a_slider_of_fractions():
    share = Prediction("Seconds until all is done", low=0.0, high=2.0)
    share.slider.value = 0.12
    assert share.guess == pytest.approx(0.12)
    assert "measured 0.333: you predicted 0.12, 0.213 less" in str(share.compare(1 / 3))


def test_nearly_the_same_is_said_to_be_the_same():
    share = Prediction("Seconds until all is done", guess=0.5, low=0.0, high=2.0)
    assert str(share.compare(0.5001)).endswith("and so it is")


def test_a_slider_needs_two_ends():
    with pytest.raises(ValueError, match="low must be less than high; got low=3, high=3"):
        Prediction(QUESTION, low=3, high=3)


def test_what_stays_in_the_notebook_is_the_same_in_each_run():
    share = Prediction(QUESTION, low=0, high=30)
    bundles = [share._repr_mimebundle_(), share.compare(11)._repr_mimebundle_()]
    assert [bundle["text/plain"] for bundle in bundles] == [
        f"Your guess, 0 to 30: {QUESTION}",
        f"{QUESTION}: no guess this time.",
    ]
    assert all(set(bundle) == {"text/plain", live.WIDGET_VIEW} for bundle in bundles)


def test_a_question_is_text_and_not_html():
    share = Prediction("a < b & c", low=0, high=1)
    comparison = share.compare(0)
    comparison._repr_mimebundle_()
    assert "a &lt; b &amp; c" in comparison._shown.value


# ------------------------------------------------------------------ moving shares


class Display:
    """What a notebook was told to show, in order."""

    def __init__(self, monkeypatch):
        self.shown = []
        monkeypatch.setattr(
            live.DisplayHandle, "display", lambda _self, data, **_: self.shown.append(data)
        )
        monkeypatch.setattr(
            live.DisplayHandle, "update", lambda _self, data, **_: self.shown.append(data)
        )


@pytest.fixture
def display(monkeypatch):
    return Display(monkeypatch)


def received(who, time):
    return Hop(time, who, SocketNote(1, who, "PULL"), "received", (b"task",), time)


def test_the_last_picture_is_still_and_whole(display):
    journal = Journal()
    view = ShareView(journal, ["w1", "w2"])
    view.show()
    journal.add(received("w1", 1.0))
    view.finish()
    moving, still = display.shown
    assert set(moving) == {"text/plain", live.WIDGET_VIEW}
    assert set(still) == {"text/plain", "image/png"}
    assert base64.b64decode(still["image/png"]).startswith(b"\x89PNG")
    assert moving["text/plain"] == still["text/plain"] == "Figure: tasks received by w1, w2."


def test_finishing_twice_or_before_it_is_shown_is_nothing(display):
    view = ShareView(Journal(), ["w1"])
    view.finish()
    view.show()
    view.finish()
    view.finish()
    view.refresh()
    assert len(display.shown) == 2


def test_many_messages_make_few_pictures(display, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    journal = Journal()
    view = ShareView(journal, ["w1"])
    view.show()
    for _ in range(1000):
        now[0] += 0.001
        journal.add(received("w1", now[0]))
        view.refresh()
    assert 19 <= view.pictures <= 21
    view.finish()


def test_a_slow_picture_is_drawn_less_often(display, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    journal = Journal()
    view = ShareView(journal, ["w1"])
    view.show()

    def slow(*_args):
        now[0] += 0.1
        return f"at {now[0]}"

    monkeypatch.setattr(live, "bars", slow)
    while now[0] < 104:
        now[0] += 0.001
        view.refresh()
    assert 9 <= view.pictures <= 11  # a quarter of four seconds, a tenth of a second each
    view.finish()


def test_no_picture_where_nothing_has_changed(display):
    view = ShareView(Journal(), ["w1"])
    view.show()
    view.refresh()
    assert view.pictures == 0
    view.finish()


def test_bars_tell_their_numbers_without_colour():
    svg = bars({"w1": 30, "w<2>": 10}, "received")
    assert 'aria-label="received: w1 30, w&lt;2&gt; 10"' in svg
    assert re.findall(r'width="([\d.]+)" height="20"', svg) == ["430.0", "143.3"]
    assert "even share" in svg


def test_bars_grow_towards_a_known_total():
    def widths(count):
        svg = bars({"w1": count, "w2": count}, "received", 100)
        return re.findall(r'width="([\d.]+)" height="20"', svg), re.findall(r'x1="([\d.]+)"', svg)

    assert widths(10) == (["86.0", "86.0"], ["520.0"])
    assert widths(50) == (["430.0", "430.0"], ["520.0"])
    alone = bars({"w1": 100, "w2": 0}, "received", 100)
    assert 'x1="305.0"' in alone  # the line stays at the even share, the bar goes beyond it


def test_bars_of_nothing():
    assert 'aria-label="received: w1 0"' in bars({"w1": 0}, "received")


def test_a_page_that_asks_for_less_motion_gets_a_sentence(display):
    view = ShareView(Journal(), ["w1"])
    moving = view._moving()
    assert "prefers-reduced-motion:reduce" in moving
    assert "The sockets are at work" in moving


def worker(ctx, endpoint):
    with ctx.socket(zmq.PULL) as tasks:
        tasks.connect(endpoint)
        while True:
            tasks.recv()


def feeder(ctx, endpoint, n):
    with ctx.socket(zmq.PUSH) as tasks:
        arrivals = Arrivals(tasks)
        tasks.bind(endpoint)
        arrivals.wait(2, 5)
        for number in range(n):
            tasks.send(b"%d" % number)
        tasks.linger = 1000


def test_it_watches_sockets_at_work(display):
    names = ["w1", "w2"]
    with Experiment() as lab:
        endpoint = lab.endpoint()
        for name in names:
            lab.start(name, worker, endpoint)
        lab.start("feeder", feeder, endpoint, 100)
        watch(
            lab,
            names,
            until=lambda: sum(lab.journal.counts(who=names).values()) == 100,
            what="all 100 tasks",
            title=lambda counts: f"{sum(counts.values())} tasks",
        )
    assert lab.journal.counts(who=names) == {"w1": 50, "w2": 50}
    assert "image/png" in display.shown[-1]


def test_it_waits_for_the_total(display):
    with Experiment() as lab:
        endpoint = lab.endpoint()
        for name in ("w1", "w2"):
            lab.start(name, worker, endpoint)
        lab.start("feeder", feeder, endpoint, 100)
        watch(lab, ["w1", "w2"], total=100)
        assert sum(lab.journal.counts(who=["w1", "w2"]).values()) == 100
        with pytest.raises(GaveUp, match="101 tasks received"):
            watch(lab, ["w1", "w2"], total=101, within=0.05)


def test_it_says_that_it_must_know_when_it_is_over():
    with Experiment() as lab, pytest.raises(TypeError, match="total=… or until=…"):
        watch(lab, ["w1"])


def test_it_gives_up_as_the_experiment_does_and_leaves_its_picture(display):
    with Experiment() as lab, pytest.raises(GaveUp, match="waiting for a miracle"):
        watch(lab, ["w1"], until=lambda: False, within=0.05, what="a miracle")
    assert "image/png" in display.shown[-1]


CELL = """
import time, zmq
from zmqlab.run.experiment import Experiment
from zmqlab.show.live import watch

def worker(ctx, endpoint):
    with ctx.socket(zmq.PULL) as tasks:
        tasks.connect(endpoint)
        while True:
            tasks.recv()

def feeder(ctx, endpoint):
    with ctx.socket(zmq.PUSH) as tasks:
        tasks.bind(endpoint)
        for _ in range(20_000):
            tasks.send(b"task")
        tasks.linger = 1000

with Experiment() as lab:
    endpoint = lab.endpoint()
    lab.start("w1", worker, endpoint)
    lab.start("feeder", feeder, endpoint)
    began = time.monotonic()
    end = began + 1
    watch(lab, ["w1"], until=lambda: time.monotonic() > end)
"""


@pytest.mark.slow
def test_a_kernel_sends_pictures_while_its_cell_runs_and_not_too_many(tmp_path):
    with Kernel(tmp_path) as kernel:
        message_id = kernel.begin(CELL)
        messages = list(kernel.messages(message_id, live.time.monotonic() + 60))
    kinds = [message["msg_type"] for message in messages]
    moving = [
        message
        for message in messages
        if message["msg_type"] == "comm_msg" and "value" in str(message["content"]["data"])
    ]
    assert not [message["content"] for message in messages if message["msg_type"] == "error"]
    assert 1 <= len(moving) <= 21
    assert (
        kinds.index("display_data") < kinds.index("comm_msg") < kinds.index("update_display_data")
    )


# ------------------------------------------------------------------ pictures that follow sliders


def bars_of(load, workers):
    """A picture of nothing in particular, other with each load and number of workers."""
    return plots.Picture(plots.shares, {f"w{n}": round(9 * load) for n in range(1, workers + 1)})


def sliders_of_two():
    return Sliders(bars_of, load=(0.1, 0.9, 0.1, 0.5), workers=(1, 8, 1, 2))


def test_a_slider_that_moves_changes_the_picture():
    sliders = sliders_of_two()
    before = sliders._shown.value
    sliders.sliders["workers"].value = 3
    assert sliders.values == {"load": 0.5, "workers": 3}
    assert sliders._shown.value != before
    assert "w3" in sliders._shown.value  # in the picture's alternative text
    assert sliders.seconds > 0


def test_sliders_can_be_set_from_code_and_keep_to_their_ends():
    sliders = sliders_of_two()
    sliders.values = {"load": 2, "workers": 5}
    assert sliders.values == {"load": 0.9, "workers": 5}


def test_an_error_of_the_drawing_is_shown_and_the_next_move_draws_again():
    def draw(load):
        if load > 1:
            raise ValueError(f"a load of <{load}>")
        return bars_of(load, 2)

    sliders = Sliders(draw, load=(0, 2, 1, 1))
    sliders.values = {"load": 2}
    assert "ValueError: a load of &lt;2&gt;" in sliders._shown.value
    sliders.values = {"load": 1}
    assert "<img" in sliders._shown.value


def test_sliders_leave_a_picture_and_a_constant_text_for_where_nothing_moves():
    sliders = sliders_of_two()
    shown = sliders._repr_mimebundle_()
    assert shown["text/plain"] == (
        "A picture that follows its sliders: load 0.1 to 0.9, workers 1 to 8."
    )
    assert base64.b64decode(shown["image/png"]).startswith(b"\x89PNG")
    sliders.values = {"workers": 7}
    assert sliders._repr_mimebundle_()["text/plain"] == shown["text/plain"]
