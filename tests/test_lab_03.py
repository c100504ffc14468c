"""Lab 03: its rules on hand-written histories, and its notebooks."""

import pytest

from labs import first_failure, in_notebook
from zmqlab.check import lab03, lab_03
from zmqlab.check.lab_03 import (
    Plan,
    everything_came_back,
    nothing_goes_out_too_late,
    nothing_goes_out_too_soon,
    returns_at_once,
    tales,
    tasks_go_out_whole,
    what_is_back_stays_back,
)
from zmqlab.record.journal import Hop, Journal, SocketNote

PUSH, PULL = SocketNote(1, "complete", "PUSH"), SocketNote(2, "complete", "PULL")
TASKS = {b"a": b"12", b"b": b""}


def told(*events):
    """Tales from (seconds, "sent" or "received", id), as complete's own sockets saw them."""
    hops = [
        Hop(time, "complete", PUSH if way == "sent" else PULL, way, (task, b"x"), time)
        for time, way, task in events
    ]
    return tales(Journal.of(hops), TASKS)


def verdicts(findings) -> list[str]:
    return [finding.verdict for finding in findings]


# ------------------------------------------------------------------ rules


def test_every_id_with_its_result():
    assert verdicts(everything_came_back({b"a": b"21", b"b": b""}, TASKS)) == ["passed"] * 2
    assert verdicts(everything_came_back({}, {})) == ["passed"] * 2


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ([(b"a", b"21"), (b"b", b"")], lab_03.DICT),
        (None, lab_03.DICT),
        ({b"a": b"21"}, lab_03.DICT),
        ({b"a": b"21", b"b": b"", b"c": b""}, lab_03.DICT),
        ({"a": b"21", "b": b""}, lab_03.DICT),
        ({b"a": b"12", b"b": b""}, lab_03.RESULTS),
        ({b"a": [b"21"], b"b": b""}, lab_03.RESULTS),
        ({b"a": "21", b"b": b""}, lab_03.RESULTS),
    ],
)
def test_anything_else_is_not_it(value, rule):
    (finding,) = everything_came_back(value, TASKS)
    assert (finding.rule, finding.verdict) == (rule, "failed")


def test_what_cannot_be_compared_is_wrong_and_no_crash():
    class Odd:
        def __eq__(self, other):
            raise ValueError("no")

        def __repr__(self):
            raise ValueError("no")

    (finding,) = everything_came_back({b"a": Odd(), b"b": b""}, TASKS)
    assert "returned <Odd instance" in finding.evidence


@pytest.mark.parametrize(
    ("frames", "verdict"),
    [
        ((b"a", b"12"), "passed"),
        ((b"b", b""), "passed"),
        ((b"12",), "failed"),
        ((b"a", b"12", b"1"), "failed"),
        ((b"a", b""), "failed"),
        ((b"c", b"12"), "failed"),
    ],
)
def test_a_task_is_its_id_and_its_payload(frames, verdict):
    pull = SocketNote(1, "w1", "PULL")
    journal = Journal.of([Hop(1.0, "w1", pull, "received", frames, 0.0)])
    assert verdicts(tasks_go_out_whole(TASKS, journal)) == [verdict]


def test_a_task_may_go_out_again_when_its_patience_is_over():
    again = told((0.0, "sent", b"a"), (1.0, "sent", b"a"), (1.5, "received", b"a"))
    assert verdicts(nothing_goes_out_too_soon(again, patience=1.0)) == ["passed"]
    (finding,) = nothing_goes_out_too_soon(again, patience=2.0)
    assert '"a" was sent 2 times; once again after 1.000 s' in finding.evidence
    assert len(finding.story) == 2


def test_each_task_has_its_own_patience():
    times = [(0.0, b"a"), (0.1, b"b"), (1.0, b"a"), (1.1, b"b")]
    others = told(*((time, "sent", task) for time, task in times))
    assert verdicts(nothing_goes_out_too_soon(others, patience=1.0)) == ["passed"]


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        ([(0.0, "sent", b"a"), (0.4, "received", b"a")], None),
        ([(0.0, "sent", b"a"), (1.0, "sent", b"a"), (1.4, "received", b"a")], None),
        ([(0.0, "sent", b"a"), (4.0, "sent", b"a"), (4.4, "received", b"a")], lab_03.LATE),
        ([(0.0, "sent", b"a"), (4.0, "received", b"a")], lab_03.LATE),
        ([(0.0, "sent", b"a")], lab_03.AGAIN),
        ([(0.0, "sent", b"a"), (1.0, "sent", b"a")], lab_03.AGAIN),
        ([], None),
    ],
)
def test_what_is_not_back_goes_out_again_in_time(events, rule):
    findings = nothing_goes_out_too_late(told(*events), patience=1.0, end=9.0)
    assert [f.rule for f in findings if f.verdict == "failed"] == ([rule] if rule else [])


@pytest.mark.parametrize(("late", "verdict"), [(0.1, "failed"), (2.0, "undecided")])
def test_what_a_slow_machine_may_explain_is_not_known(late, verdict):
    events = [(0.0, "sent", b"a"), (4.0, "sent", b"a"), (4.4, "received", b"a")]
    findings = nothing_goes_out_too_late(told(*events), patience=1.0, end=9.0, late=late)
    assert [f.verdict for f in findings if f.rule == lab_03.LATE] == [verdict]


@pytest.mark.parametrize(("seconds", "wrong"), [(0.1, []), (3.0, ["failed"])])
def test_when_all_is_back_there_is_nothing_to_wait_for(seconds, wrong):
    assert verdicts(returns_at_once(seconds, patience=3.0)) == wrong


def test_a_call_that_ended_owes_nothing_after_its_end():
    findings = nothing_goes_out_too_late(told((0.0, "sent", b"a")), patience=1.0, end=0.5)
    assert verdicts(findings) == ["passed", "passed"]


def test_what_is_back_need_not_go_out_again():
    fine = told((0.0, "sent", b"a"), (1.0, "sent", b"a"), (1.1, "received", b"a"))
    assert verdicts(what_is_back_stays_back(fine, patience=1.0)) == ["passed"]
    wasteful = told((0.0, "sent", b"a"), (0.1, "received", b"a"), (1.0, "sent", b"a"))
    (finding,) = what_is_back_stays_back(wasteful, patience=1.0)
    assert finding.evidence.startswith("1 tasks were sent after their result had come, 1 times")


def test_a_sending_that_was_under_way_when_the_result_came_is_no_waste():
    crossed = told((0.0, "sent", b"a"), (1.0, "received", b"a"), (1.01, "sent", b"a"))
    assert verdicts(what_is_back_stays_back(crossed, patience=1.0)) == ["passed"]


def test_a_plan_goes_by_the_task_and_then_answers():
    plan = Plan({b"a": ["forget", 0.5]})
    assert [plan.next(b"a") for _ in range(3)] == ["forget", 0.5, "answer"]
    assert plan.next(b"b") == "answer"


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes_and_says_the_same_each_time():
    solution = in_notebook("03", "solution", "complete")
    assert str(lab03(*solution)) == str(lab03(*solution))


def test_the_empty_lab_is_not_done_yet():
    report = lab03(*in_notebook("03", "lab", "complete"))
    assert first_failure(report).evidence == "complete is not done yet."
