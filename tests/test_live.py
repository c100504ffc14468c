import base64
import re

import pytest
import zmq
from IPython.core.formatters import DisplayFormatter
from kernel import Kernel

from zmqlab.record.arrivals import Arrivals
from zmqlab.record.journal import Hop, Journal, SocketNote
from zmqlab.run.experiment import Experiment
from zmqlab.run.threads import GaveUp
from zmqlab.show import live
from zmqlab.show.live import ShareView, bars, watch
from zmqlab.show.widget import WIDGET_VIEW


class Display:
    """What a notebook was told to show, in order."""

    def __init__(self, monkeypatch):
        self.shown = []

        def show(_handle, shown):
            self.shown.append(DisplayFormatter().format(shown)[0])

        monkeypatch.setattr(live.DisplayHandle, "display", show)
        monkeypatch.setattr(live.DisplayHandle, "update", show)


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
    moving, between, still = display.shown
    assert set(moving) == {"text/plain", WIDGET_VIEW}
    assert set(between) == {"text/plain"}  # on the page, where a widget ended nothing is shown
    assert set(still) == {"text/plain", "image/png", WIDGET_VIEW}
    assert base64.b64decode(still["image/png"]).startswith(b"\x89PNG")
    assert moving["text/plain"] == still["text/plain"] == "Figure: tasks received by w1, w2."


def test_where_no_notebook_is_the_text_is_shown(capsys):
    view = ShareView(Journal(), ["w1", "w2"])
    view.show()
    view.finish()
    assert set(capsys.readouterr().out.splitlines()) == {"Figure: tasks received by w1, w2."}


def test_finishing_twice_or_before_it_is_shown_is_nothing(display):
    view = ShareView(Journal(), ["w1"])
    view.finish()
    view.show()
    view.finish()
    view.finish()
    view.refresh()
    assert len(display.shown) == 3


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
