"""The course's brokers: who gets what, and what malformed input does to them (nothing)."""

import contextlib
import inspect
import socket
from itertools import cycle, islice
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import hostile
import pytest
import zmq

from zmqlab.balance.brokers import (
    Majordomo,
    by_policy,
    idle_worker,
    router_dealer,
    router_dealer_in_c,
)
from zmqlab.balance.policy import Credit, RoundRobin, least_recently_used
from zmqlab.run.experiment import Experiment
from zmqlab.run.threads import GaveUp

LESSONS = Path(__file__).parent.parent / "authoring" / "lessons"
SOLUTION = LESSONS.parent / "labs" / "05_broker.py"
DEALING = [router_dealer, router_dealer_in_c]


def knowing(ctx, frontend, backend):
    """The broker that asks a policy, as an idle-worker broker that bears anything."""
    by_policy(ctx, frontend, backend, least_recently_used, Random(1))


def echo(ctx, endpoint):
    """A worker for any of the brokers that deal in turn."""
    with ctx.socket(zmq.DEALER) as broker:
        broker.connect(endpoint)
        while True:
            broker.send_multipart(broker.recv_multipart())


def ready_echo(ctx, endpoint):
    """A worker that asks for its tasks."""
    with ctx.socket(zmq.REQ) as broker:
        broker.connect(endpoint)
        broker.send(b"READY")
        while True:
            broker.send_multipart(broker.recv_multipart())


PAIRS = [(router_dealer, echo), (router_dealer_in_c, echo), (knowing, ready_echo)]


@pytest.fixture
def lab():
    with Experiment("brokers", limit=30) as lab:
        lab.by_hand = []
        yield lab
        for socket in lab.by_hand:
            socket.close()


def connected(lab, endpoint, name=b""):
    """A DEALER for the test's own hands, closed at its end."""
    socket = lab.ctx.socket(zmq.DEALER)
    lab.by_hand.append(socket)
    if name:
        socket.routing_id = name
    socket.connect(endpoint)
    return socket


def client(ctx, endpoint, name, kind, requests):
    """Ask `requests` questions at once or one by one; returns the answers."""
    with ctx.socket(kind) as broker:
        broker.connect(endpoint)
        answers = []
        if kind == zmq.DEALER:
            for request in requests:
                broker.send_multipart([b"", *request])
            return [broker.recv_multipart()[1:] for _ in requests]
        for request in requests:
            broker.send_multipart(request)
            answers.append(broker.recv_multipart())
        return answers


@pytest.mark.parametrize(("broker", "worker"), PAIRS)
@pytest.mark.parametrize("transport", ["tcp", "inproc"])
def test_every_client_gets_its_own_answers(lab, broker, worker, transport):
    frontend, backend = lab.endpoint(transport), lab.endpoint(transport)
    lab.start("broker", broker, frontend, backend)
    for number in range(3):
        lab.start(f"w{number}", worker, backend)
    asked, tasks = {}, {}
    for number in range(12):
        name = f"c{number}"
        asked[name] = [[b"%d" % number, b"", bytes([255, n])] for n in range(5)] + [[b""]]
        kind = zmq.DEALER if number % 3 == 0 else zmq.REQ
        tasks[name] = lab.start(name, client, frontend, name, kind, asked[name])
    for name, task in tasks.items():
        assert sorted(task.result(20)) == sorted(asked[name])


@pytest.mark.parametrize(("broker", "worker"), PAIRS)
def test_the_broker_goes_on_after_every_malformed_message(lab, broker, worker):
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    thread = lab.start("broker", broker, frontend, backend)
    lab.start("w1", worker, backend)
    with lab.ctx.socket(zmq.DEALER) as stranger, lab.ctx.socket(zmq.DEALER) as unready:
        stranger.connect(frontend)
        if worker is ready_echo:
            unready.connect(backend)  # elsewhere it would be dealt tasks
        for frames in [
            [b""],
            [b"", b""],
            [b"\xff\x00", b"x"],
            [b"READY"],
            [b"", b"", b"", b"", b"", b""],
            [bytes(300)] * 9,
        ]:
            stranger.send_multipart(frames)
            if worker is ready_echo:
                unready.send_multipart(frames)
        stranger.send_multipart([b"", b"still there?"])
        answers = []
        while answers[-1:] != [[b"", b"still there?"]]:
            assert stranger.poll(5000), "the broker no longer answers"
            answers.append(stranger.recv_multipart())
        assert not thread.done


@pytest.mark.parametrize(("broker", "worker"), PAIRS)
def test_a_reply_to_a_client_that_left_is_dropped(lab, broker, worker):
    frontend, backend = lab.endpoint(), lab.endpoint()
    thread = lab.start("broker", broker, frontend, backend)
    lab.start("w1", worker, backend)
    for _ in range(20):
        with lab.ctx.socket(zmq.DEALER) as leaves:
            leaves.linger = 1000
            leaves.connect(frontend)
            leaves.send_multipart([b"", b"I shall not wait"])
    stays = lab.start("c1", client, frontend, "c1", zmq.REQ, [[b"I wait"]])
    assert stays.result(10) == [[b"I wait"]]
    assert not thread.done


@pytest.mark.parametrize("broker", DEALING)
def test_dealing_goes_round_whoever_is_busy(lab, broker):
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    workers = [connected(lab, backend) for _ in range(3)]
    lab.start("broker", broker, frontend, backend)
    with lab.ctx.socket(zmq.DEALER) as asks:
        asks.connect(frontend)
        for number in range(30):
            asks.send_multipart([b"", b"%d" % number])
        for worker in workers:  # none has answered anything: "busy" is nothing to a DEALER
            got = [worker.recv_multipart() for _ in range(10) if worker.poll(5000)]
            assert len(got) == 10
            assert not worker.poll(0)


class Hands:
    """Workers of an idle-worker broker, played by the test."""

    def __init__(self, lab, backend, n):
        self.lab = lab
        self.sockets = [connected(lab, backend, b"w%d" % number) for number in range(1, n + 1)]

    def heard(self, frames):
        """Wait until the broker has received exactly this."""
        self.lab.until(
            lambda: any(
                h.who == "broker" and h.way == "received" and h.frames == frames
                for h in self.lab.journal
            ),
            what=f"the broker to get {frames}",
        )

    def ready(self, number):
        self.sockets[number - 1].send_multipart([b"", b"READY"])
        self.heard((b"w%d" % number, b"", b"READY"))

    def answer(self, number):
        """Take a task, which must be there soon, and answer it; returns the task."""
        task = self.take(number)
        self.sockets[number - 1].send_multipart(task)
        self.heard((b"w%d" % number, *task))
        return task[-1]

    def take(self, number):
        assert self.sockets[number - 1].poll(5000), f"w{number} was given nothing"
        return self.sockets[number - 1].recv_multipart()

    def who_has_one(self):
        """The number of the one worker that is given a task; it takes it."""
        some = lambda: [n for n, s in enumerate(self.sockets, 1) if s.poll(0)]  # noqa: E731
        self.lab.until(some, what="some worker to be given a task")
        [number] = some()
        return number


@pytest.mark.parametrize("broker", [idle_worker, knowing])
def test_the_longest_idle_worker_is_next(lab, broker):
    assert given_out_in(lab, broker) == [2, 3, 1, 2, 3, 1]


def test_the_published_mistake_gives_all_to_the_newest(lab):
    order = given_out_in(lab, lambda *args: idle_worker(*args, end=-1))
    assert order == [1, 1, 1, 1, 1, 1]


def given_out_in(lab, broker):
    """Whom the broker gives six requests, one at a time; w2, w3, w1 became ready in that order."""
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    lab.start("broker", broker, frontend, backend)
    workers = Hands(lab, backend, 3)
    for number in (2, 3, 1):
        workers.ready(number)
    order = []
    with lab.ctx.socket(zmq.REQ) as asks:
        asks.connect(frontend)
        for request in range(6):
            asks.send(b"%d" % request)
            order.append(workers.who_has_one())
            assert workers.answer(order[-1]) == b"%d" % request
            assert asks.recv() == b"%d" % request
    return order


def test_with_nobody_idle_requests_stay_unread(lab):
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    lab.start("broker", knowing, frontend, backend)
    workers = Hands(lab, backend, 1)
    with lab.ctx.socket(zmq.DEALER) as asks:
        asks.connect(frontend)
        for number in range(3):
            asks.send_multipart([b"", b"%d" % number])
        workers.sockets[0].send_multipart([b"nonsense"])  # wakes the broker, makes nobody ready
        workers.heard((b"w1", b"nonsense"))
        assert read(lab) == 0
        workers.ready(1)
        workers.take(1)
        workers.sockets[0].send_multipart([b"nonsense again"])
        workers.heard((b"w1", b"nonsense again"))
        assert read(lab) == 1


def read(lab):
    """How many requests the broker has read from the frontend."""
    return sum(h.who == "broker" and h.way == "received" and len(h.frames) == 3 and h.frames[2]
               in (b"0", b"1", b"2") for h in lab.journal)  # fmt: skip


def test_only_an_answer_or_ready_makes_a_worker_ready(lab):
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    lab.start("broker", knowing, frontend, backend)
    workers = Hands(lab, backend, 2)
    workers.ready(1)
    workers.ready(1)  # once more is no more
    stranger, known = workers.sockets[1], workers.sockets[0]
    stranger.send_multipart([b"", b"c1", b"", b"an answer to nothing"])
    workers.heard((b"w2", b"", b"c1", b"", b"an answer to nothing"))
    with lab.ctx.socket(zmq.DEALER) as asks:
        asks.connect(frontend)
        for number in range(3):
            asks.send_multipart([b"", b"%d" % number])
        workers.take(1)
        known.send_multipart([b"", b"a word in between"])
        workers.heard((b"w1", b"", b"a word in between"))
        assert read(lab) == 1
        assert not known.poll(0)
        assert not stranger.poll(0)


def test_a_worker_that_starts_again_is_idle(lab):
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    lab.start("broker", knowing, frontend, backend)
    workers = Hands(lab, backend, 1)
    workers.ready(1)
    with lab.ctx.socket(zmq.DEALER) as asks:
        asks.connect(frontend)
        asks.send_multipart([b"", b"lost"])
        late = workers.take(1)
        workers.sockets[0].send_multipart([b"", b"READY"])
        workers.sockets[0].send_multipart(late)  # of its former life: it is no answer any more
        workers.heard((b"w1", *late))
        for _ in range(2):
            asks.send_multipart([b"", b"one at a time"])
        workers.take(1)
        workers.sockets[0].send_multipart([b"a word in between"])
        workers.heard((b"w1", b"a word in between"))
        assert not workers.sockets[0].poll(0)


@pytest.mark.parametrize("credit", [1, 2, 4])
def test_no_worker_has_more_than_its_credit(lab, credit):
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    lab.start("broker", by_policy, frontend, backend, Credit(credit), Random(1))
    workers = Hands(lab, backend, 2)
    workers.ready(1)
    workers.ready(2)
    with lab.ctx.socket(zmq.DEALER) as asks:
        asks.connect(frontend)
        for number in range(20):
            asks.send_multipart([b"", b"%d" % number])
        for worker in (1, 2):
            held = [workers.take(worker) for _ in range(credit)]
            assert not workers.sockets[worker - 1].poll(0)
            workers.sockets[worker - 1].send_multipart(held[0])
            workers.take(worker)
            assert not workers.sockets[worker - 1].poll(0)


def test_a_malformed_request_costs_the_chosen_worker_no_credit_and_no_turn(lab):
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    lab.start("broker", by_policy, frontend, backend, Credit(1), Random(1))
    workers = Hands(lab, backend, 2)
    workers.ready(1)
    workers.ready(2)
    with lab.ctx.socket(zmq.DEALER) as asks:
        asks.connect(frontend)
        for _ in range(3):
            asks.send_multipart([b"no delimiter"])
        asks.send_multipart([b"", b"a request"])
        assert workers.answer(1) == b"a request"


def test_a_policy_that_never_says_nobody_binds_requests_at_once(lab):
    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    lab.start("broker", by_policy, frontend, backend, RoundRobin(), Random(1))
    workers = Hands(lab, backend, 2)
    workers.ready(1)
    workers.ready(2)
    with lab.ctx.socket(zmq.DEALER) as asks:
        asks.connect(frontend)
        for number in range(10):
            asks.send_multipart([b"", b"%d" % number])
        for worker in (1, 2):
            assert [workers.take(worker)[-1] for _ in range(5)] == [
                b"%d" % number for number in range(worker - 1, 10, 2)
            ]


def test_a_policy_is_not_asked_again_before_something_has_changed(lab):
    asked = []

    def nobody(loads, rng):
        asked.append(loads)
        return None

    frontend, backend = lab.endpoint("inproc"), lab.endpoint("inproc")
    lab.start("broker", by_policy, frontend, backend, nobody, Random(1))
    workers = Hands(lab, backend, 1)
    workers.ready(1)
    with lab.ctx.socket(zmq.DEALER) as asks:
        asks.connect(frontend)
        asks.send_multipart([b"", b"a request"])
        for number in range(20):
            workers.sockets[0].send_multipart([b"%d" % number])
            workers.heard((b"w1", b"%d" % number))
        assert len(asked) <= 21
        assert read(lab) == 0


@pytest.mark.parametrize(
    ("lesson", "broker"),
    [
        ("07_idle_worker", idle_worker),
        ("12_contract", Majordomo.command),
    ],
)
def test_the_lesson_builds_the_same_broker(lesson, broker):
    """Or shows the same part of it."""
    source = (LESSONS / f"{lesson}.py").read_text(encoding="utf-8")
    assert inspect.getsource(broker) in source


def test_the_solution_of_lab_05_is_the_same_broker():
    source = inspect.getsource(router_dealer)
    assert source[source.index("    with ") :] in SOLUTION.read_text(encoding="utf-8")


# --- Hostile peers ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", hostile.BROKERS)
def test_hostile_peers_cost_no_honest_request(name):
    outcome = hostile.attack(name, 2000, seed=5)
    assert outcome.clean
    assert outcome.answered >= 40
    assert outcome.hostile >= 2000
    assert outcome.raw > 0


@pytest.mark.parametrize("name", hostile.BROKERS)
def test_a_seed_replays_what_hostile_peers_send(name):
    broker = hostile.BROKERS[name]

    def sent(seed):
        rng = Random(seed)
        made, streams = hostile.messages(rng, broker.spoken), hostile.raw_streams(rng, broker.dealt)
        return [next(made) for _ in range(50)] + [next(streams) for _ in range(50)]

    assert sent("7 bad 1") == sent("7 bad 1")
    assert sent("7 bad 1") != sent("8 bad 1")


@contextlib.contextmanager
def dealer_with_raw_peers(lab, streams):
    """A bound DEALER, its endpoint, and a TCP connection for each of the streams."""
    endpoint = lab.endpoint()
    with contextlib.ExitStack() as stack:
        dealer = stack.enter_context(lab.ctx.socket(zmq.DEALER))
        dealer.rcvtimeo = dealer.sndtimeo = 5000
        dealer.bind(endpoint)
        address = urlsplit(endpoint)
        raws = []
        for stream in streams:
            raw = socket.create_connection((address.hostname, address.port), timeout=5)
            raws.append(stack.enter_context(contextlib.closing(raw)))
            with contextlib.suppress(OSError):  # it may have hung up already
                raw.sendall(stream)
        yield dealer, endpoint, raws


SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
GREETING = SIGNATURE + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\n",
        b"\xff" + bytes(7) + b"\x05\x00",
        SIGNATURE + b"\x01\x05",
        GREETING + READY,
    ],
    ids=["a web browser", "ZMTP 1.0", "ZMTP 2.0", "ZMTP 3.0, a DEALER"],
)
def test_a_dealer_deals_tasks_to_who_begins_as(lab, stream):
    assert hostile.may_be_dealt_tasks(stream)
    with dealer_with_raw_peers(lab, [stream]) as (dealer, _, [raw]):
        dealer.send(b"a task")
        seen = b""
        while b"a task" not in seen:
            more = raw.recv(100)
            assert more
            seen += more


@pytest.mark.parametrize("seed", range(3))
def test_other_raw_connections_are_dealt_none(lab, seed):
    streams = islice(hostile.raw_streams(Random(seed), dealt=True), 100)
    with (
        dealer_with_raw_peers(lab, streams) as (dealer, endpoint, _),
        lab.ctx.socket(zmq.DEALER) as worker,
    ):
        worker.rcvtimeo = 5000
        worker.connect(endpoint)
        worker.send(b"here")
        assert dealer.recv() == b"here"
        tasks = [b"%d" % number for number in range(200)]
        for task in tasks:
            dealer.send(task)
        assert [worker.recv() for _ in tasks] == tasks


# Brokers that the attack has to refuse, each in the shape of the ROUTER/DEALER broker


def three_frames(ctx, frontend, backend):
    """The broker of many a tutorial: every message has three frames."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            ready, _, _ = zmq.select([clients, workers], [], [])
            for one, other in ((clients, workers), (workers, clients)):
                if one in ready:
                    address, empty, body = one.recv_multipart()
                    other.send_multipart([address, empty, body])


def dealing(change):
    """A broker that passes on what `change` makes of each reply: messages, maybe none."""

    def broker(ctx, frontend, backend):
        with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
            clients.bind(frontend)
            workers.bind(backend)
            while True:
                ready, _, _ = zmq.select([clients, workers], [], [])
                if clients in ready:
                    workers.send_multipart(clients.recv_multipart())
                if workers in ready:
                    for reply in change(workers.recv_multipart()):
                        clients.send_multipart(reply)

    return broker


def honest(reply):
    """Whether this is the answer to an honest client."""
    return any(b" of honest " in frame for frame in reply)


def losing_one_in(count):
    """A change of replies that now and then drops the answer to an honest client."""
    answers = cycle(range(count))
    return lambda reply: [] if honest(reply) and next(answers) == count - 1 else [reply]


def mixing_up_one_in(count):
    """A change of replies that now and then swaps the answers of two honest clients."""
    answers, held = cycle(range(count)), []

    def change(reply):
        if not honest(reply):
            return [reply]
        if held:
            (one, *first), (other, *second) = held.pop(), reply
            return [[other, *first], [one, *second]]
        if next(answers) < count - 1:
            return [reply]
        held.append(reply)
        return []

    return change


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broker", "error", "reason"),
    [
        (lambda: three_frames, ValueError, "values to unpack"),
        (lambda: dealing(losing_one_in(20)), GaveUp, "has waited 3 s for the answer"),
        (
            lambda: dealing(mixing_up_one_in(10)),
            (AssertionError, GaveUp),
            "wrong answers|has waited 3 s",
        ),
    ],
    ids=["dies", "loses answers now and then", "mixes up clients now and then"],
)
def test_the_attack_refuses_a_broker_that(broker, error, reason, monkeypatch):
    fragile = hostile.BROKERS["router_dealer"]._replace(broker=broker())
    monkeypatch.setitem(hostile.BROKERS, "fragile", fragile)
    with pytest.raises(error, match=reason):
        assert hostile.attack("fragile", 2000, seed=5, patience=3).clean, "wrong answers"
