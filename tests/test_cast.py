"""The cast of labs 01 to 03: what it notes, what it waits for, and how it ends."""

import threading

import pytest
import zmq

from zmqlab.check.cast import Act, Cast, follow
from zmqlab.check.pipeline import all_taken
from zmqlab.check.report import failed, passed
from zmqlab.record.lens import Socket


def pull(ctx, note, cast, endpoint):
    """A worker."""
    with ctx.socket(zmq.PULL) as tasks:
        for _ in follow(tasks, endpoint, note, cast.reading):
            pass


def deal(ctx, endpoint, tasks, begin):
    """A feed that deals when it is told to."""
    with ctx.socket(zmq.PUSH) as push:
        push.linger = -1
        push.bind(endpoint)
        begin.wait()
        for task in tasks:
            push.send(task)


def test_workers_take_all_that_was_sent_before_they_end():
    begin = threading.Event()
    with Cast() as cast:
        endpoint = cast.endpoint()
        call = cast.call("feed", deal, endpoint, [b"%d" % n for n in range(500)], begin)
        for name in ("w1", "w2"):
            cast.come(name, pull, cast, endpoint)
        assert cast.until(lambda: cast.marked("connected") == {"w1", "w2"}, 5)
        begin.set()
        call.wait(5)
    history = cast.history
    assert len(history.received()) == 500
    assert set(history.when("gone")) == {"w1", "w2"}
    assert all_taken(history)
    assert history.problem is None


def test_who_does_not_read_yet_begins_when_the_end_has_begun():
    begin = threading.Event()
    begin.set()
    with Cast() as cast:
        cast.reading.clear()
        endpoint = cast.endpoint()
        cast.come("w1", pull, cast, endpoint)
        cast.call("feed", deal, endpoint, [b"a"], begin).wait(5)
        assert len(cast.others.journal) == 0
    assert [hop.frames for hop in cast.history.received()] == [(b"a",)]


def test_a_worker_that_finds_nobody_after_the_end_has_all_there_was():
    with Cast() as cast:
        endpoint = cast.endpoint()
        cast.come("w1", pull, cast, endpoint)
        cast.call("feed", lambda ctx: None).wait(5)
    assert all_taken(cast.history)
    assert not cast.history.when("connected")


def signal(ctx, endpoint):
    """Two sockets inside, and one at the endpoint."""
    with ctx.socket(zmq.PAIR) as a, ctx.socket(zmq.PAIR) as b, ctx.socket(zmq.PUSH) as push:
        push.bind(endpoint.replace("127.0.0.1", "*"))
        a.bind("inproc://inside")
        b.connect("inproc://inside")
        b.send(b"ding")
        a.recv()


def test_what_does_not_pass_the_endpoints_is_nobodys_business():
    with Cast() as cast:
        cast.call("feed", signal, cast.endpoint()).wait(5)
    assert [note.kind for note in cast.history.own.sockets] == ["PUSH"]
    assert len(cast.history.own) == 0
    assert "a PAIR bound at inproc://inside" in cast.history.bound()


def test_the_sockets_of_a_scenario_may_be_special():
    class Special(Socket):
        pass

    made = []

    def function(ctx):
        with ctx.socket(zmq.PUSH) as push:
            made.append(type(push))

    with Cast() as cast:
        cast.call("feed", function, socket_class=Special).wait(5)
    assert issubclass(made[0], Special)


def test_a_function_that_waits_for_ever_is_noted_with_its_line():
    with Cast() as cast:
        begin = threading.Event()
        cast.call("feed", deal, cast.endpoint(), [], begin).wait(0.05)
        begin.set()
    assert cast.history.problem.rule == "feed returns"
    assert "begin.wait()" in cast.history.problem.evidence


@pytest.mark.parametrize("busy", [False, True])
def test_what_the_function_uses_of_the_processor_is_told_from_what_others_use(busy):
    done = threading.Event()

    def function(ctx):
        while busy and not done.is_set():
            pass
        done.wait()

    with Cast() as cast:
        call = cast.call("feed", function)
        cast.until(lambda: call.state == "running", 5)
        lap = cast.lap()
        assert cast.until(lambda: lap.ran > 0.05, 5 if busy else 0.2) is busy
        done.set()
        call.wait(5)


def test_who_has_had_the_processor_has_itself_to_blame():
    def function(ctx):
        while not done.is_set():
            pass

    done = threading.Event()
    with Cast() as cast:
        call = cast.call("feed", function)
        lap = cast.lap()
        assert cast.until(lambda: lap.ran > 1, 30)
        call.late = 9.0
        call.wait(0.01)
    assert (cast.history.problem.rule, cast.history.late) == ("feed returns", 0.0)


def test_an_act_is_judged_when_all_has_ended():
    with_rules = []

    def rule(history):
        with_rules.append(history.call.state)
        return [passed("it returns", "it does")]

    def script(cast, function):
        cast.call("feed", function).wait(5)

    act = Act("an act", script, [rule, lambda _: [failed("no", "")], rule])
    assert [finding.verdict for finding in act.play(lambda ctx: None)] == ["passed", "failed"]
    assert with_rules == ["returned"]


def test_an_error_in_a_script_ends_everything():
    def script(cast):
        cast.reading.clear()
        cast.come("w1", pull, cast, cast.endpoint())
        raise KeyError("ours")

    with pytest.raises(KeyError):
        Act("an act", script, []).play()
