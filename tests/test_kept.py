"""The broker that stores a request before it answers: what it promises, and across restarts."""

import contextlib

import pytest
import zmq

from zmqlab.balance.brokers import kept, store_then_answer
from zmqlab.check import lab13
from zmqlab.run.experiment import Experiment


class Stage:
    """The server at one path, and peers played by the test. It can be started again."""

    def __init__(self, path):
        self.path = str(path)
        self.up = contextlib.ExitStack()

    def start(self):
        """Start the server, and end the one before."""
        self.up.close()
        self.lab = self.up.enter_context(Experiment("kept", limit=30))
        self.frontend, self.backend = self.lab.endpoint(), self.lab.endpoint()
        self.thread = self.lab.start(
            "server", store_then_answer, self.frontend, self.backend, self.path
        )
        self.client = self.connected(self.frontend)
        self.ask(b"REPLY", b"nobody's")  # it is up

    def connected(self, endpoint):
        socket = self.up.enter_context(self.lab.ctx.socket(zmq.DEALER))
        socket.rcvtimeo = 5000
        socket.connect(endpoint)
        return socket

    def ask(self, *frames):
        self.client.send_multipart([b"", *frames])
        return self.client.recv_multipart()[1:]

    def worker(self):
        """A new worker that has said READY, and that the server has heard."""
        worker = self.connected(self.backend)
        self.say(worker, b"READY")
        return worker

    def say(self, worker, *frames):
        """Let a worker say something, and wait until the server has heard it."""
        before = self.heard(frames)
        worker.send_multipart([b"", *frames])
        self.lab.until(lambda: self.heard(frames) > before, what=f"the server to hear {frames}")
        self.ask(b"REPLY", b"nobody's")  # it has dealt with it

    def heard(self, frames):
        return sum(
            hop.who == "server" and hop.way == "received" and hop.frames[2:] == frames
            for hop in self.lab.journal
        )

    def given(self, worker):
        """What a worker is given: [id, b"", body …]; None if nothing has come."""
        self.ask(b"REPLY", b"nobody's")
        return worker.recv_multipart()[1:] if worker.poll(0) else None


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path / "requests")
    stage.start()
    yield stage
    stage.up.close()


@pytest.mark.parametrize("id", [b"7", b"", b"READY", b"\x00\xff", bytes(300)])
@pytest.mark.parametrize("body", [[], [b""], [b"a", b"", b"\xff\x00"]])
def test_any_id_and_any_body_is_kept_done_and_closed(stage, id, body):
    assert stage.ask(b"REPLY", id) == [b"400", id]
    assert stage.ask(b"REQUEST", id, *body) == [b"200", id]
    assert stage.ask(b"REQUEST", id, *body) == [b"200", id]
    assert stage.ask(b"REQUEST", id, *body, b"more") == [b"400", id]
    assert stage.ask(b"REPLY", id) == [b"300", id]
    worker = stage.worker()
    assert worker.recv_multipart() == [b"", id, b"", *body]
    stage.say(worker, id, b"", b"done", *body)
    for _ in range(2):
        assert stage.ask(b"REPLY", id) == [b"200", id, b"done", *body]
    assert stage.given(worker) is None
    for _ in range(2):
        assert stage.ask(b"CLOSE", id) == [b"200", id]
    assert stage.ask(b"REPLY", id) == [b"400", id]


def test_the_way_back_may_have_any_length(stage):
    stage.client.send_multipart([b"\x01\x02\x03\x04", b"proxy", b"", b"REQUEST", b"7", b"body"])
    back = [b"\x01\x02\x03\x04", b"proxy", b""]
    assert stage.client.recv_multipart() == [*back, b"200", b"7"]


def test_requests_are_done_in_their_order_by_who_is_idle_longest(stage):
    first, second = stage.worker(), stage.worker()
    for id in (b"1", b"2", b"3"):
        stage.ask(b"REQUEST", id, b"body")
    assert stage.given(first) == [b"1", b"", b"body"]
    assert stage.given(second) == [b"2", b"", b"body"]
    stage.say(second, b"2", b"", b"done")
    assert stage.given(second) == [b"3", b"", b"body"]


def test_a_restart_keeps_what_was_promised_and_does_nothing_again(stage):
    for id in (b"done", b"given", b"closed", b"waits"):
        stage.ask(b"REQUEST", id, b"body")
    worker = stage.worker()
    stage.given(worker)
    stage.say(worker, b"done", b"", b"a reply")
    assert stage.given(worker) == [b"given", b"", b"body"]
    stage.ask(b"CLOSE", b"closed")
    stage.start()
    assert stage.ask(b"REPLY", b"done") == [b"200", b"done", b"a reply"]
    assert stage.ask(b"REPLY", b"waits") == [b"300", b"waits"]
    assert stage.ask(b"REPLY", b"closed") == [b"400", b"closed"]
    worker = stage.worker()
    for id in (b"given", b"waits"):
        assert stage.given(worker) == [id, b"", b"body"]
        stage.say(worker, id, b"", b"done")
    assert stage.given(worker) is None


def test_a_reply_counts_once_and_only_from_who_has_the_request(stage):
    stage.ask(b"REQUEST", b"7", b"body")
    worker, other = stage.worker(), stage.worker()
    stage.given(worker)
    stage.say(other, b"7", b"", b"not mine")
    stage.say(worker, b"8", b"", b"another id")
    assert stage.ask(b"REPLY", b"7") == [b"300", b"7"]
    stage.say(worker, b"7", b"", b"first")
    stage.say(worker, b"7", b"", b"second")
    assert stage.ask(b"REPLY", b"7") == [b"200", b"7", b"first"]


def test_what_a_worker_had_is_given_out_again_when_it_begins_anew(stage):
    stage.ask(b"REQUEST", b"1", b"body")
    stage.ask(b"REQUEST", b"2", b"body")
    worker = stage.worker()
    assert stage.given(worker) == [b"1", b"", b"body"]
    stage.say(worker, b"READY")
    assert stage.given(worker) == [b"1", b"", b"body"]


def test_a_late_reply_is_none_to_a_new_request_of_the_same_id(stage):
    worker, other = stage.worker(), stage.worker()
    stage.ask(b"REQUEST", b"7", b"old")
    assert stage.given(worker) == [b"7", b"", b"old"]
    stage.ask(b"CLOSE", b"7")
    stage.ask(b"REQUEST", b"7", b"new")
    assert stage.given(other) == [b"7", b"", b"new"]
    stage.say(worker, b"7", b"", b"late")
    assert stage.ask(b"REPLY", b"7") == [b"300", b"7"]
    stage.say(other, b"7", b"", b"right")
    assert stage.ask(b"REPLY", b"7") == [b"200", b"7", b"right"]


class Workers:
    """The server's socket for workers, some of whom are gone or do not read."""

    def __init__(self, **errors):
        self.errors, self.sent = errors, []

    def send_multipart(self, frames, flags):
        assert flags == zmq.NOBLOCK
        if error := self.errors.get(frames[0].decode()):
            raise zmq.ZMQError(error)
        self.sent.append(frames)


def test_a_request_goes_to_the_next_if_a_worker_is_gone_or_does_not_read(tmp_path):
    workers = Workers(w1=zmq.EHOSTUNREACH, w2=zmq.EAGAIN)
    with contextlib.closing(kept.Store(str(tmp_path / "requests"))) as store:
        server = kept.Server(store, workers)
        for worker in (b"w1", b"w2", b"w3"):
            server.heard(worker, [b"", b"READY"])
        assert server.answer([b"REQUEST", b"7", b"body"]) == [b"200", b"7"]
        server.give()
    assert workers.sent == [[b"w3", b"", b"7", b"", b"body"]]


@pytest.mark.parametrize("word", [b"REQUEST", b"REPLY", b"CLOSE"])
def test_what_is_too_long_is_refused(stage, monkeypatch, word):
    monkeypatch.setattr(kept, "LONGEST", 100)
    assert stage.ask(word, bytes(101)) == [b"400", bytes(101)]
    assert stage.ask(b"REQUEST", b"7", bytes(101)) == [b"400", b"7"]
    assert stage.ask(b"REQUEST", b"8", bytes(50)) == [b"200", b"8"]
    worker = stage.worker()
    stage.given(worker)
    stage.say(worker, b"8", b"", bytes(101))
    assert stage.ask(b"REPLY", b"8") == [b"300", b"8"]


def test_a_full_disk_is_said_and_ends_nothing(stage, monkeypatch):
    monkeypatch.setattr(kept, "SETTINGS", (*kept.SETTINGS, "pragma max_page_count = 10"))
    stage.start()
    assert stage.ask(b"REQUEST", b"little", b"body") == [b"200", b"little"]
    assert stage.ask(b"REQUEST", b"much", bytes(100_000)) == [b"500", b"much"]
    assert stage.ask(b"REPLY", b"much") == [b"400", b"much"]
    worker = stage.worker()
    assert stage.given(worker) == [b"little", b"", b"body"]
    stage.say(worker, b"little", b"", bytes(100_000))  # no room for that: it has it still
    stage.say(worker, b"little", b"", b"shorter")
    assert stage.ask(b"REPLY", b"little") == [b"200", b"little", b"shorter"]


def test_a_power_cut_takes_nothing_that_was_answered(tmp_path):
    with contextlib.closing(kept.Store(str(tmp_path / "requests"))) as store:
        assert store.db.execute("pragma journal_mode").fetchone() == ("wal",)
        assert store.db.execute("pragma synchronous").fetchone() == (2,)  # full


def test_frames_come_back_as_they_were():
    for frames in ([], [b""], [b"", b"a" * 300, b""]):
        assert kept.unpacked(kept.packed(frames)) == frames


@pytest.mark.slow
def test_it_does_what_lab_13_asks_for():
    report = lab13(store_then_answer)
    assert report.verdict != "failed", str(report)
