"""The Paranoid Pirate queue: who gets what, who is out, what becomes of a dead worker's request."""

import time

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from zmqlab.balance.brokers import paranoid_pirate
from zmqlab.balance.brokers.pirate import HEARTBEAT, READY, Crew, envelope, is_whole
from zmqlab.run.experiment import Experiment

INTERVAL = 0.05  # seconds
PATIENT = 200  # intervals, 10 s: nobody is evicted whose silence is not the point
REQUEST = [b"c1", b"", b"question"]
ANSWER = [b"c1", b"", b"answer"]


# --- The crew, without sockets ----------------------------------------------------------------


@pytest.fixture
def crew():
    """w1, w2 and w3, idle in this order since 0, 0.1 and 0.2 s; patience 1 s."""
    crew = Crew(patience=1.0)
    for number, name in enumerate([b"w1", b"w2", b"w3"]):
        crew.heard(name, [READY], now=number / 10)
    return crew


def test_who_has_been_idle_longest_is_next_and_an_answer_goes_to_the_back(crew):
    assert crew.idle == b"w1"
    crew.give(b"w1", REQUEST)
    assert crew.idle == b"w2"
    assert crew.heard(b"w1", ANSWER, now=0.3) == ANSWER
    for name in (b"w2", b"w3"):
        assert crew.idle == name
        crew.give(name, REQUEST)
    assert crew.idle == b"w1"


@pytest.mark.parametrize(
    "says", [[HEARTBEAT], [READY], [b"anything"], [b""], [b"c2", b"", b"answer"], [b"c1", b""]]
)
def test_a_sign_of_life_makes_nobody_idle_and_moves_nobody(crew, says):
    crew.give(b"w1", REQUEST)
    for name in (b"w2", b"w1"):
        assert crew.heard(name, says, now=0.5) is None
    assert crew.idle == b"w2"
    assert crew.heard(b"w1", ANSWER, now=0.6) == ANSWER


def test_a_heartbeat_registers_nobody_nor_does_an_answer(crew):
    for says in ([HEARTBEAT], ANSWER):
        assert crew.heard(b"stranger", says, now=0.5) is None
    assert crew.workers == [b"w1", b"w2", b"w3"]


def test_each_request_has_one_answer(crew):
    crew.give(b"w1", REQUEST)
    assert crew.heard(b"w1", ANSWER, now=0.3) == ANSWER
    assert crew.heard(b"w1", ANSWER, now=0.3) is None


@pytest.mark.parametrize("says", [[HEARTBEAT], [READY], [b"a word"], ANSWER])
def test_whatever_a_worker_says_keeps_it_alive_and_whoever_is_silent_for_longer_is_out(crew, says):
    crew.heard(b"w1", says, now=1.0)
    crew.evict(now=1.1)  # w2 has been silent for just as long as it may be
    assert sorted(crew.workers) == [b"w1", b"w2", b"w3"]
    crew.evict(now=1.15)
    assert sorted(crew.workers) == [b"w1", b"w3"]
    crew.evict(now=2.05)
    assert crew.workers == []


def test_all_who_are_silent_are_out_busy_or_idle_and_what_they_had_comes_first(crew):
    crew.give(b"w1", REQUEST)
    crew.give(b"w3", [b"c3", b"", b"another"])
    crew.evict(now=9.0)
    assert crew.workers == []
    assert list(crew.orphans) == [REQUEST, [b"c3", b"", b"another"]]


def test_what_an_evicted_worker_answers_goes_to_nobody_and_it_comes_back_by_ready(crew):
    crew.give(b"w1", REQUEST)
    crew.evict(now=9.0)
    assert crew.heard(b"w1", ANSWER, now=9.1) is None
    crew.heard(b"w1", [HEARTBEAT], now=9.1)
    assert crew.idle is None
    crew.heard(b"w1", [READY], now=9.2)
    assert crew.idle == b"w1"
    assert crew.heard(b"w1", ANSWER, now=9.3) is None


def test_ready_of_a_known_worker_changes_nothing_idle_or_busy(crew):
    crew.heard(b"w1", [READY], now=0.3)
    assert crew.workers == [b"w1", b"w2", b"w3"]
    crew.give(b"w1", REQUEST)
    crew.heard(b"w1", [READY], now=0.4)
    assert crew.idle == b"w2"
    assert crew.heard(b"w1", ANSWER, now=0.5) == ANSWER


def test_the_envelope_of_a_request_ends_with_its_first_empty_frame():
    assert envelope([b"c1", b"number", b"", b"", b"body"]) == [b"c1", b"number", b""]
    assert is_whole([b"c1", b"", b""])
    assert not is_whole([b"c1", b""])


EVENTS = st.tuples(
    st.sampled_from(["says READY", "beats", "answers", "is asked", "time passes"]),
    st.sampled_from([b"w1", b"w2"]),
    st.integers(0, 1),  # which of the requests that it was ever given a worker answers
)


@given(st.lists(EVENTS, min_size=10, max_size=60))
def test_whatever_happens_each_request_is_answered_once_or_waits_once(events):
    crew, now, asked, answered = Crew(patience=1.0), 0.0, [], []
    had = {worker: [] for worker in (b"w1", b"w2")}
    for what, worker, which in events:
        if what == "says READY":
            crew.heard(worker, [READY], now=now)
        elif what == "beats":
            crew.heard(worker, [HEARTBEAT], now=now)
        elif what == "answers" and had[worker]:
            request = had[worker][-1 - which % len(had[worker])]
            if crew.heard(worker, [*request[:2], b"answer"], now=now):
                answered.append(request)
        elif what == "is asked" and (idle := crew.idle):
            request = crew.orphans.popleft() if crew.orphans else [b"c%d" % len(asked), b"", b"?"]
            asked += [request] * (request not in asked)
            crew.give(idle, request)
            had[idle].append(request)
        elif what == "time passes":
            now += 0.4
            crew.evict(now=now)
    crew.evict(now=now + 2)
    assert sorted([*answered, *crew.orphans]) == sorted(asked)


# --- The queue, on sockets --------------------------------------------------------------------


class Stage:
    """A queue, and peers for the test's own hands."""

    def __init__(self, lab, liveness):
        self.lab = lab
        self.frontend, self.backend = lab.endpoint("inproc"), lab.endpoint("inproc")
        self.queue = lab.start(
            "queue", paranoid_pirate, self.frontend, self.backend, INTERVAL, liveness
        )
        self.sockets = []

    def peer(self, endpoint, name=b"", kind=zmq.DEALER):
        socket = self.lab.ctx.socket(kind)
        self.sockets.append(socket)
        socket.rcvtimeo = 10_000
        if name:
            socket.routing_id = name
        socket.connect(endpoint)
        return socket

    def worker(self, name):
        worker = self.peer(self.backend, name)
        self.say(worker, READY)
        return worker

    def say(self, worker, *frames):
        """Let a worker say something, and wait until the queue has got it."""
        message = (worker.routing_id, *frames)
        before = self.got(message)
        worker.send_multipart(frames)
        self.lab.until(lambda: self.got(message) > before, what=f"{message} to arrive")

    def got(self, message):
        """How many times the queue has received just this."""
        return sum(
            hop.who == "queue" and hop.way == "received" and hop.frames == message
            for hop in self.lab.journal
        )


def take(worker):
    """The next request of a worker, between heartbeats."""
    while (frames := worker.recv_multipart()) == [HEARTBEAT]:
        pass
    return frames


@pytest.fixture
def stage():
    with Experiment("pirate", limit=30) as lab:
        stages = []

        def make(liveness=PATIENT):
            stages.append(Stage(lab, liveness))
            return stages[-1]

        yield make
        for one in stages:
            for socket in one.sockets:
                socket.close(0)


def test_a_request_comes_as_it_was_sent_and_its_answer_goes_back(stage):
    stage = stage()
    worker = stage.worker(b"w1")
    client = stage.peer(stage.frontend, kind=zmq.REQ)
    client.req_correlate = True
    client.send_multipart([b"a", b"", b"\xff"])
    request = take(worker)
    assert len(envelope(request)) == 3  # the client, its number, the empty frame
    assert request[3:] == [b"a", b"", b"\xff"]
    worker.send_multipart([*request[:3], b"done", b""])
    assert client.recv_multipart() == [b"done", b""]


def test_with_nobody_idle_requests_stay_unread(stage):
    stage = stage()
    worker = stage.worker(b"w1")
    client = stage.peer(stage.frontend, b"c1")
    for number in (b"0", b"1"):
        client.send_multipart([b"", number])
    assert take(worker) == [b"c1", b"", b"0"]
    for word in (HEARTBEAT, b"a word"):
        stage.say(worker, word)
    assert stage.got((b"c1", b"", b"1")) == 0
    worker.send_multipart([b"c1", b"", b"answer"])
    assert take(worker) == [b"c1", b"", b"1"]


def test_idle_and_busy_workers_hear_from_the_queue_though_nothing_else_happens(stage):
    stage = stage()
    busy, idle = stage.worker(b"w1"), stage.worker(b"w2")
    stage.peer(stage.frontend, b"c1").send_multipart([b"", b"question"])
    assert take(busy) == [b"c1", b"", b"question"]
    for worker in (busy, idle):
        assert [worker.recv_multipart() for _ in range(3)] == [[HEARTBEAT]] * 3


@pytest.mark.slow
def test_the_request_of_a_dead_worker_is_next_and_its_late_answer_goes_to_nobody(stage):
    stage = stage(liveness=20)  # 1 s: whoever beats as often as this test is not evicted
    dies, lives = stage.worker(b"dies"), stage.worker(b"lives")
    client = stage.peer(stage.frontend, b"c1")
    for number in (b"first", b"second", b"third"):
        client.send_multipart([b"", number])
    assert take(dies) == [b"c1", b"", b"first"]
    assert take(lives) == [b"c1", b"", b"second"]

    def out():
        """Whether two heartbeats of the queue went to the living, and none to the other between."""
        lives.send(HEARTBEAT)
        hops = [hop.frames for hop in stage.lab.journal if (hop.who, hop.way) == ("queue", "sent")]
        return hops[-2:] == [(b"lives", HEARTBEAT)] * 2

    stage.lab.until(out, within=10, what="the silent worker to be out")
    lives.send_multipart([b"c1", b"", b"answer to the second"])
    assert take(lives) == [b"c1", b"", b"first"]
    stage.say(dies, b"c1", b"", b"late")
    lives.send_multipart([b"c1", b"", b"answer to the first"])
    assert take(lives) == [b"c1", b"", b"third"]
    answers = [client.recv_multipart() for _ in range(2)]
    assert answers == [[b"", b"answer to the second"], [b"", b"answer to the first"]]
    assert not client.poll(0)


def test_a_queue_that_stood_still_evicts_nobody_who_lives(stage, monkeypatch):
    """It wakes up late, and finds nothing that would have come meanwhile."""
    stage = stage(liveness=20)
    worker = stage.worker(b"w1")
    client = stage.peer(stage.frontend, b"c1")
    honest, stills = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: honest() + stills[0])
    for still in (60.0, 120.0):
        stills[0] = still  # all at once it is a minute later
        client.send_multipart([b"", b"question"])
        assert take(worker) == [b"c1", b"", b"question"]
        stage.say(worker, b"c1", b"", b"answer")
        assert client.recv_multipart() == [b"", b"answer"]


def test_nothing_that_a_peer_sends_ends_the_queue(stage):
    stage = stage()
    worker, stranger = stage.worker(b"w1"), stage.peer(stage.backend, b"w2")
    client = stage.peer(stage.frontend, b"c1")
    nonsense = [[b""], [b"", b""], [b"\x03"], [b"x", b"y"], [READY, READY], [b"READY"], [b""] * 9]
    for frames in nonsense:
        stage.say(worker, *frames)
        stage.say(stranger, *frames)
    for frames in ([b"x"], [b"x", b"y"], [READY], [b"\xff" * 300], [b""], [b"x", b""]):
        client.send_multipart(frames)  # no empty frame, or nothing behind it: no request
    client.send_multipart([b"", b"still there?"])
    assert take(worker) == [b"c1", b"", b"still there?"]
    worker.send_multipart([b"c1", b"", b"yes"])
    assert client.recv_multipart() == [b"", b"yes"]
    assert not stage.queue.done


def test_the_queue_waits_without_using_the_processor(stage, monkeypatch):
    stage = stage()
    worker = stage.worker(b"w1")
    client = stage.peer(stage.frontend, b"c1")
    for _ in range(2):
        client.send_multipart([b"", b"question"])
    assert take(worker) == [b"c1", b"", b"question"]
    waits, select = [], zmq.select

    def counted(*args):
        waits.append(args)
        return select(*args)

    monkeypatch.setattr(zmq, "select", counted)
    beats = [worker.recv_multipart() for _ in range(5)]  # and a request that nobody may have
    assert beats == [[HEARTBEAT]] * 5
    assert 4 <= len(waits) <= 8
