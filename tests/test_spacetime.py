"""The diagram of messages: where its arrows stand, what is written, what is left out."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from zmqlab.record.journal import Hop, Journal
from zmqlab.show.look import GREY, color, darker
from zmqlab.show.plots import Picture, space_time, space_time_alt, space_time_text
from zmqlab.show.scene import Scene

ID = b"\x00\xa1\xb2\xc3\x01"  # as ZeroMQ makes them


class History(Journal):
    """A journal written line by line; each line is a millisecond after the one before."""

    now = 0.0

    def socket(self, who, kind):
        return self.open_socket(who, kind)

    def sent(self, socket, *frames):
        self._note(socket, "sent", frames)

    def received(self, socket, *frames):
        self._note(socket, "received", frames)

    def _note(self, socket, way, frames):
        self.now += 0.001
        self.add(Hop(self.now, socket.who, socket, way, frames, self.now))


def request():
    """One request of c1, through a broker, to w1 and back."""
    journal = History()
    client = journal.socket("c1", "REQ")
    front, back = journal.socket("broker", "ROUTER"), journal.socket("broker", "DEALER")
    worker = journal.socket("w1", "REP")
    journal.sent(client, b"hello")
    journal.received(front, ID, b"", b"hello")
    journal.sent(back, ID, b"", b"hello")
    journal.received(worker, b"hello")
    journal.sent(worker, b"world")
    journal.received(back, ID, b"", b"world")
    journal.sent(front, ID, b"", b"world")
    journal.received(client, b"world")
    return journal


def dealt(n, lost=()):
    """Tasks dealt out to three workers, all of them sent before the first is received."""
    journal = History()
    push = journal.socket("main", "PUSH")
    workers = [journal.socket(f"w{n}", "PULL") for n in (1, 2, 3)]
    for task in range(n):
        journal.sent(push, b"task %d" % task)
    for task in set(range(n)) - set(lost):
        journal.received(workers[task % 3], b"task %d" % task)
    return journal


def one_by_one(n):
    """Tasks of which each is received before the next is sent."""
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    for task in range(n):
        journal.sent(push, b"%d" % task)
        journal.received(pull, b"%d" % task)
    return journal


def drawn(journal, *, height=8.0, **options):
    ax = Figure((7, height), layout="constrained").add_subplot()
    space_time(ax, journal, **options)
    return ax


def heads(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


def names(ax):
    return [head.splitlines()[0] for head in heads(ax)]


def arrows(ax):
    """From whom to whom, by their names."""
    of = names(ax)
    return [
        (of[note.xyann[0]], of[note.xy[0]])
        for note in ax.texts
        if getattr(note, "arrow_patch", None) is not None
    ]


def words(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


# --- Who stands where -------------------------------------------------------------------------


def test_clients_stand_left_workers_right_and_the_broker_between():
    ax = drawn(request())
    assert heads(ax) == ["c1\nREQ", "broker\nROUTER DEALER", "w1\nREP"]
    assert arrows(ax) == [("c1", "broker"), ("broker", "w1"), ("w1", "broker"), ("broker", "c1")]


def test_who_deals_stands_left_of_the_workers_and_who_collects_right_in_order_of_their_numbers():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("sink", "PULL")
    for n in (10, 9, 2):
        own, out = journal.socket(f"w{n}", "PULL"), journal.socket(f"w{n}", "PUSH")
        journal.sent(push, b"task %d" % n)
        journal.received(own, b"task %d" % n)
        journal.sent(out, b"done %d" % n)
        journal.received(pull, b"done %d" % n)
    assert names(drawn(journal)) == ["main", "w2", "w9", "w10", "sink"]


def test_who_talks_to_the_broker_only_stands_left_of_it():
    journal = History()
    main, broker = journal.socket("main", "DEALER"), journal.socket("broker", "ROUTER")
    worker = journal.socket("w1", "REQ")
    journal.sent(worker, b"READY")
    journal.received(broker, ID, b"", b"READY")
    journal.sent(main, b"stop")
    journal.received(broker, b"main", b"stop")
    journal.sent(broker, ID, b"", b"task")
    journal.received(worker, b"task")
    assert names(drawn(journal)) == ["main", "broker", "w1"]


def test_participants_can_be_chosen_and_messages_of_others_are_not_shown():
    ax = drawn(request(), who=["w1", "broker"])
    assert names(ax) == ["w1", "broker"]
    assert arrows(ax) == [("broker", "w1"), ("w1", "broker")]
    assert ax.get_title("left") == "All 2 messages were received"


def test_in_a_journal_of_one_participant_each_socket_has_a_line():
    journal = History()
    ask, answer = journal.socket("main", "REQ"), journal.socket("main", "REP")
    idle = journal.socket("main", "REP")
    journal.sent(ask, b"a")
    journal.received(answer, b"a")
    journal.sent(ask, b"b")
    journal.received(idle, b"b")
    ax = drawn(journal)
    assert heads(ax) == ["REQ", "REP", "REP 2"]
    assert arrows(ax) == [("REQ", "REP"), ("REQ", "REP 2")]


def test_an_arrow_has_the_colour_of_the_worker_at_either_end():
    ax = drawn(request())
    notes = [note for note in ax.texts if getattr(note, "arrow_patch", None) is not None]
    worker, other = darker(color("w1")), darker(GREY)
    colours = [to_hex(note.arrow_patch.get_edgecolor()) for note in notes]
    assert colours == [other, worker, worker, other]


# --- What is written --------------------------------------------------------------------------


def test_frames_stand_at_the_start_and_where_they_differ_at_the_end():
    assert words(drawn(request())) == [
        *('"hello"', '@0x00a1b2c301 | ∅ | "hello"'),
        *('@0x00a1b2c301 | ∅ | "hello"', '"hello"'),
        *('"world"', '@0x00a1b2c301 | ∅ | "world"'),
        *('@0x00a1b2c301 | ∅ | "world"', '"world"'),
        "ms",
    ]


def test_a_receipt_right_after_the_sending_is_not_told_again_a_late_one_is():
    assert words(drawn(one_by_one(3))) == ['"0"', '"1"', '"2"', "ms"]
    assert sorted(words(drawn(dealt(9)))).count('"task 0"') == 2


def test_frames_stand_on_the_side_of_their_own_end():
    first, second, *_ = [text for text in drawn(request()).texts if text.get_text()]
    assert (first.get_ha(), first.get_position()[0]) == ("left", pytest.approx(0.05))
    assert (second.get_ha(), second.get_position()[0]) == ("right", pytest.approx(0.95))
    assert first.get_position()[1] < second.get_position()[1]


def test_long_and_binary_frames_are_cut():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    for body in (b"x" * 1000, bytes(range(200))):
        journal.sent(push, body, body, body, body, body)
        journal.received(pull, body, body, body, body, body)
    text, binary, _ = words(drawn(journal))
    assert text.startswith('"xxxxxxxxxxxxxxxxxxxx"… (1000 bytes) | ')
    assert binary.startswith("0x0001020304")
    assert text.endswith("…")
    assert len(text) == len(binary) < 110


@pytest.mark.parametrize("text", [r"$\nonsense$", "from $5 to $6"])
def test_dollars_are_letters_not_mathematics(text):
    journal = History()
    push, pull = journal.socket(text, "PUSH"), journal.socket("w1", "PULL")
    journal.sent(push, text.encode())
    journal.received(pull, text.encode())
    figure = Picture(space_time, journal, title=text).figure()
    FigureCanvasAgg(figure).draw()
    ax = figure.axes[0]
    written = [each for each in ax.findobj(Text) if "$" in each.get_text()]
    assert len({each.get_text() for each in written}) == 3  # the title, the name, the frame
    assert not any(each.get_parse_math() for each in written)


def test_times_stand_at_the_left_where_a_message_was_sent():
    ax = drawn(one_by_one(3))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.0", "2.0", "4.0"]
    assert "ms" in words(ax)
    bottom, top = ax.get_ylim()
    assert bottom > top  # time runs downwards
    assert list(ax.get_yticks()) == sorted(ax.get_yticks())


def test_a_message_that_nobody_has_received_ends_in_a_cross_and_says_so():
    ax = drawn(dealt(4, lost=[1]))
    crosses = [line for line in ax.lines if line.get_marker() == "X"]
    assert [(0 < line.get_xdata()[0] < 1) for line in crosses] == [True]
    assert '"task 1"  not received' in words(ax)
    assert ax.get_title("left") == "1 of 4 messages was not received"


def test_only_what_was_received_has_an_arrow_head():
    notes = [n for n in drawn(dealt(4, lost=[1])).texts if getattr(n, "arrow_patch", None)]
    heads = [note.arrow_patch.get_arrowstyle().arrow for note in notes]
    assert heads == ["-|>", "-", "-|>", "-|>"]


def test_a_lost_message_points_where_its_sender_mostly_sends():
    journal = request()
    worker = journal.sockets[3]
    journal.sent(worker, b"too late")
    cross = next(line for line in drawn(journal).lines if line.get_marker() == "X")
    assert 1 < cross.get_xdata()[0] < 2


def test_a_message_whose_sender_was_not_recorded_begins_in_a_ring():
    journal = History()
    push, pull = journal.socket("w1", "PUSH"), journal.socket("main", "PULL")
    journal.sent(push, b"mine")
    journal.received(pull, b"mine")
    journal.received(pull, b"from elsewhere")
    ax = drawn(journal)
    rings = [line for line in ax.lines if to_hex(line.get_markerfacecolor()) == "#ffffff"]
    assert len(rings) == 1
    assert '"from elsewhere"' in words(ax)


def test_a_message_to_oneself_goes_out_and_comes_back():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("main", "PULL")
    other = journal.socket("w1", "PULL")
    for body, to in ((b"a", pull), (b"b", other)):
        journal.sent(push, body)
        journal.received(to, body)
    ax = drawn(journal)
    loop = next(line for line in ax.lines if len(line.get_xdata()) == 3)
    assert list(loop.get_xdata()) == [0, 0.3, 0.3]


def test_an_empty_journal_says_so():
    ax = drawn(History())
    assert (ax.get_title("left"), words(ax)) == ("No messages", [])
    assert space_time_text(History()) == "No messages."


# --- What is left out -------------------------------------------------------------------------


def test_more_than_there_is_room_for_is_left_out_and_said():
    small, large = drawn(one_by_one(60), height=4), drawn(one_by_one(60), height=8)
    assert 5 < len(arrows(small)) < len(arrows(large)) < 60
    left = 60 - len(arrows(small))
    assert f"… {left} more messages until 119.0 ms left out here" in words(small)
    assert small.get_title("left") == "All 60 messages were received"


def test_at_least_three_messages_are_drawn_however_small_the_axes():
    assert len(arrows(drawn(one_by_one(9), height=0.9))) == 3


def test_a_limit_is_kept_and_the_lost_ones_that_it_hides_are_counted():
    ax = drawn(dealt(9, lost=[7, 8]), limit=6)
    assert len(arrows(ax)) == 6
    assert "… 3 more messages until 15.0 ms left out here; 2 of them not received" in words(ax)
    assert "… 1 more message until" in words(drawn(one_by_one(3), limit=2))[-2]


def shown(journal, **options):
    """The tasks that are told, in words and drawn alike."""
    told = [line.split('"')[1] for line in in_words(journal, **options) if '"' in line]
    assert [text.strip('"') for text in words(drawn(journal, **options)) if '"' in text] == told
    return told


def in_words(journal, **options):
    return space_time_text(journal, times=False, **options).splitlines()


@pytest.mark.parametrize(
    ("about", "tasks"),
    [
        ([b"0"], ["0", "1", "2", "3"]),
        ([b"30"], ["28", "29", "30", "31"]),
        ([b"59"], ["56", "57", "58", "59"]),
        ([b"10", b"40"], ["9", "10", "39", "40"]),
        ([b"9", b"8", b"7", b"6", b"5"], ["5", "6", "7", "8"]),  # more than there is room for
        ([b"nobody's"], ["0", "1", "2", "3"]),
        ([], ["0", "1", "2", "3"]),
    ],
)
def test_of_many_messages_those_are_shown_that_it_is_about_and_the_ones_around(about, tasks):
    assert shown(one_by_one(60), limit=4, about=about) == tasks


def test_a_picture_can_be_about_a_hop_that_looks_like_others():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    for _ in range(9):
        journal.sent(push, b"same")
        journal.received(pull, b"same")
    ax = drawn(journal, limit=2, about=[journal.hops[-1]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["14.0", "16.0"]


def test_what_is_left_out_before_between_and_after_is_counted():
    assert in_words(one_by_one(60), limit=4, about=[b"10", b"40"])[-1] == (
        "… 56 more messages left out: 9 before, 28 between, 19 after these"
    )
    assert in_words(one_by_one(60), limit=4, about=[b"59"])[-1] == (
        "… 56 more messages left out: 56 before these"
    )
    ax = drawn(dealt(9, lost=[0]), limit=6, about=[b"task 8"])
    assert "… 3 more messages left out: 3 before these; 1 of them not received" in words(ax)
    alt = space_time_alt(one_by_one(60), limit=4, about=[b"59"])
    assert alt.endswith("main → w1 4. … 56 more messages left out: 56 before these")


def test_a_picture_with_less_room_than_messages_shows_what_it_is_about_too():
    options = {"about": [b"55"]}
    ax = drawn(one_by_one(60), height=4, **options)
    assert '"55"' in words(ax)
    assert '"0"' not in words(ax)
    picture = Picture(space_time, one_by_one(500), limit=5, **options)
    assert picture.height < 4
    assert len(arrows(picture.figure().axes[0])) == 5


@given(st.integers(0, 40), st.integers(1, 45), st.sets(st.integers(0, 45)))
def test_whatever_it_is_about_as_many_are_shown_as_without(n, limit, about):
    scene = Scene(one_by_one(n), limit=limit, about=[b"%d" % task for task in about])
    there = [int(message.sent.frames[0]) for message in scene.shown]
    assert there == sorted(there)
    assert len(there) == min(n, limit)
    assert len(there) + len(scene.left_out) == n
    wanted = sorted(about & set(range(n)))
    assert set(wanted[:limit]) <= set(there)


def test_a_picture_is_as_high_as_its_messages_need_and_not_much_more_than_a_page():
    few, many = Picture(space_time, one_by_one(5)), Picture(space_time, one_by_one(500))
    assert few.height < 4 < many.height == 12
    assert len(arrows(few.figure().axes[0])) == 5
    assert 30 < len(arrows(many.figure().axes[0])) < 60


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 12), st.integers(0, 30), st.integers(0, 60))
def test_nothing_is_written_outside_of_the_figure_or_over_another_line(n_workers, n, long):
    journal = History()
    broker = journal.socket("broker", "ROUTER")
    workers = [journal.socket(f"w{number}", "REQ") for number in range(1, n_workers + 1)]
    for task in range(n):
        worker = workers[task % n_workers]
        address = worker.who.encode()
        journal.sent(broker, address, b"", b"x" * long, b"%d" % task)
        journal.received(worker, b"x" * long, b"%d" % task)
    figure = Picture(space_time, journal).figure()
    FigureCanvasAgg(figure).draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    for box in boxes:
        assert box.x0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1
    rows = sorted((box.y0, box.y1) for box in boxes)
    assert all(above[0] > below[0] + 5 for below, above in pairwise(rows))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.sampled_from([b"a", b"b"]))))
def test_every_arrow_points_down_and_no_two_ends_share_a_row(lines):
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    for sends, _, body in lines:
        (journal.sent if sends else journal.received)(push if sends else pull, body)
    scene = Scene(journal)
    assert all(arrow.start[1] < arrow.end[1] for arrow in scene.arrows)
    rows = [scene.lines.rows[end] for end in scene.lines.rows]
    assert rows == sorted(set(rows))
    assert len(rows) == len(lines)
    assert all(row < scene.height for row in rows)


# --- In words ---------------------------------------------------------------------------------


def test_one_request_in_words():
    assert space_time_text(request()) == (
        '     0.0 ms  c1 → broker  "hello"\n'
        '     1.0 ms     → broker  @0x00a1b2c301 | ∅ | "hello"\n'
        '     2.0 ms  broker → w1  @0x00a1b2c301 | ∅ | "hello"\n'
        '     3.0 ms         → w1  "hello"\n'
        '     4.0 ms  w1 → broker  "world"\n'
        '     5.0 ms     → broker  @0x00a1b2c301 | ∅ | "world"\n'
        '     6.0 ms  broker → c1  @0x00a1b2c301 | ∅ | "world"\n'
        '     7.0 ms         → c1  "world"'
    )


def test_without_times_the_words_are_the_same_in_each_run():
    once = space_time_text(request(), times=False)
    assert once.splitlines()[:2] == [
        'c1 → broker  "hello"',
        '   → broker  @0x00a1b2c301 | ∅ | "hello"',
    ]
    later = request()
    slower = Journal.of(hop._replace(time=hop.time * 3, since=hop.since * 3) for hop in later)
    assert space_time_text(slower, times=False) == once


def test_what_was_lost_what_came_from_elsewhere_and_what_is_left_out_in_words():
    journal = dealt(3, lost=[1])
    journal.received(journal.sockets[1], b"from elsewhere")
    lines = space_time_text(journal, times=False, limit=4).splitlines()
    assert 'main → ✕   "task 1"  (not received)' in lines
    assert '? → w1     "from elsewhere"  (its sender was not recorded)' in lines
    assert space_time_text(one_by_one(50)).splitlines()[-1] == (
        "… 10 more messages until 99.0 ms left out here"
    )


def test_a_title_says_the_finding_in_picture_words_and_alternative_text():
    finding = "c1 was told what c2 had asked for"
    picture = Picture(space_time, request(), title=finding)
    assert picture.figure().axes[0].get_title("left") == finding
    assert picture.alt.startswith(f"{finding}. ")
    untitled = space_time_text(request())
    assert space_time_text(request(), title=finding) == f"{finding}\n{untitled}"


def test_the_alternative_text_counts_the_ways():
    assert space_time_alt(dealt(4, lost=[3])) == (
        "1 of 4 messages was not received. Space-time diagram of the messages: main → w1 1, "
        "main → w2 1, main → w3 1, main → ✕ 1."
    )
    assert space_time_alt(one_by_one(3), title="Mine", limit=2) == (
        "Mine. Space-time diagram of the messages: main → w1 2. "
        "… 1 more message until 5.0 ms left out here"
    )
    assert space_time_alt(one_by_one(1)).startswith("The message was received. ")
