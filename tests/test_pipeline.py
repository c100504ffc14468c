"""What the rules of labs 01 to 03 share, on histories written by hand."""

import pytest
from histories import dealt, ended, hung, journal, marks, verdict, verdicts

from zmqlab.check.pipeline import (
    History,
    again,
    all_taken,
    broken,
    each_once,
    ended_well,
    failed_in_time,
    judged,
)
from zmqlab.check.report import failed, passed, undecided


def once(tasks, *hops, **more):
    """The finding on what workers got."""
    history = dealt(tasks, *hops, **more)
    return each_once(history, "once", [hop.frames for hop in history.received()])


def test_equal_tasks_are_counted():
    hops = ("w1", b"a"), ("w2", b"a")
    assert verdict(once([b"a", b"a"], *hops)) == "passed"
    assert verdict(once([b"a"] * 3, *hops)) == "failed"


def test_a_missing_task_is_lost_only_when_all_has_been_taken():
    (lost,) = once([b"a", b"b"], ("w1", b"a"))
    assert lost.verdict == "failed"
    assert '1 of 2 tasks never arrived, "b" first' in lost.evidence
    assert verdict(once([b"a", b"b"], ("w1", b"a"), gone=False)) == "undecided"


def test_a_task_that_arrived_twice_is_named_with_its_story():
    (twice,) = once([b"a", b"b"], ("w1", b"a"), ("w2", b"a"), ("w2", b"b"))
    assert twice.evidence == '"a" arrived 2 times.'
    assert [hop.who for hop in twice.story] == ["w1", "w2"]


def test_what_nobody_handed_in_is_named():
    (strange,) = once([b"a"], ("w1", b"A"))
    assert strange.evidence == '"A" arrived, and was never handed in.'


@pytest.mark.parametrize(
    ("noted", "taken"),
    [
        ([*marks("connected", "w1"), *marks("gone", "w1")], True),
        (marks("connected", "w1"), False),
        ([], False),
        (marks("tried", "w1", at=99.0), False),
        (marks("tried", "w1", at=101.0), True),
        ([*marks("connected", "w1"), *marks("tried", "w1", at=101.0)], False),
    ],
    ids=["gone", "connected", "nothing", "tried before", "tried after", "connected at last"],
)
def test_all_is_taken_when_nobody_can_get_any_more(noted, taken):
    history = History(ended(), marks=[*marks("came", "w1"), *noted], ended=100.0)
    assert all_taken(history) is taken


def test_time_is_the_machines_when_it_was_late_enough():
    assert verdict(failed_in_time(History(ended(), late=0.4), 0.5, "rule", "seen")) == "failed"
    (found,) = failed_in_time(History(ended(), late=0.6), 0.5, "rule", "seen", "hint")
    assert found == undecided("rule", "seen\nMeanwhile the machine was late by 0.60 s.", found.hint)


@pytest.mark.parametrize(("late", "expected"), [(0.0, "failed"), (3.0, "undecided")])
def test_who_does_not_return_may_have_had_no_processor(late, expected):
    call = hung()
    assert (
        verdict(ended_well(History(call, problem=call.problem(), waited=6.0, late=late)))
        == expected
    )


def test_an_error_is_the_functions_own_on_any_machine():
    call = ended(ValueError("no"))
    assert verdict(ended_well(History(call, problem=call.problem(), late=9.0))) == "failed"


def test_the_first_rule_that_is_broken_is_the_last_that_is_asked():
    rules = [lambda _: [passed("one", "")], lambda _: [failed("two", "")], lambda _: 1 / 0]
    assert verdicts(judged(History(ended()), rules)) == ["passed", "failed"]
    assert broken(History(ended()), *rules)
    assert not broken(History(ended()), rules[0])


def test_rules_in_another_situation_are_one_line_if_they_hold():
    held, wrong = (lambda _: [passed("one", "each")]), (lambda _: [failed("two", "seen")])
    assert again("at night", held)(History(ended())) == [passed("at night", "each")]
    (found,) = again("at night", held, wrong)(History(ended()))
    assert found.rule == "two (at night)"


def test_a_story_is_of_both_sides():
    own = journal(("feed", "sent", b"a"), ("feed", "sent", b"b"), kind="PUSH")
    story = dealt([b"a", b"b"], ("w1", b"a"), ("w2", b"b"), own=own).story(b"b")
    assert [(hop.who, hop.frames) for hop in story] == [("feed", (b"b",)), ("w2", (b"b",))]
