"""The stage: whom it can have on it, how it waits, what it blames."""

import sys
import threading
import time
from dataclasses import replace

import pytest
import zmq

from zmqlab.check import lab_05, lab_07, stage
from zmqlab.check.chronicle import in_short
from zmqlab.check.dispatch import Asked, Given, Got
from zmqlab.check.lab import Play
from zmqlab.check.peer import done
from zmqlab.check.report import failed
from zmqlab.check.stage import Stage, Wrong
from zmqlab.check.subject import Command, Function, Subject, says_that_it_is_over
from zmqlab.run import Experiment
from zmqlab.run.threads import GaveUp
from zmqlab.wire.faults import Fault, Faults

PLAY = Play("a play", lambda stage: None, "it comes back", "all")


def carry(ctx, frontend, backend):
    """A right broker for lab 05."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        zmq.proxy(clients, workers)


def in_a_loop(ctx, frontend, backend):
    """The same, seen by the journal."""
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
        clients.bind(frontend)
        workers.bind(backend)
        while True:
            for socket in zmq.select([clients, workers], [], [])[0]:
                (workers if socket is clients else clients).send_multipart(socket.recv_multipart())


PROGRAM = """
import sys, zmq
ctx = zmq.Context()
clients, workers = ctx.socket(zmq.ROUTER), ctx.socket(zmq.DEALER)
clients.bind(sys.argv[1])
workers.bind(sys.argv[2])
print("bound", flush=True)
zmq.proxy(clients, workers)
"""


def on_stage(subject, play=PLAY, lab=lab_05.LAB, **more):
    return Stage(lab, play, lambda: subject, **more)


def one_trip(stage):
    """A request goes to a worker and its answer comes back."""
    client = stage.client("c1", zmq.REQ)
    stage.hire("w1")
    client.ask(b"a")
    stage.step()
    stage.answer_all()
    stage.step()


# ------------------------------------------------------------------ whom it can have


@pytest.mark.parametrize("broker", [carry, in_a_loop])
def test_a_function_in_a_thread(broker):
    with on_stage(Function("broker", broker)) as stage:
        one_trip(stage)
        stage.end()
    assert stage.ledger.asked == {"c1": []}


def test_a_command_in_a_process():
    words = [sys.executable, "-c", PROGRAM, "{frontend}", "{backend}"]
    with on_stage(Command(words)) as stage:
        one_trip(stage)
        assert stage.subject.early_end() is None
        stage.end()


def test_a_command_that_ends_is_named_with_its_last_words():
    words = [sys.executable, "-c", "print('no'); raise SystemExit('not today')"]
    with on_stage(Command(words)) as stage, pytest.raises(Wrong) as wrong:
        one_trip(stage)
    (finding,) = wrong.value.findings
    assert finding.rule == "it comes back"
    assert "ended with exit status 1, after it had printed: not today" in finding.evidence


def test_something_that_was_there_before_and_stays():
    with Experiment() as lab:
        ends = {"frontend": lab.endpoint(), "backend": lab.endpoint()}
        lab.start("broker", carry, *ends.values())
        for _ in range(2):
            with on_stage(Subject(**ends)) as stage:
                one_trip(stage)
                stage.end()


def test_any_number_of_endpoints_by_name():
    three = replace(lab_05.LAB, ends={"client": "front", "worker": "back", "clerk": "side"})
    with on_stage(Function("broker", lambda *args: args), lab=three) as stage:
        assert list(stage.where) == ["front", "back", "side"]
        stage.until(lambda: stage.subject.over)
    assert stage.subject.call.value[1:] == tuple(stage.where.values())


def test_two_roles_at_one_endpoint():
    both = replace(lab_05.LAB, ends={"client": "broker", "worker": "broker"})
    with on_stage(Function("broker", lambda *args: args), lab=both) as stage:
        assert list(stage.where) == ["broker"]
        stage.until(lambda: stage.subject.over)
    assert len(stage.subject.call.value) == 2


# ------------------------------------------------------------------ links


def test_links_are_cut_on_command_and_made_again():
    with on_stage(Function("broker", carry), tapped=True) as stage:
        client = stage.client("c1")
        stage.hire("w1")
        stage.by_themselves()
        client.ask(b"a")
        stage.step()
        assert stage.links["frontend"].cut() == 1
        stage.until(lambda: stage.links["frontend"].made == 2)
        client.ask(b"b")
        stage.step()
        assert stage.links["backend"].made == 1


def test_a_stalled_link_holds_what_is_sent_until_it_is_resumed():
    with on_stage(Function("broker", carry), tapped=True) as stage:
        client = stage.client("c1")
        stage.hire("w1")
        stage.by_themselves()
        client.ask(b"a")
        stage.step()
        stage.links["backend"].stall()
        client.ask(b"b")
        stage.calm()
        assert stage.owed()
        stage.links["backend"].resume()
        stage.step()


BRIEF = (0.001, 0.002)  # seconds


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["delay", "stall"])
def test_a_plan_of_faults_disturbs_the_links_by_its_seed(kind, seed):
    plan = Faults(seed=seed, seconds=BRIEF, **{kind: 0.5})
    with on_stage(Function("broker", carry), replace(PLAY, faults=plan)) as stage:
        client = stage.client("c1")
        stage.hire("w1")
        stage.by_themselves()
        for number in range(20):
            client.ask(b"%d" % number)
        stage.step()
        faults = [r.unit.name for r in stage.links["frontend"].wire if r.unit.kind == "fault"]
    planned = [plan(1, way, n) for way in "→←" for n in range(20)]
    assert faults == [kind] * sum(isinstance(fault, Fault) for fault in planned)


def test_a_link_that_is_cut_by_a_plan_loses_what_was_on_it():
    def third(link, way, number):
        return Fault("cut") if (link, way, number) == (1, "→", 2) else None

    with on_stage(Function("broker", carry), replace(PLAY, faults=third)) as stage:
        client = stage.client("c1")
        stage.hire("w1")
        for body in (b"a", b"b", b"c"):
            client.ask(body)
        stage.until(lambda: stage.links["frontend"].made == 2)
        stage.until(lambda: len(stage.ledger.busy.get("w1", ())) == 2)
        assert [request.body for request in stage.ledger.open] == [(b"c",)]


# ------------------------------------------------------------------ waiting


def test_a_step_ends_when_nothing_is_owed_and_the_history_is_in_the_labs_words():
    with on_stage(Function("broker", in_a_loop)) as stage:
        one_trip(stage)
    history = [e for e in stage.history if isinstance(e, Asked | Given | Got)]
    asked, given, got = history
    assert (asked, got) == (Asked("c1", (b"a",)), Got("c1", (b"done: a",)))
    assert given.who == "w1"


def test_what_is_owed_and_does_not_come_breaks_the_promise(monkeypatch):
    monkeypatch.setattr(stage, "PATIENCE", 1.0)

    def binds_nothing(ctx, frontend, backend):
        with ctx.socket(zmq.PULL) as socket:
            socket.bind("inproc://nothing")
            socket.recv()

    with on_stage(Function("broker", binds_nothing)) as on, pytest.raises(Wrong) as wrong:
        one_trip(on)
    (finding,) = wrong.value.findings
    assert (finding.verdict, finding.rule) == ("failed", "it comes back")
    assert 'c1 asked "a", and no worker got that. Idle: w1.' in finding.evidence
    assert "of binds_nothing: socket.recv()" in finding.evidence
    assert finding.hint == stage.WAITS_FOR


def spins(ctx, frontend, backend):
    while not ctx.closed:
        pass


def test_where_the_broker_spins_the_hint_does_not_ask_what_it_waits_for():
    with on_stage(Function("broker", spins)) as on, pytest.raises(Wrong) as wrong:
        one_trip(on)
    (finding,) = wrong.value.findings
    assert finding.verdict == "failed"
    assert "of spins" in finding.evidence
    assert finding.hint == stage.SPINS


def test_what_does_not_come_while_others_have_the_processor_is_undecided(monkeypatch):
    monkeypatch.setattr(stage, "PATIENCE", 0.5)
    monkeypatch.setattr(stage, "MOMENT", 0.0)
    never = Function("broker", lambda ctx, *ends: ctx.socket(zmq.PULL).recv())
    with on_stage(never) as on:
        monkeypatch.setattr(on.watch, "rests", lambda: False)  # a thread wants to run, and waits
        with pytest.raises(Wrong) as wrong:
            one_trip(on)
    (finding,) = wrong.value.findings
    assert (finding.verdict, finding.rule) == ("undecided", "it comes back")
    assert "others had the processor" in finding.evidence


def test_a_check_that_has_used_its_time_is_undecided():
    late = on_stage(Function("broker", carry), deadline=time.monotonic())
    with late as on, pytest.raises(Wrong) as wrong:
        on.until(lambda: on.subject.over)
    (finding,) = wrong.value.findings
    assert (finding.verdict, finding.rule) == ("undecided", stage.IN_TIME)


def test_calm_has_come_when_the_broker_has_read_what_it_reads():
    def reads(ctx, frontend, backend):
        with ctx.socket(zmq.ROUTER) as clients:
            clients.bind(frontend)
            while True:
                clients.recv_multipart()

    with on_stage(Function("broker", reads)) as stage:
        client = stage.client("c1")
        for number in range(200):
            client.ask(b"%d" % number)
        stage.calm()
        assert len(stage.subject.journal) == 200


def test_a_stage_without_peers_waits_without_using_the_processor():
    def waits(ctx, frontend, backend):
        with ctx.socket(zmq.PULL) as socket:
            socket.bind(frontend)
            socket.recv()

    with on_stage(Function("broker", waits)) as on:
        used, came = time.thread_time(), threading.Event()
        timer = threading.Timer(0.3, came.set)
        timer.start()
        assert on.until(came.is_set)
        assert time.thread_time() - used < 0.3 / 2
        timer.join()


# ------------------------------------------------------------------ rules, and the end


def test_a_broken_rule_ends_the_play_and_its_story_has_the_wrong_message():
    def changes(ctx, frontend, backend):
        with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as workers:
            clients.bind(frontend)
            workers.bind(backend)
            workers.send_multipart(clients.recv_multipart())
            *route, answer = workers.recv_multipart()
            clients.send_multipart([*route, answer.upper()])
            clients.recv()

    with (
        on_stage(Function("broker", changes), replace(PLAY, rules=lab_05.RULES)) as stage,
        pytest.raises(Wrong) as wrong,
    ):
        one_trip(stage)
    (finding,) = wrong.value.findings
    assert finding.rule == lab_05.OWN
    assert finding.evidence == (
        'c1 had asked "a", and got "DONE: A".\nThe workers had answered "done: a".'
    )
    assert finding.story is not None
    seen = [(hop.who, hop.way, hop.frames) for hop in finding.story]
    assert ("c1", "received", (b"DONE: A",)) in seen
    assert set(finding.story.who()) == {"c1", "broker", "w1"}


def test_who_is_given_a_request_is_judged_where_the_wildcard_is_bound():
    reads_ahead = """
def broker(ctx, frontend, backend):
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.ROUTER) as workers:
        clients.bind("tcp://*:" + frontend.rpartition(":")[2])
        workers.bind("tcp://*:" + backend.rpartition(":")[2])
        clients.recv_multipart()
        workers.recv_multipart()
        workers.recv_multipart()
"""
    defined = {"zmq": zmq}
    exec(reads_ahead, defined)
    ahead = replace(lab_07.PLAYS[0], rules=[lab_07.LATE])
    found = lab_07.LAB.perform(ahead, lambda: Function("broker", defined["broker"]))
    assert [finding.rule for finding in found] == [lab_07.UNREAD]


def test_a_large_frame_is_known_by_less():
    assert in_short(b"x" * 4096) == b"x" * 4096
    assert len(in_short(b"x" * 5000)) < 200
    assert in_short(b"x" * 5000) == in_short(b"x" * 5000)
    assert in_short(b"x" * 5000) != in_short(b"x" * 4999 + b"y")


def test_the_peers_end_too_where_the_end_of_the_broker_raises():
    on = on_stage(Function("broker", lambda ctx, frontend, backend: None))
    with pytest.raises(GaveUp), on:  # as if the limit of an experiment were over
        client = on.client("c1")
        raise zmq.ContextTerminated
    assert client.socket.closed


def test_what_is_wrong_with_the_end_is_all_said():
    class Ends(Subject):
        def end(self, lap):
            return [failed("one", ""), failed("two", "")]

    play = replace(PLAY, promise="never said")
    found = lab_05.LAB.perform(play, lambda: Ends())
    assert [finding.rule for finding in found] == ["one", "two"]


def new_socket_of_one_that_has_ended():
    """What a worker gets that waited a moment between two sockets."""
    ctx = zmq.Context()
    ctx.term()
    with pytest.raises(zmq.ZMQError) as raised:
        ctx.socket(zmq.DEALER)
    return raised.value


@pytest.mark.parametrize(
    ("error", "over"),
    [
        (zmq.ContextTerminated(), True),
        (zmq.ZMQError(zmq.ETERM), True),  # as unbind raises it
        (new_socket_of_one_that_has_ended(), True),
        (ExceptionGroup("two tasks", [zmq.ContextTerminated(), zmq.ContextTerminated()]), True),
        (ExceptionGroup("two tasks", [zmq.ContextTerminated(), KeyError(1)]), False),
        (zmq.Again(), False),
        (RuntimeError("the context has ended"), False),
    ],
)
def test_one_error_alone_says_that_the_context_has_ended(error, over):
    assert says_that_it_is_over(error) is over


def test_the_body_of_an_answer_has_one_frame_or_more_as_the_question_had():
    assert done((b"one",)) == (b"done: one",)
    assert done((b"a", b"b")) == (b"done: a", b"b", b"")
    assert done(()) == ()
    assert done((b"",)) == (b"",)
