"""Lab 01: its rules on hand-written histories, and its notebooks."""

import pytest
from histories import dealt, ended, hung, journal, marks, verdict, verdicts

from labs import first_failure, in_notebook
from zmqlab.check import lab01, lab_01
from zmqlab.check.lab_01 import (
    deals_at_once,
    every_task_arrives,
    gives_up,
    no_workers,
    nobody_times_out,
    nothing_is_sent,
    patience_is_kept,
    says_how_many,
    shares_are_even,
    waits_for_the_last_task,
    workers_can_connect,
)
from zmqlab.check.pipeline import History, Mark
from zmqlab.record.journal import SocketNote

# ------------------------------------------------------------------ rules


def too_few(error=None, seconds=1.0, connected=99.5, **more) -> History:
    """Three of four workers came, and the feed ended so many seconds after 100.0."""
    names = ("w1", "w2", "w3")
    noted = [*marks("came", *names), *marks("connected", *names, at=connected)]
    return History(ended(error, seconds), ["task"] * 20, 1.0, marks=noted, **more)


def test_a_task_that_arrived_at_one_worker_has_arrived():
    assert verdict(every_task_arrives(dealt([b"a", b"b"], ("w1", b"a"), ("w2", b"b")))) == "passed"


def test_shares_may_differ_by_one():
    tasks = [("w1", b"a"), ("w2", b"b"), ("w1", b"c")]
    assert verdict(shares_are_even(dealt([], *tasks))) == "passed"


def test_a_worker_without_a_task_counts_and_is_in_the_story():
    history = dealt([b"a", b"b"], ("w1", b"a"), ("w1", b"b"))
    history.workers.open_socket("w2", "PULL")
    (uneven,) = shares_are_even(history)
    assert uneven.evidence == "Tasks per worker: w1 2, w2 0."
    assert [hop.frames for hop in uneven.story] == [(b"a",), (b"b",)]
    assert [note.who for note in uneven.story.sockets] == ["w1", "w2"]
    own = journal(("feed", "sent", b"a"), ("feed", "sent", b"b"), kind="PUSH")
    (uneven,) = shares_are_even(dealt([b"a", b"b"], ("w1", b"a"), ("w1", b"b"), own=own))
    assert uneven.who == ["feed", "w1", "w2"]


def test_a_message_to_too_few_workers_is_seen_at_either_end():
    sent = journal(("feed", "sent", b"a"), kind="PUSH")
    assert verdict(nothing_is_sent(dealt([]))) == "passed"
    assert verdict(nothing_is_sent(dealt([], ("w1", b"a")))) == "failed"
    (early,) = nothing_is_sent(dealt([], own=sent))
    assert (early.verdict, len(early.story)) == ("failed", 1)


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
    assert verdicts(says_how_many(too_few(TimeoutError(text)))) == [verdict]


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
    history = History(ended(TimeoutError(text)), [b"task"] * 20, 1.0)
    assert verdicts(no_workers(history)) == ["passed", "passed", verdict]


@pytest.mark.parametrize(
    ("connected", "late"), [(100.95, 0.0), (99.5, 0.3)], ids=["a worker", "the feed"]
)
def test_who_may_have_been_late_is_not_counted(connected, late):
    history = too_few(TimeoutError("2 of 4"), connected=connected, late=late)
    assert verdict(says_how_many(history)) == "undecided"


def test_an_error_without_a_number_is_no_machines_fault():
    history = too_few(TimeoutError("not enough of 4 workers"), late=9.0)
    assert verdict(says_how_many(history)) == "failed"


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0.5, "failed"), (1.0, "passed"), (1.4, "passed"), (1.7, "failed")]
)
def test_patience_has_two_sides(seconds, verdict):
    assert verdicts(patience_is_kept(too_few(TimeoutError("3"), seconds))) == [verdict]


@pytest.mark.parametrize(
    ("late", "verdict"), [(0.0, "failed"), (0.1, "failed"), (0.3, "undecided")]
)
def test_what_a_slow_machine_may_explain_is_not_known(late, verdict):
    history = too_few(TimeoutError("3"), 1.7, late=late)
    assert verdicts(patience_is_kept(history)) == [verdict]


@pytest.mark.parametrize(
    ("lingers", "wrong"),
    [([-1], []), ([8000], []), ([], []), ([-1, 1000], ["failed"]), ([0], ["failed"])],
)
def test_a_linger_with_an_end_is_a_guess(lingers, wrong):
    noted = [Mark(101.0, "feed", "linger", linger) for linger in lingers]
    assert verdicts(waits_for_the_last_task(History(ended(), marks=noted))) == wrong


@pytest.mark.parametrize(
    ("seconds", "late", "found"),
    [(0.1, 0.0, ["passed"]), (3.0, 1.0, ["failed"]), (3.0, 2.0, ["undecided"])],
)
def test_patience_is_not_for_those_who_are_there(seconds, late, found):
    noted = marks("all connected", "feed", at=100.0)
    history = History(ended(seconds=seconds), patience=3.0, marks=noted, late=late)
    assert verdicts(deals_at_once(history)) == found


def test_when_all_were_connected_is_not_known_of_sockets_of_another_kind():
    assert deals_at_once(History(ended(seconds=3.0), patience=3.0)) == []


@pytest.mark.parametrize(
    ("connected", "late", "found"),
    [(100.5, 0.0, "failed"), (102.9, 0.0, "undecided"), (100.5, 1.0, "undecided")],
    ids=["all were there", "a worker was late", "the machine was late"],
)
def test_a_time_out_with_all_workers_there_is_wrong(connected, late, found):
    noted = [*marks("came", "w1", "w2"), *marks("connected", "w1", "w2", at=connected)]
    call = ended(TimeoutError("1 of 2"), 3.0)
    history = History(call, [b"a"], 3.0, marks=noted, late=late)
    assert verdict(nobody_times_out(history)) == found


def test_to_time_out_before_the_time_is_another_fault():
    (soon,) = nobody_times_out(History(ended(TimeoutError("0 of 2"), 0.01), [b"a"], 3.0))
    assert (soon.rule, soon.verdict) == (lab_01.IN_TIME, "failed")


def test_what_is_bound_is_named_where_nobody_could_connect():
    rep = SocketNote(1, "feed", "REP", bound=["tcp://127.0.0.1:5555"])
    (found,) = workers_can_connect(History(hung(), [b"a"], 3.0, sockets=[rep]))
    assert found.rule == lab_01.BINDS
    assert "feed has a REP bound at tcp://127.0.0.1:5555.\nIt was at line 7" in found.evidence
    assert workers_can_connect(History(ended(ValueError()), [b"a"], 3.0)) == []
    assert verdict(workers_can_connect(History(hung(), [b"a"], 3.0, late=2.0))) == "undecided"


def test_to_return_with_too_few_workers_is_no_success():
    assert [f.rule for f in gives_up(too_few())] == [lab_01.RAISES]


def test_to_give_up_in_time_and_say_why_is_right():
    assert verdicts(gives_up(too_few(TimeoutError("3 came")))) == ["passed"] * 3


def test_any_other_error_is_an_error():
    error = ValueError("3 came")
    problem = ended(error).problem()
    (found,) = gives_up(too_few(error, problem=problem))
    assert found.rule == "feed runs without an error"


def test_a_feed_that_never_gives_up_is_shown_where_it_is():
    (found,) = gives_up(History(hung(3.0), [b"a"], 1.0))
    assert (found.rule, found.verdict) == (lab_01.IN_TIME, "failed")
    assert "while True: pass" in found.evidence
    assert verdict(gives_up(History(hung(3.0), [b"a"], 1.0, late=1.0))) == "undecided"


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes_and_says_the_same_each_time():
    feed = in_notebook("01", "solution", "feed")
    assert str(lab01(*feed)) == str(lab01(*feed))


def test_the_empty_lab_is_not_done_yet():
    report = lab01(*in_notebook("01", "lab", "feed"))
    assert first_failure(report).evidence == "feed is not done yet."
