"""Lab 03: its rules on hand-written histories, and its notebooks."""

import pytest
from histories import ended, hung, verdicts

from labs import first_failure, in_notebook
from zmqlab.check import lab03, lab_03
from zmqlab.check.lab_03 import (
    both_are_bound,
    comes_to_its_end,
    everything_came_back,
    nothing_goes_out_too_late,
    nothing_goes_out_too_soon,
    nothing_is_made_up,
    results_trickled_in,
    returns_at_once,
    tales,
    tasks_go_out_whole,
    what_is_back_stays_back,
)
from zmqlab.check.pipeline import History
from zmqlab.check.plan import Plan
from zmqlab.record.journal import Hop, Journal, SocketNote

PUSH, PULL = SocketNote(1, "complete", "PUSH"), SocketNote(2, "complete", "PULL")
TASKS = {b"a": b"12", b"b": b""}


def passing(*events, who="complete") -> Journal:
    """A journal of (seconds, "sent" or "received", id)."""
    return Journal.of(
        Hop(time, who, PUSH if way == "sent" else PULL, way, (task, b"x"), time)
        for time, way, task in events
    )


def told(*events, patience=1.0, end=9.0, **more) -> History:
    """What complete's own sockets saw until it returned: (seconds, "sent" or "received", id)."""
    call = ended(seconds=end - 100.0)
    return History(call, TASKS, patience, own=passing(*events), **more)


def returned(value, tasks=TASKS) -> History:
    """A call that has returned this."""
    return History(ended(value=value), tasks)


# ------------------------------------------------------------------ rules


def test_every_id_with_its_result():
    assert verdicts(everything_came_back(returned({b"a": b"21", b"b": b""}))) == ["passed"] * 2
    assert verdicts(everything_came_back(returned({}, {}))) == ["passed"] * 2


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
    (finding,) = everything_came_back(returned(value))
    assert (finding.rule, finding.verdict) == (rule, "failed")


def test_what_cannot_be_compared_is_wrong_and_no_crash():
    class Odd:
        def __eq__(self, other):
            raise ValueError("no")

        def __repr__(self):
            raise ValueError("no")

    (finding,) = everything_came_back(returned({b"a": Odd(), b"b": b""}))
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
    workers = Journal.of([Hop(1.0, "w1", pull, "received", frames, 0.0)])
    assert verdicts(tasks_go_out_whole(History(ended(), TASKS, workers=workers))) == [verdict]


def test_a_result_is_what_a_worker_has_sent():
    of_a, of_b = (0.0, "sent", b"a"), (1.0, "sent", b"b")
    assert nothing_is_made_up(told(workers=passing(of_a, of_b, who="w1"))) == []
    (finding,) = nothing_is_made_up(told(workers=passing(of_a, who="w1")))
    assert finding.evidence == 'No worker had answered "b", and 0 more.'


def test_a_task_may_go_out_again_when_its_patience_is_over():
    again = [(0.0, "sent", b"a"), (1.0, "sent", b"a"), (1.5, "received", b"a")]
    assert verdicts(nothing_goes_out_too_soon(told(*again, patience=1.0))) == ["passed"]
    (finding,) = nothing_goes_out_too_soon(told(*again, patience=2.0))
    assert '"a" was sent 2 times; once again after 1.000 s' in finding.evidence
    assert len(finding.story) == 3
    (finding,) = nothing_goes_out_too_soon(told(*again, patience=2.0, late=1.0))
    assert finding.verdict == "undecided"


def test_each_task_has_its_own_patience():
    times = [(0.0, b"a"), (0.1, b"b"), (1.0, b"a"), (1.1, b"b")]
    others = told(*((time, "sent", task) for time, task in times))
    assert verdicts(nothing_goes_out_too_soon(others)) == ["passed"]


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
    findings = nothing_goes_out_too_late(told(*events))
    assert [f.rule for f in findings if f.verdict == "failed"] == ([rule] if rule else [])


@pytest.mark.parametrize(("late", "verdict"), [(0.1, "failed"), (2.0, "undecided")])
def test_what_a_slow_machine_may_explain_is_not_known(late, verdict):
    events = [(0.0, "sent", b"a"), (4.0, "sent", b"a"), (4.4, "received", b"a")]
    findings = nothing_goes_out_too_late(told(*events, late=late))
    assert [f.verdict for f in findings if f.rule == lab_03.LATE] == [verdict]


def test_a_call_that_ended_owes_nothing_after_its_end():
    findings = nothing_goes_out_too_late(told((0.0, "sent", b"a"), end=0.5))
    assert verdicts(findings) == ["passed", "passed"]


@pytest.mark.parametrize(
    ("back", "rule"), [(b"b", lab_03.RETURNS), (b"c", lab_03.AGAIN)], ids=["all", "not all"]
)
def test_a_call_that_does_not_return_is_blamed_for_what_keeps_it(back, rule):
    events = [(0.0, "sent", b"a"), (0.1, "received", b"a"), (0.1, "sent", b"b")]
    history = told(*events, (0.2, "received", back), over=9.0)
    history.call = hung(8.0)
    assert [finding.rule for finding in comes_to_its_end(history)] == [rule]


def test_what_was_not_recorded_of_complete_is_told_by_the_workers():
    workers = passing((0.0, "received", b"a"), (0.2, "sent", b"a"), who="w1")
    unrecorded = History(ended(), TASKS, 1.0, workers=workers)
    assert (len(tales(unrecorded)[b"a"].sent), tales(unrecorded)[b"a"].back) == (1, 0.2)
    half = told((0.1, "sent", b"a"), workers=workers)  # its PULL was of another kind
    assert (tales(half)[b"a"].sent[0].time, tales(half)[b"a"].back) == (0.1, 0.2)


@pytest.mark.parametrize(
    ("times", "verdict"),
    [((101.0, 101.0), "passed"), ((100.1, 100.2), "failed"), ((101.0, 101.1, 101.2), "failed")],
    ids=["a worker that was late", "too soon", "too often"],
)
def test_what_a_worker_reads_late_was_not_sent_late(times, verdict):
    workers = passing(*((time, "received", b"a") for time in times), who="w1")
    unrecorded = History(ended(), TASKS, 1.0, workers=workers)
    assert verdicts(nothing_goes_out_too_soon(unrecorded)) == [verdict]


@pytest.mark.parametrize(("seconds", "wrong"), [(0.1, []), (3.0, ["failed"])])
def test_when_all_is_back_there_is_nothing_to_wait_for(seconds, wrong):
    workers = passing((9.0 - seconds, "sent", b"a"), who="w1")
    assert verdicts(returns_at_once(told(patience=3.0, workers=workers))) == wrong


def test_what_is_back_need_not_go_out_again():
    fine = told((0.0, "sent", b"a"), (1.0, "sent", b"a"), (1.1, "received", b"a"))
    assert verdicts(what_is_back_stays_back(fine)) == ["passed"]
    wasteful = told((0.0, "sent", b"a"), (0.1, "received", b"a"), (1.0, "sent", b"a"))
    (finding,) = what_is_back_stays_back(wasteful)
    assert finding.evidence.startswith("1 tasks were sent after their result had come, 1 times")


def test_a_sending_that_was_under_way_when_the_result_came_is_no_waste():
    crossed = told((0.0, "sent", b"a"), (1.0, "received", b"a"), (1.01, "sent", b"a"))
    assert verdicts(what_is_back_stays_back(crossed)) == ["passed"]


def test_what_is_bound_at_another_kind_of_socket_is_named():
    sub = SocketNote(2, "complete", "SUB", bound=["tcp://127.0.0.1:2"])
    push = SocketNote(1, "complete", "PUSH", bound=["tcp://127.0.0.1:1"])
    own = Journal.of([], [push, sub])
    (found,) = both_are_bound(History(hung(), TASKS, own=own, sockets=[push, sub]))
    assert "a SUB bound at tcp://127.0.0.1:2" in found.evidence
    assert both_are_bound(History(ended(), TASKS, own=own, sockets=[push, sub])) == []


@pytest.mark.parametrize(("pause", "verdict"), [(0.9, "passed"), (1.1, "undecided")])
def test_results_that_did_not_trickle_in_prove_nothing(pause, verdict):
    workers = passing((0.0, "sent", b"a"), (pause, "sent", b"b"), who="w1")
    assert verdicts(results_trickled_in(told(workers=workers))) == [verdict]


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
