"""The tap between real sockets: what it shows, what it does to them, and that nothing is left."""

import contextlib
import signal
import socket
import subprocess
import threading
import time
from collections import Counter

import pytest
import zmq

from zmqlab.record.arrows import messages
from zmqlab.run.experiment import Experiment
from zmqlab.run.threads import eventually
from zmqlab.wire.faults import Fault, Faults
from zmqlab.wire.link import ROOM
from zmqlab.wire.tap import Tap


@pytest.fixture(autouse=True)
def no_tap_is_left():
    yield
    eventually(
        lambda: not [t.name for t in threading.enumerate() if t.name.startswith("tap ")],
        within=2,
        what="the taps' threads to end",
    )


@pytest.fixture
def listener():
    """A plain socket that listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(5)
        yield sock


def endpoint_of(sock):
    return f"tcp://127.0.0.1:{sock.getsockname()[1]}"


def connect(endpoint):
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), timeout=5)
    sock.settimeout(5)
    return sock


@contextlib.contextmanager
def plain_pair(listener, **options):
    """A tap with one plain connection through it: (tap, near, far)."""
    with Tap(endpoint_of(listener), **options) as tap, connect(tap.endpoint) as near:
        far, _ = listener.accept()
        far.settimeout(5)
        with far:
            yield tap, near, far


def exactly(sock, size):
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        assert piece, f"the end after {len(data)} of {size} bytes"
        data += piece
    return data


@contextlib.contextmanager
def request_reply(**options):
    """An experiment with a REQ that is tapped on its way to a ROUTER: (lab, tap, req, router)."""
    with Experiment() as lab:
        endpoint = lab.endpoint()
        with (
            Tap(endpoint, between=("client", "broker"), journal=lab.journal, **options) as tap,
            lab.ctx.socket(zmq.ROUTER) as router,
            lab.ctx.socket(zmq.REQ) as req,
        ):
            router.rcvtimeo = req.rcvtimeo = 5000
            req.routing_id = b"client"
            router.bind(endpoint)
            req.connect(tap.endpoint)
            yield lab, tap, req, router


# -- what it shows --------------------------------------------------------------------------------


def test_one_request_frame_by_frame():
    with request_reply() as (_, tap, req, router):
        req.send(b"hello")
        router.send_multipart(router.recv_multipart())
        assert req.recv() == b"hello"
    assert repr(tap.wire).splitlines()[1:] == [
        "client → broker  greeting              64  ZMTP 3.1, mechanism NULL, as-server 0",
        "broker → client  greeting              64  ZMTP 3.1, mechanism NULL, as-server 0",
        'client → broker  READY     COMMAND     44  Socket-Type = "REQ", Identity = "client"',
        'broker → client  READY     COMMAND     41  Socket-Type = "ROUTER", Identity = ∅',
        "client → broker  message   MORE         0  ∅",
        'client → broker  message                5  "hello"',
        "broker → client  message   MORE         0  ∅",
        'broker → client  message                5  "hello"',
    ]


def test_times_lie_between_the_sending_and_the_receiving():
    with request_reply() as (lab, tap, req, router):
        req.send(b"hello")
        router.recv_multipart()
    sent, received = lab.journal.hops
    (message,) = tap.wire.messages()
    assert sent.since < message.time < received.time


def test_the_journal_matches_messages_across_the_tap():
    with request_reply() as (lab, _, req, router):
        req.send(b"hello")
        router.recv_multipart()
    ((sent, received),) = messages(lab.journal)
    assert (sent.socket.kind, received.socket.kind) == ("REQ", "ROUTER")


def test_heartbeats_and_subscriptions():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        with (
            Tap(endpoint) as tap,
            lab.ctx.socket(zmq.PUB) as pub,
            lab.ctx.socket(zmq.SUB) as sub,
        ):
            pub.heartbeat_ivl, pub.heartbeat_ttl = 20, 3000
            pub.bind(endpoint)
            sub.subscribe(b"weather")
            sub.connect(tap.endpoint)
            names = {"SUBSCRIBE", "PING", "PONG"}
            lab.until(lambda: names <= {r.name for r in tap.wire}, what="three commands")
    by_name = {r.name: r for r in tap.wire}
    assert by_name["SUBSCRIBE"].unit.values == {"topic": b"weather"}
    assert by_name["PING"].unit.values == {"ttl": 3.0, "context": b""}
    assert (by_name["PING"].way, by_name["PONG"].way) == ("←", "→")


def test_curve_is_carried_and_shown_as_encrypted():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        public, secret = zmq.curve_keypair()
        with (
            Tap(endpoint) as tap,
            lab.ctx.socket(zmq.PULL) as pull,
            lab.ctx.socket(zmq.PUSH) as push,
        ):
            pull.curve_server, pull.curve_secretkey = True, secret
            push.curve_serverkey = public
            push.curve_publickey, push.curve_secretkey = zmq.curve_keypair()
            pull.rcvtimeo = 5000
            pull.bind(endpoint)
            push.connect(tap.endpoint)
            push.send(b"a secret")
            assert pull.recv() == b"a secret"
    names = [r.name for r in tap.wire if r.kind in ("command", "encrypted")]
    assert names == ["HELLO", "WELCOME", "INITIATE", "READY", "MESSAGE"]
    assert tap.wire[-1].kind == "encrypted"
    assert b"a secret" not in b"".join(r.body for r in tap.wire)


def test_several_workers_through_one_tap():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        with Tap(endpoint) as tap, lab.ctx.socket(zmq.ROUTER) as router:
            router.rcvtimeo = 5000
            router.bind(endpoint)
            workers = [lab.ctx.socket(zmq.DEALER) for _ in range(3)]
            for name, worker in zip((b"w1", b"w2", b"w3"), workers, strict=True):
                worker.routing_id = name
                worker.connect(tap.endpoint)
                worker.send(b"READY")
            ids = {router.recv_multipart()[0] for _ in range(3)}
            assert (tap.made, tap.open) == (3, 3)
    named = {r.link: r.unit.values["Identity"] for r in tap.wire.only("READY") if r.way == "→"}
    assert set(named) == {1, 2, 3}
    assert set(named.values()) == ids


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_peer_that_is_not_python(node):
    with Experiment() as lab:
        endpoint = lab.endpoint()
        with Tap(endpoint, between=("node", "python")) as tap, lab.ctx.socket(zmq.ROUTER) as router:
            router.rcvtimeo = 20_000
            router.bind(endpoint)
            with subprocess.Popen(
                ["node", "dealer.js", tap.endpoint], cwd=node, stdout=subprocess.PIPE, text=True
            ) as child:
                try:
                    request = router.recv_multipart()
                    router.send_multipart([request[0], b"", b"answer"])
                    answer, _ = child.communicate(timeout=20)
                finally:
                    child.kill()
    assert request == [b"node", b"", b"hello", b"*" * 300]
    assert answer.split() == [b"answer".hex()]
    ready = next(r for r in tap.wire.only("READY") if r.way == "→")
    assert ready.unit.values == {"Socket-Type": b"DEALER", "Identity": b"node"}
    assert [(r.way, r.flags, r.body) for r in tap.wire.only("message")] == [
        ("→", "MORE", b""),
        ("→", "MORE", b"hello"),
        ("→", "LONG", b"*" * 300),
        ("←", "MORE", b""),
        ("←", "", b"answer"),
    ]


# -- what is not ZMTP -----------------------------------------------------------------------------


def test_bytes_that_are_no_zmtp_pass_untouched_and_are_reported(listener):
    with plain_pair(listener) as (tap, near, far):
        near.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert exactly(far, 18) == b"GET / HTTP/1.1\r\n\r\n"
        far.sendall(b"\x00\xff\xfe")
        assert exactly(near, 3) == b"\x00\xff\xfe"
    assert {r.kind for r in tap.wire} == {"opaque"}
    assert sum(r.size for r in tap.wire) == 21


def test_a_megabyte_of_anything_arrives_as_it_was_sent(listener):
    data = bytes(range(256)) * 4096
    with plain_pair(listener) as (_, near, far):
        sender = threading.Thread(target=near.sendall, args=(data,))
        sender.start()
        assert exactly(far, len(data)) == data
        sender.join()


def test_a_half_closed_connection_still_answers(listener):
    with plain_pair(listener) as (tap, near, far):
        near.sendall(b"question")
        near.shutdown(socket.SHUT_WR)
        assert exactly(far, 8) == b"question"
        assert far.recv(1) == b""
        far.sendall(b"answer")
        far.close()
        assert exactly(near, 6) == b"answer"
        assert near.recv(1) == b""
        eventually(lambda: tap.open == 0, within=2, what="the connection to be gone")


def test_the_end_of_one_side_reaches_the_other(listener):
    with plain_pair(listener) as (tap, near, far):
        far.close()
        assert near.recv(1) == b""
        near.close()
        eventually(lambda: tap.open == 0, within=2, what="the connection to be gone")


def test_nobody_at_the_real_endpoint():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        nobody = endpoint_of(sock)
    with Tap(nobody) as tap:
        with connect(tap.endpoint) as near:
            assert near.recv(1) == b""
        eventually(lambda: tap.refused == 1, within=2, what="the refusal to be counted")
        assert (tap.made, tap.open) == (0, 0)


def test_connecting_before_the_real_endpoint_is_bound():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        with (
            Tap(endpoint) as tap,
            lab.ctx.socket(zmq.PUSH) as push,
            lab.ctx.socket(zmq.PULL) as pull,
        ):
            pull.rcvtimeo = 5000
            push.connect(tap.endpoint)
            push.send(b"early")
            lab.until(lambda: tap.refused > 0, what="a refusal")
            pull.bind(endpoint)
            assert pull.recv() == b"early"


# -- what it does ---------------------------------------------------------------------------------


def test_delay_holds_each_direction_back():
    with request_reply() as (_, tap, req, router):
        req.send(b"one")
        router.send_multipart(router.recv_multipart())
        req.recv()
        tap.delay(0.06)
        begin = time.monotonic()
        req.send(b"two")
        router.send_multipart(router.recv_multipart())
        req.recv()
        assert time.monotonic() - begin >= 0.12
        tap.delay(0)
        req.send(b"three")
        router.send_multipart(router.recv_multipart())
        assert req.recv() == b"three"


def test_a_delay_holds_for_connections_to_come(listener):
    with Tap(endpoint_of(listener)) as tap:
        tap.delay(0.05)
        with connect(tap.endpoint) as near, listener.accept()[0] as far:
            begin = time.monotonic()
            near.sendall(b"x")
            assert far.recv(1) == b"x"
            assert time.monotonic() - begin >= 0.05


def test_a_stalled_connection_loses_nothing():
    with request_reply() as (_, tap, req, router):
        req.send(b"one")
        router.send_multipart(router.recv_multipart())
        req.recv()
        tap.stall()
        req.send(b"two")
        assert router.poll(80) == 0
        tap.resume()
        assert router.recv_multipart() == [b"client", b"", b"two"]


def test_stalling_before_anyone_connects():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        with (
            Tap(endpoint) as tap,
            lab.ctx.socket(zmq.PUSH) as push,
            lab.ctx.socket(zmq.PULL) as pull,
        ):
            tap.stall()
            pull.bind(endpoint)
            push.connect(tap.endpoint)
            push.send(b"x")
            assert pull.poll(80) == 0
            assert len(tap.wire) == 0
            tap.resume()
            assert pull.poll(5000)


def test_stalling_one_of_two_connections():
    with Experiment() as lab:
        endpoint = lab.endpoint()
        with Tap(endpoint) as tap, lab.ctx.socket(zmq.ROUTER) as router:
            router.rcvtimeo = 5000
            router.bind(endpoint)
            dealers = [lab.ctx.socket(zmq.DEALER) for _ in range(2)]
            for name, dealer in zip((b"w1", b"w2"), dealers, strict=True):
                dealer.routing_id = name
                dealer.connect(tap.endpoint)
                dealer.send(b"hello")
                router.recv_multipart()
            tap.stall(link=1)
            for dealer in dealers:
                dealer.send(b"again")
            assert router.recv_multipart() == [b"w2", b"again"]
            assert router.poll(50) == 0
            tap.resume()
            assert router.recv_multipart() == [b"w1", b"again"]


def test_a_cut_connection_is_made_anew():
    with request_reply() as (lab, tap, req, router):
        req.send(b"one")
        client, *rest = router.recv_multipart()
        assert tap.cut() == 1
        assert tap.cut(link=99) == 0
        lab.until(lambda: tap.made == 2, what="a second connection")
        names = [r.name for r in tap.wire if r.link == 1]
        assert names[-1] == "cut"
        # A REQ takes an answer only from the connection it asked on: this one is never read.
        router.send_multipart([client, *rest])
        assert req.poll(80) == 0


def fill(sock):
    """Send until the other side takes no more."""
    sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        sock.sendall(bytes(100 * 1024 * 1024))


def test_back_pressure_is_felt_through_the_tap(listener):
    with plain_pair(listener) as (tap, near, far):
        fill(near)
        (link,) = tap._links
        assert link.streams[0].held <= ROOM + 65536
        assert tap._records[0].size <= ROOM + 65536
        assert exactly(far, 1000) == bytes(1000)


def test_a_stall_holds_back_the_sender_too(listener):
    with plain_pair(listener) as (tap, near, _):
        tap.stall()
        fill(near)
        assert len(tap.wire) == 0


# -- plans ----------------------------------------------------------------------------------------


def test_a_plan_depends_on_its_seed_and_on_nothing_else():
    plan, same, other = Faults(7, cut=0.2, delay=0.3), Faults(7, cut=0.2, delay=0.3), Faults(8, 0.2)
    places = [(link, way, n) for link in (1, 2) for way in "→←" for n in range(50)]
    drawn = [plan(*place) for place in places]
    assert drawn == [same(*place) for place in reversed(places)][::-1]
    assert drawn != [other(*place) for place in places]


def test_a_plan_keeps_to_its_chances_and_its_times():
    plan = Faults(1, cut=0.1, stall=0.2, delay=0.3, seconds=(0.02, 0.04))
    drawn = [plan(1, "→", n) for n in range(4000)]
    share = {k: n / 4000 for k, n in Counter(f.kind if f else "none" for f in drawn).items()}
    assert share == pytest.approx({"cut": 0.1, "stall": 0.2, "delay": 0.3, "none": 0.4}, abs=0.03)
    assert all(0.02 <= f.seconds <= 0.04 for f in drawn if f and f.kind != "cut")
    assert Faults(1)(1, "→", 0) is None


def test_a_planned_cut_loses_the_message_before_which_it_stands():
    def third(link, way, number):
        return Fault("cut") if (link, way, number) == (1, "→", 2) else None

    with Experiment() as lab:
        endpoint = lab.endpoint()
        with (
            Tap(endpoint, faults=third) as tap,
            lab.ctx.socket(zmq.PULL) as pull,
            lab.ctx.socket(zmq.PUSH) as push,
        ):
            pull.rcvtimeo = 5000
            pull.bind(endpoint)
            push.connect(tap.endpoint)
            for n in range(3):
                push.send_multipart([b"task", b"%d" % n])
            assert [pull.recv_multipart()[1] for _ in range(2)] == [b"0", b"1"]
            lab.until(lambda: tap.made == 2, what="a second connection")
            push.send_multipart([b"task", b"3"])
            assert pull.recv_multipart()[1] == b"3"
    lost = [m.frames for m in tap.wire.messages() if m.lost]
    assert lost == [(b"task", b"2")]
    assert [r.name for r in tap.wire if r.kind == "fault"] == ["cut"]


def test_a_planned_delay_and_a_planned_stall_hold_a_message_back():
    def plan(link, way, number):
        return {0: Fault("delay", 0.1), 1: Fault("stall", 0.1)}.get(number) if way == "→" else None

    with request_reply(faults=plan) as (_, tap, req, router):
        for _ in range(2):
            begin = time.monotonic()
            req.send(b"x")
            router.send_multipart(router.recv_multipart())
            req.recv()
            assert time.monotonic() - begin >= 0.1
        begin = time.monotonic()
    assert [(r.name, r.unit.note) for r in tap.wire if r.kind == "fault"] == [
        ("delay", "100 ms, as planned"),
        ("stall", "100 ms, as planned"),
    ]


def test_a_fault_between_messages_of_one_piece_changes_no_octet(listener):
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48)
    raw = greeting + b"\x00\x03one" + b"\x01\x03two" + b"\x00\x01!" + b"\x00\x05three"

    def before_the_second(link, way, number):
        return Fault("delay", 0.05) if number == 1 else None

    with plain_pair(listener, faults=before_the_second) as (tap, near, far):
        begin = time.monotonic()
        near.sendall(raw)
        assert exactly(far, len(raw)) == raw
        assert time.monotonic() - begin >= 0.05
        near.shutdown(socket.SHUT_WR)
        assert far.recv(1) == b""
    assert [m.frames for m in tap.wire.messages()] == [(b"one",), (b"two", b"!"), (b"three",)]


@pytest.mark.slow
def test_the_same_seed_loses_the_same_messages():
    def run():
        with Experiment(record=False) as lab:
            endpoint = lab.endpoint()
            with (
                Tap(endpoint, faults=Faults(3, cut=0.2)) as tap,
                lab.ctx.socket(zmq.PULL) as pull,
                lab.ctx.socket(zmq.PUSH) as push,
            ):
                pull.bind(endpoint)
                push.connect(tap.endpoint)
                # One in flight: each is seen to arrive, or to be lost and the connection made anew.
                for number in (b"%d" % n for n in range(12)):
                    before = tap.made
                    push.send(number)
                    lab.until(lambda n=number: pull.poll(1) or _lost(tap, n), what="its fate")
                    if pull.poll(0):
                        pull.recv()
                    else:
                        lab.until(lambda n=before: tap.made > max(1, n), what="a new connection")
        return [m.frames for m in tap.wire.messages() if m.lost]

    lost = run()
    assert 0 < len(lost) < 12
    assert run() == lost


def _lost(tap, frame):
    return any(r.lost and r.body == frame for r in tap.wire)


# -- life -----------------------------------------------------------------------------------------


def test_it_ends_with_its_with_and_leaves_no_port():
    with socket.create_server(("127.0.0.1", 0)) as target, Tap(endpoint_of(target)) as tap:
        near = connect(tap.endpoint)
        eventually(lambda: tap.open == 1, within=2, what="the connection")
        thread = tap._thread
    assert not thread.is_alive()
    assert near.recv(1) == b""
    near.close()
    with pytest.raises(ConnectionRefusedError):
        connect(tap.endpoint)


def test_it_ends_when_the_with_is_left_by_an_exception(listener):
    with pytest.raises(ZeroDivisionError), plain_pair(listener) as (tap, _, _):
        raise ZeroDivisionError
    assert not tap._thread.is_alive()


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("step", ["start", "join"])
def test_an_interrupt_as_it_begins_or_ends_leaves_nothing_behind(listener, monkeypatch, step):
    real = getattr(threading.Thread, step)

    def interrupted(thread):
        if thread.name.startswith("tap "):
            signal.raise_signal(signal.SIGINT)
        real(thread)

    monkeypatch.setattr(threading.Thread, step, interrupted)
    tap = Tap(endpoint_of(listener))
    with pytest.raises(KeyboardInterrupt), tap:
        pass
    assert not tap._thread.is_alive()
    assert {tap._listener.fileno(), tap._bell.fileno(), tap._rope.fileno()} == {-1}


def test_it_listens_on_loopback_only():
    with socket.create_server(("127.0.0.1", 0)) as target, Tap(endpoint_of(target)) as tap:
        assert tap._listener.getsockname()[0] == "127.0.0.1"
        assert tap.endpoint.startswith("tcp://127.0.0.1:")


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6_loopback():
    try:
        target = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with (
        target,
        Tap(f"tcp://[::1]:{target.getsockname()[1]}") as tap,
        socket.create_connection(("::1", int(tap.endpoint.rsplit(":", 1)[1]))) as near,
        target.accept()[0] as far,
    ):
        near.sendall(b"x")
        assert far.recv(1) == b"x"


@pytest.mark.parametrize(
    ("endpoint", "complaint"),
    [
        ("tcp://192.0.2.1:5555", "not on loopback"),
        ("tcp://example.org:5555", "not on loopback"),
        ("tcp://0.0.0.0:5555", "not on loopback"),
        ("tcp://*:5555", "not on loopback"),
        ("tcp://127.0.0.1", "no port"),
        ("tcp://127.0.0.1:*", "no port"),
        ("tcp://127.0.0.1:99999", "no port"),
        ("inproc://x", "only tcp can be tapped"),
        ("ipc:///x", "only tcp can be tapped"),
    ],
)
def test_endpoints_that_it_does_not_tap(endpoint, complaint):
    with pytest.raises(ValueError, match=complaint):
        Tap(endpoint)


def test_a_tap_is_used_once(listener):
    with Tap(endpoint_of(listener)) as tap:
        pass
    with pytest.raises(RuntimeError, match="used once"):
        tap.__enter__()
    with pytest.raises(RuntimeError, match="not running"):
        tap.cut()
    with pytest.raises(RuntimeError, match="not running"):
        Tap(endpoint_of(listener)).stall()


def run_until_the_tap_stops(plan):
    with request_reply(faults=plan) as (_, tap, req, _):
        plan.tap = tap
        req.send(b"x")
        eventually(lambda: not tap._thread.is_alive(), within=2, what="the tap to stop")


def test_an_error_in_a_plan_is_raised_where_the_with_ends():
    def broken(link, way, number):
        raise ZeroDivisionError("in the plan")

    with pytest.raises(ZeroDivisionError, match="in the plan"):
        run_until_the_tap_stops(broken)


def test_a_plan_that_gives_commands_is_told_off():
    def commanding(link, way, number):
        commanding.tap.cut()

    with pytest.raises(RuntimeError, match="gives no commands"):
        run_until_the_tap_stops(commanding)


def test_nothing_can_arrive_before_it_was_sent(listener):
    with Tap(endpoint_of(listener)) as tap, pytest.raises(ValueError, match="before it was sent"):
        tap.delay(-1)
