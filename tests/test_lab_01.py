"""Lab 01: its rules on hand-written histories, and its notebooks."""

import pytest

from labs import first_failure, in_notebook
from zmqlab.check import lab01, lab_01
from zmqlab.check.call import Call
from zmqlab.check.lab_01 import (
    deals_at_once,
    every_task_arrives,
    gave_up,
    message_tells,
    nothing_was_sent,
    patience_is_kept,
    shares_are_even,
    waits_for_the_last_task,
)
from zmqlab.record.journal import Hop, Journal, SocketNote


def received(*hops: tuple[str, bytes]) -> Journal:
    """A history: each worker with what it received, in order."""
    notes = {who: SocketNote(n, who, "PULL") for n, who in enumerate(dict(hops), 1)}
    return Journal.of(
        Hop(float(n), who, notes[who], "received", (task,), float(n))
        for n, (who, task) in enumerate(hops)
    )


def verdicts(findings) -> list[str]:
    return [finding.verdict for finding in findings]


# ------------------------------------------------------------------ rules


def test_a_task_that_arrived_at_one_worker_has_arrived():
    journal = received(("w1", b"a"), ("w2", b"b"))
    assert verdicts(every_task_arrives([b"a", b"b"], journal, all_taken=True)) == ["passed"]


def test_equal_tasks_are_counted():
    journal = received(("w1", b"a"), ("w2", b"a"))
    assert verdicts(every_task_arrives([b"a", b"a"], journal, all_taken=True)) == ["passed"]
    assert verdicts(every_task_arrives([b"a"] * 3, journal, all_taken=True)) == ["failed"]


def test_a_missing_task_is_lost_only_when_all_has_been_taken():
    journal = received(("w1", b"a"))
    (lost,) = every_task_arrives([b"a", b"b"], journal, all_taken=True)
    assert lost.verdict == "failed"
    assert '1 of 2 tasks never arrived, "b" first' in lost.evidence
    assert verdicts(every_task_arrives([b"a", b"b"], journal, all_taken=False)) == ["undecided"]


def test_a_task_that_arrived_twice_is_named_with_its_story():
    journal = received(("w1", b"a"), ("w2", b"a"), ("w2", b"b"))
    (twice,) = every_task_arrives([b"a", b"b"], journal, all_taken=True)
    assert twice.evidence == '"a" arrived 2 times.'
    assert [hop.who for hop in twice.story] == ["w1", "w2"]


def test_what_nobody_handed_in_is_named():
    (strange,) = every_task_arrives([b"a"], received(("w1", b"A")), all_taken=True)
    assert strange.evidence == '"A" arrived, and was never handed in.'


def test_shares_may_differ_by_one():
    tasks = [("w1", b"a"), ("w2", b"b"), ("w1", b"c")]
    assert verdicts(shares_are_even(received(*tasks), ["w1", "w2"])) == ["passed"]


def test_a_worker_without_a_task_counts():
    (uneven,) = shares_are_even(received(("w1", b"a"), ("w1", b"b")), ["w1", "w2"])
    assert uneven.evidence == "Tasks per worker: w1 2, w2 0."


def test_a_message_to_too_few_workers_is_seen_at_either_end():
    nothing, something = Journal(), received(("w1", b"a"))
    assert verdicts(nothing_was_sent(nothing, nothing)) == ["passed"]
    assert verdicts(nothing_was_sent(nothing, something)) == ["failed"]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("3 of 4 workers came within 1 s", "passed"),
        ("only three workers are there", "passed"),
        ("workers: 3, wanted: 4", "passed"),
        ("got 3/4", "passed"),
        ("4 workers did not come within 1.0 s", "failed"),
        ("not after 1.3 s", "failed"),
        ("w3 is missing", "failed"),
        ("33 s are over", "failed"),
        ("", "failed"),
    ],
)
def test_the_error_has_to_name_how_many_came(text, verdict):
    assert verdicts(message_tells(TimeoutError(text), 3)) == [verdict]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("0 of 2 workers", "passed"),
        ("nobody came", "passed"),
        ("no worker", "passed"),
        ("not enough workers in 0.5 s", "failed"),
    ],
)
def test_nobody_is_a_number_too(text, verdict):
    assert verdicts(message_tells(TimeoutError(text), 0)) == [verdict]


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0.5, "failed"), (1.0, "passed"), (1.4, "passed"), (1.7, "failed")]
)
def test_patience_has_two_sides(seconds, verdict):
    assert verdicts(patience_is_kept(seconds, 1.0)) == [verdict]


@pytest.mark.parametrize(
    ("late", "verdict"), [(0.0, "failed"), (0.1, "failed"), (0.3, "undecided")]
)
def test_what_a_slow_machine_may_explain_is_not_known(late, verdict):
    assert verdicts(patience_is_kept(1.7, 1.0, late)) == [verdict]


@pytest.mark.parametrize(
    ("lingers", "wrong"),
    [([-1], []), ([8000], []), ([], []), ([-1, 1000], ["failed"]), ([0], ["failed"])],
)
def test_a_linger_with_an_end_is_a_guess(lingers, wrong):
    assert verdicts(waits_for_the_last_task(lingers, 8000)) == wrong


@pytest.mark.parametrize(("seconds", "verdict"), [(0.1, "passed"), (3.0, "failed")])
def test_patience_is_not_for_those_who_are_there(seconds, verdict):
    assert verdicts(deals_at_once(seconds, patience=3.0)) == [verdict]


def ended(error=None, seconds=1.0) -> Call:
    call = Call("feed", lambda: None)
    call.state = "raised" if error else "returned"
    call.error, call.started, call.ended = error, 100.0, 100.0 + seconds
    call._done.set()
    return call


def test_to_return_with_too_few_workers_is_no_success():
    assert [f.rule for f in gave_up(ended(), 3, 4, 1.0)] == [lab_01.RAISES]


def test_to_give_up_in_time_and_say_why_is_right():
    found = gave_up(ended(TimeoutError("3 came")), 3, 4, 1.0)
    assert verdicts(found) == ["passed"] * 3


def test_any_other_error_is_an_error():
    (found,) = gave_up(ended(ValueError("3 came")), 3, 4, 1.0)
    assert found.rule == "feed runs without an error"


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes_and_says_the_same_each_time():
    feed = in_notebook("01", "solution", "feed")
    assert str(lab01(*feed)) == str(lab01(*feed))


def test_the_empty_lab_is_not_done_yet():
    report = lab01(*in_notebook("01", "lab", "feed"))
    assert first_failure(report).evidence == "feed is not done yet."
