import json
import re

import pytest
import zmq

from zmqlab.record.journal import Hop, Journal, SocketNote
from zmqlab.record.stories import steps
from zmqlab.run.experiment import Experiment
from zmqlab.show.live import WIDGET_VIEW
from zmqlab.show.plots import space_time_text
from zmqlab.show.replay import ELSEWHERE, Replay, columns

C1, C2, W1 = b"\x00c1..", b"\x00c2..", b"\x00w1.."


class History:
    """Hops written by hand, a millisecond each."""

    def __init__(self):
        self.notes = {}
        self.hops = []
        self.now = 0.0

    def socket(self, who, kind, *, bound="", connected=""):
        note = SocketNote(
            len(self.notes) + 1,
            who,
            kind,
            b"",
            [bound] if bound else [],
            [connected] if connected else [],
        )
        self.notes[note.number] = note
        return note

    def sent(self, socket, *frames, late=0.0):
        """`late`: milliseconds by which the sender notes it after it was done."""
        self.now += 1
        self.hops.append(
            Hop((self.now + late) / 1000, socket.who, socket, "sent", frames, self.now / 1000)
        )

    def received(self, socket, *frames):
        self.now += 1
        self.hops.append(
            Hop(self.now / 1000, socket.who, socket, "received", frames, self.now / 1000)
        )

    @property
    def journal(self):
        return Journal.of(self.hops)

    @property
    def steps(self):
        return steps(self.journal)


def idle_worker_broker(*, ready_first):
    """One request through a broker with two ROUTERs; the frontend is its first socket."""
    h = History()
    frontend = h.socket("broker", "ROUTER", bound="inproc://front")
    backend = h.socket("broker", "ROUTER", bound="inproc://back")
    c1 = h.socket("c1", "REQ", connected="inproc://front")
    w1 = h.socket("w1", "REQ", connected="inproc://back")

    def ready():
        h.sent(w1, b"READY")
        h.received(backend, W1, b"", b"READY")

    def ask():
        h.sent(c1, b"hello")
        h.received(frontend, C1, b"", b"hello")

    for part in (ready, ask) if ready_first else (ask, ready):
        part()
    h.sent(backend, W1, b"", C1, b"", b"hello")
    h.received(w1, C1, b"", b"hello")
    h.sent(w1, C1, b"", b"world")
    h.received(backend, W1, b"", C1, b"", b"world")
    h.sent(frontend, C1, b"", b"world")
    h.received(c1, b"world")
    return h


# ------------------------------------------------------------------ who stands where


@pytest.mark.parametrize("ready_first", [True, False])
def test_clients_stand_left_of_the_broker_and_workers_right(ready_first):
    found = columns(idle_worker_broker(ready_first=ready_first).steps)
    assert found == {"c1": 0, "broker": 1, "w1": 2}


def test_a_pipeline_runs_from_left_to_right():
    h = History()
    feed, sink = h.socket("feeder", "PUSH"), h.socket("sink", "PULL")
    for name in ("w1", "w2"):
        w_in, w_out = h.socket(name, "PULL"), h.socket(name, "PUSH")
        h.sent(feed, name.encode())
        h.received(w_in, name.encode())
        h.sent(w_out, b"done " + name.encode())
        h.received(sink, b"done " + name.encode())
    assert columns(h.steps) == {"feeder": 0, "w1": 1, "w2": 1, "sink": 2}


def test_who_never_met_is_placed_too():
    h = History()
    h.sent(h.socket("a", "PUSH"), b"x")
    h.sent(h.socket("b", "PUSH"), b"y")
    assert columns(h.steps) == {"a": 0, "b": 0}


# ------------------------------------------------------------------ what the player gets


def test_the_score_is_plain_data_with_the_frames_as_each_program_saw_them():
    score = Replay(idle_worker_broker(ready_first=True).journal, follow=b"hello").score()
    assert json.loads(json.dumps(score)) == score
    assert [p["name"] for p in score["participants"]] == ["broker", "c1", "w1"]
    third = score["steps"][3]
    assert (third["who"], third["way"], third["from"], third["to"]) == (
        "broker",
        "received",
        "c1",
        "broker",
    )
    assert third["frames"] == [
        {"role": "address", "text": "0x0063312e2e"},
        {"role": "delimiter", "text": "∅"},
        {"role": "body", "text": '"hello"'},
    ]
    assert score["begin"] == 3  # the two of READY, and the question


def test_in_flight_a_message_shows_what_travels():
    told = Replay(idle_worker_broker(ready_first=True).journal).score()["steps"]
    flying = [[f["text"] for f in step["flying"]] for step in told if step["way"] == "sent"]
    assert flying == [
        ["∅", '"READY"'],  # the REQ adds the delimiter
        ["∅", '"hello"'],
        ["∅", "0x0063312e2e", "∅", '"hello"'],  # the ROUTER keeps the address
        ["∅", "0x0063312e2e", "∅", '"world"'],
        ["∅", '"world"'],
    ]
    assert all(step["flying"] is None for step in told if step["way"] == "received")


def test_a_message_with_one_end_goes_elsewhere():
    h = History()
    h.sent(h.socket("a", "PUSH"), b"lost")
    score = Replay(h.journal).score()
    assert [(p["name"], p["column"]) for p in score["participants"]] == [("a", 0), (ELSEWHERE, 1)]
    assert score["steps"][0]["to"] == ELSEWHERE


def test_a_blocked_send_is_played_when_it_began_as_every_picture_shows_it():
    h = History()
    push, pull = h.socket("main", "PUSH"), h.socket("w1", "PULL")
    other = h.socket("other", "PAIR")
    h.sent(push, b"waits for room", late=9)
    h.sent(other, b"meanwhile")
    h.received(pull, b"waits for room")
    steps = Replay(h.journal).score()["steps"]
    assert [(step["ms"], step["who"]) for step in steps] == [
        (0.0, "main"),
        (1.0, "other"),
        (2.0, "w1"),
    ]
    told = space_time_text(h.journal, times=False).splitlines()
    assert [line.split()[0] for line in told] == ["main", "other"]


def test_what_is_too_much_is_counted():
    h = History()
    push = h.socket("a", "PUSH")
    for number in range(10):
        h.sent(push, b"%d" % number)
    score = Replay(h.journal, most=4).score()
    assert len(score["steps"]) == 4
    assert score["left_out"] == 6


def test_w2_stands_above_w10():
    h = History()
    push = h.socket("main", "PUSH")
    for name in ("w10", "w2"):
        h.sent(push, name.encode())
        h.received(h.socket(name, "PULL"), name.encode())
    assert [p["name"] for p in Replay(h.journal).score()["participants"]] == ["main", "w2", "w10"]


def test_nothing_at_all_can_be_replayed():
    replay = Replay(Journal())
    assert replay.score()["steps"] == []
    assert repr(replay) == "Replay: What the sockets did. Participants: none."
    assert "replay" in replay.to_html()


# ------------------------------------------------------------------ what stays in the notebook


def test_the_picture_and_the_story_stand_where_no_player_lives(monkeypatch):
    replay = Replay(idle_worker_broker(ready_first=True).journal, follow=b"hello")
    shown = []
    monkeypatch.setattr("zmqlab.show.replay.display", lambda data, **_: shown.append(data))
    replay._ipython_display_()
    assert set(shown[0]) == {"text/plain", "image/png", WIDGET_VIEW}
    assert shown[0]["text/plain"] == repr(replay)
    assert set(shown[1]) == {"text/plain", WIDGET_VIEW}
    assert shown[1]["text/plain"] == (
        'What the sockets did: the way of "hello"\n'
        '  1  c1\'s REQ sent  "hello"\n'
        '  2  broker\'s ROUTER received  @0x00… | ∅ | "hello"\n'
        '  3  broker\'s ROUTER sent  @0x00… | ∅ | 0x00… | ∅ | "hello"\n'
        '  4  w1\'s REQ received  0x00… | ∅ | "hello"\n'
        '  5  w1\'s REQ sent  0x00… | ∅ | "world"\n'
        '  6  broker\'s ROUTER received  @0x00… | ∅ | 0x00… | ∅ | "world"\n'
        '  7  broker\'s ROUTER sent  @0x00… | ∅ | "world"\n'
        '  8  c1\'s REQ received  "world"'
    )


def test_without_a_task_to_follow_the_text_names_who_took_part():
    replay = Replay(idle_worker_broker(ready_first=False).journal, title="One request")
    assert repr(replay) == "Replay: One request. Participants: broker, c1, w1."


def test_a_frame_that_nobody_carried_is_followed_nowhere():
    replay = Replay(idle_worker_broker(ready_first=True).journal, follow=b"no such task")
    assert replay.score()["begin"] == 0
    assert str(replay) == repr(replay)


def server(ctx, endpoint):
    with ctx.socket(zmq.ROUTER) as socket:
        socket.bind(endpoint)
        while True:
            client, empty, question = socket.recv_multipart()
            socket.send_multipart([client, empty, b"answer to " + question])


def test_the_story_of_live_sockets_is_the_same_in_each_run():
    told = set()
    for _ in range(3):
        with Experiment() as lab:
            endpoint = lab.endpoint()
            lab.start("server", server, endpoint)
            with lab.ctx.socket(zmq.REQ) as client:
                client.connect(endpoint)
                client.send(b"hello")
                assert client.recv() == b"answer to hello"
        told.add(str(Replay(lab.journal, follow=b"hello")))
    (text,) = told
    assert text.splitlines()[1:] == [
        '  1  main\'s REQ sent  "hello"',
        '  2  server\'s ROUTER received  @0x00… | ∅ | "hello"',
        '  3  server\'s ROUTER sent  @0x00… | ∅ | "answer to hello"',
        '  4  main\'s REQ received  "answer to hello"',
    ]


# ------------------------------------------------------------------ the page


def test_the_page_needs_nothing_from_elsewhere(tmp_path):
    replay = Replay(idle_worker_broker(ready_first=True).journal)
    text = replay.page(tmp_path / "page.html").read_text(encoding="utf-8")
    assert [url for url in re.findall(r"(?:https?:)?//\S+", text) if re.match(r"https?:", url)] == [
        'http://www.w3.org/2000/svg";'
    ]  # the name of SVG, not an address to fetch
    assert "src=" not in text
    assert "<link" not in text


def test_no_frame_can_end_the_script_that_it_stands_in():
    h = History()
    h.sent(h.socket("a", "PUSH"), b"</script><script>alert(1)</script>")
    page = Replay(h.journal, title="<b>").to_html()
    assert "<script>alert" not in page
    assert "<title>&lt;b&gt;</title>" in page
