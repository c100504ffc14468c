"""Lab 05: its rules on hand-written outcomes, and its notebooks."""

import time

import pytest
import zmq

from labs import first_failure, functions, in_notebook
from zmqlab.check import lab05, stage
from zmqlab.check.lab_05 import missing, own_answers
from zmqlab.check.stage import Stage, Used, body_of, busy_part, done, out_of_turn, starved
from zmqlab.run.threads import GaveUp

# ------------------------------------------------------------------ rules

ASKED = {"c1": (b"one",), "c2": (b"two",)}
ONE, TWO = done((b"one",)), done((b"two",))


def test_who_got_the_answer_to_its_question_is_content():
    assert own_answers(ASKED, {"c1": [ONE], "c2": [TWO]}) == ""
    assert missing(ASKED, {"c1": [ONE], "c2": [TWO]}) == ""


def test_an_answer_to_somebody_else_is_named_with_its_owner():
    assert own_answers(ASKED, {"c1": [TWO]}) == (
        'c1 asked "one" and got "done: two", the answer to c2.'
    )


def test_an_answer_that_was_changed_has_no_owner():
    assert own_answers(ASKED, {"c1": [(b"done: ONE",)]}) == 'c1 asked "one" and got "done: ONE".'


def test_one_question_has_one_answer():
    assert own_answers(ASKED, {"c2": [TWO, TWO]}) == "c2 asked once and got 2 answers."


def test_no_answer_is_missing_not_wrong():
    assert own_answers(ASKED, {"c1": [ONE], "c2": []}) == ""
    assert missing(ASKED, {"c1": [ONE], "c2": []}) == "c2"


def test_the_body_of_an_answer_has_one_frame_or_more_as_the_question_had():
    assert done((b"one",)) == (b"done: one",)
    assert done((b"a", b"b")) == (b"done: a", b"b", b"")


def test_an_empty_body_is_answered_by_an_empty_one():
    assert done(()) == ()
    assert done((b"",)) == (b"",)


def test_what_stands_before_the_first_empty_frame_is_the_way_back():
    assert body_of((b"7", b"", b"x", b"", b"y"), "DEALER") == ((b"7", b""), (b"x", b"", b"y"))
    assert body_of((b"", b"x"), "REQ") == ((), (b"", b"x"))
    assert body_of((b"no", b"delimiter"), "DEALER") == ((b"no", b"delimiter"), ())


def test_a_thread_that_waits_is_not_busy_however_loaded_the_machine_is():
    waits = {1: Used(5.0, 1.0)}
    assert busy_part(waits, {1: Used(5.01, 1.0)}, 1.0) == pytest.approx(0.01)
    assert busy_part(waits, {1: Used(5.01, 1.5)}, 1.0) == pytest.approx(0.02)


def test_a_thread_that_only_stands_in_line_for_a_processor_is_busy():
    assert busy_part({1: Used(5.0, 1.0)}, {1: Used(5.1, 1.9)}, 1.0) == pytest.approx(1.0)
    assert busy_part({1: Used(5.0, 1.0)}, {1: Used(5.1, 2.1)}, 1.0) == 1.0


def test_the_busiest_thread_counts_and_who_has_ended_does_not():
    before = {1: Used(0.0, 0.0), 2: Used(0.0, 0.0), 3: Used(0.0, 0.0)}
    assert busy_part(before, {1: Used(0.1, 0.0), 2: Used(0.4, 0.0)}, 1.0) == pytest.approx(0.4)


def test_who_stands_in_line_all_the_time_is_waited_for():
    before = {1: Used(5.0, 1.0)}
    assert starved(before, {1: Used(5.0, 1.0, wants_to_run=True)}, 0.6)
    assert not starved(before, {1: Used(5.0, 1.0, wants_to_run=False)}, 0.6)
    assert not starved(before, {1: Used(5.1, 1.4, wants_to_run=True)}, 0.6)
    assert not starved(before, {}, 0.6)


def test_a_thread_that_wants_little_and_gets_it_late_speaks_of_the_machine():
    before = {1: Used(5.0, 1.0), 2: Used(0.0, 0.0)}
    assert out_of_turn(before, {1: Used(5.1, 4.0), 2: Used(0.0, 0.0)}, 4.0) == 3.0
    assert out_of_turn(before, {1: Used(5.1, 2.0), 2: Used(0.0, 0.0)}, 4.0) == 0.0


def test_a_thread_that_never_waits_stands_in_line_by_its_own_fault():
    assert out_of_turn({1: Used(5.0, 1.0)}, {1: Used(6.0, 4.0)}, 4.0) == 0.0


def test_threads_that_came_or_went_meanwhile_are_not_asked():
    assert out_of_turn({1: Used(5.0, 1.0)}, {2: Used(0.0, 4.0)}, 4.0) == 0.0
    assert out_of_turn({}, {}, 4.0) == 0.0


@pytest.mark.slow
def test_what_did_not_come_on_a_machine_with_other_work_is_undecided(monkeypatch):
    monkeypatch.setattr(stage, "out_of_turn", lambda before, after, seconds: 0.9 * seconds)
    broker = functions("05", "decodes_ids")
    assert lab05(*broker).verdict == "failed"  # it raised: that is sure
    broker = functions("05", "does_not_bind_the_backend")
    report = lab05(*broker)
    assert report.verdict == "undecided"
    assert "others had the processor" in str(report)


@pytest.mark.parametrize(
    ("error", "over"),
    [
        (zmq.ContextTerminated(), True),
        (zmq.ZMQError(zmq.ETERM), True),  # as unbind raises it
        (ExceptionGroup("two tasks", [zmq.ContextTerminated(), zmq.ContextTerminated()]), True),
        (ExceptionGroup("two tasks", [zmq.ContextTerminated(), KeyError(1)]), False),
        (zmq.Again(), False),
        (RuntimeError("the context has ended"), False),
    ],
)
def test_one_error_alone_says_that_the_context_has_ended(error, over):
    assert stage._says_that_it_is_over(error) is over


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes_and_says_the_same_each_time():
    broker = in_notebook("05", "solution", "broker")
    assert str(lab05(*broker)) == str(lab05(*broker))


def test_the_empty_lab_is_not_done_yet():
    report = lab05(*in_notebook("05", "lab", "broker"))
    assert first_failure(report).evidence == "broker is not done yet."


@pytest.mark.slow
def test_the_broken_broker_of_the_lab_has_faults():
    assert lab05(*in_notebook("05", "lab", "broken")).verdict == "failed"


def test_the_peers_end_too_where_the_end_of_the_broker_raises():
    stage = Stage(lambda ctx, frontend, backend: None)
    with pytest.raises(GaveUp), stage:  # as if the limit of an experiment were over
        client = stage.client("c1")
        raise zmq.ContextTerminated
    assert client.socket.closed


def test_a_stage_without_peers_waits_without_using_the_processor():
    def waits(ctx, frontend, backend):
        with ctx.socket(zmq.PULL) as socket:
            socket.bind(frontend)
            socket.recv()

    with Stage(waits) as stage:
        used = time.thread_time()
        assert not stage.until(lambda: False, within=0.3)
        assert time.thread_time() - used < 0.3 / 2
