"""The checker of lab 14: its rules on tables, all changes of the right one, whole programs."""

import inspect
from itertools import pairwise

import pytest

from labs import first_failure, functions, in_notebook
from zmqlab import check
from zmqlab.balance import standby
from zmqlab.balance.standby import START, World, anybody, brokers, explore
from zmqlab.check.lab_14 import (
    ALIKE,
    FREE,
    HEARTBEATS,
    KIND,
    LIVE,
    ONE,
    PAIRS,
    REQUESTS,
    STOPS,
    Answer,
    Walk,
    ask,
    in_every_order,
    lab14,
    refuses,
    stuck,
    waits,
)

# --- whole programs


def test_the_lab_finds_it_where_it_looks():
    assert check.lab14 is lab14


@pytest.mark.slow
def test_the_solution_passes():
    report = lab14(*in_notebook("14", "solution", "react"))
    assert report, str(report)


def test_the_hole_as_shipped_is_not_done_yet():
    report = lab14(*in_notebook("14", "lab", "react"))
    assert [finding.evidence for finding in report.findings] == ["react is not done yet."]


@pytest.mark.parametrize("react", [..., None, 3, "react", lambda state: state])
def test_what_is_no_such_function_is_named(react):
    report = lab14(react)
    assert report.verdict == "failed"
    assert report.findings[0].rule.startswith("react")


def test_no_rule_that_the_package_offers_is_the_answer():
    """The right one is explored there, and is nobody's to import."""
    offered = [
        function
        for name, function in vars(standby).items()
        if not name.startswith("_")
        and inspect.isfunction(function)
        and list(inspect.signature(function).parameters) == ["state", "event"]
    ]
    assert offered == [standby.published]
    assert lab14(standby.published).verdict == "failed"


@pytest.mark.slow
def test_the_same_rule_gets_the_same_report():
    for name in "match", "naive":
        (react,) = functions("14", name)
        assert str(lab14(react)) == str(lab14(react))


@pytest.mark.slow
def test_a_broken_rule_is_told_step_by_step_and_drawn():
    (react,) = functions("14", "as_the_diagram_was_published")
    report = lab14(react)
    assert "What happened:" in str(report)
    assert " 8 a client asks the backup: answered; the backup is active" in str(report)
    html = report._repr_html_()
    assert html.count("<img") == 1
    assert "Space-time diagram of two brokers" in html
    assert "What happened, in words" in html


def test_what_is_stuck_at_once_has_no_story():
    (react,) = functions("14", "primary_ignores_the_backup")
    report = lab14(react)
    assert "What happened" not in str(report)
    assert "<img" not in report._repr_html_()


# --- all changes of one entry


def right() -> dict:
    """The right rule as a table: pair → (state, serves), or None for ValueError."""
    (react,) = functions("14", "match")
    return {pair: outcome(react, pair) for pair in PAIRS}


def outcome(react, pair):
    try:
        return react(*pair)
    except ValueError:
        return None


def outcomes(pair):
    """All that a broker can make of an event: stay, become active or passive, serve, stop."""
    states = sorted({pair[0], "active", "passive"})
    answers = (False, True) if pair[1] in REQUESTS else (False,)
    return [None, *((state, serves) for state in states for serves in answers)]


def verdict(table):
    """The rule that a table of outcomes breaks first; None if it keeps all."""
    answers = {
        pair: Answer(*found) if found else Answer(error="ValueError", stops=True)
        for pair, found in table.items()
    }
    findings = [*in_every_order(Walk(answers)), refuses(answers), waits(answers)]
    return next((finding.rule for finding in findings if finding.verdict != "passed"), None)


HARMLESS = {
    # two of a kind: a wrong configuration
    (FREE[0], ("active", False)),
    (FREE[0], ("passive", False)),
    (FREE[0], None),
    (FREE[1], ("active", False)),
    (FREE[1], ("passive", False)),
    (FREE[1], None),
    # the next "backup" makes it active
    (("primary", "peer backup"), ("passive", False)),
    # beside an active one, to have just started is as good as passive for who has a vote then
    (("primary", "peer active"), ("primary", False)),
    # with a silent peer: if it answers, or will answer the next one
    (("primary", "request, peer silent"), ("active", False)),
    (("primary", "request, peer silent"), ("primary", True)),
    (("primary", "request, peer silent"), ("passive", False)),
    (("primary", "request, peer silent"), ("passive", True)),
    (("passive", "request, peer silent"), ("active", False)),
    (("passive", "request, peer silent"), ("passive", True)),
}


@pytest.mark.slow
def test_of_all_changes_of_one_entry_fourteen_are_harmless_and_the_others_fail():
    table = right()
    changes = [(pair, other) for pair in PAIRS for other in outcomes(pair) if other != table[pair]]
    assert len(changes) == 80
    assert verdict(table) is None
    passed = {change for change in changes if verdict(table | dict([change])) is None}
    assert passed == HARMLESS
    assert len(passed) == 14


# --- what may come back


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (("active", True), ("active", True)),
        (["passive", False], ("passive", False)),
        (("active", 1), ("active", True)),
        (("active", 0), ("active", False)),
    ],
)
def test_a_pair_of_a_state_and_a_truth_is_an_answer(value, found):
    answer = ask(lambda state, event: value, ("primary", "request"))
    assert (answer.state, answer.serves) == found


@pytest.mark.parametrize(
    "value",
    [
        None,
        "active",
        ("active",),
        ("dead", True),
        ("active", None),
        ("active", "yes"),
        (True, "active"),
    ],
)
def test_all_else_is_none(value):
    answer = ask(lambda state, event: value, ("primary", "request"))
    assert (answer.state, answer.error) == ("", "")


def test_what_comes_back_with_a_heartbeat_says_nothing_of_serving():
    for value in None, True, "yes":
        answer = ask(lambda state, event, value=value: (state, value), ("active", "peer backup"))
        assert (answer.state, answer.serves) == ("active", False)


@pytest.mark.slow
def test_a_rule_that_answers_otherwise_where_nothing_can_come_about_is_right():
    (react,) = functions("14", "match")
    for other in (lambda: 1 / 0, lambda: None, lambda: ("nonsense", 7)):

        def free(state, event, other=other):
            return other() if (state, event) in FREE else react(state, event)

        assert lab14(free), str(lab14(free))


# --- rules


def always(state="", serves=False):
    """The answers of a rule that does the same whatever happens; stays as it is by default."""
    return {pair: Answer(state or pair[0], serves and pair[1] in REQUESTS) for pair in PAIRS}


def broken(table):
    return next(finding for finding in in_every_order(Walk(table)) if finding.verdict != "passed")


def test_two_that_always_answer_break_the_first_rule_in_two_steps():
    finding = broken(always(serves=True))
    assert finding.rule == ONE
    assert [step[1:] for step, _ in finding.story] == [
        ("asks", "primary", "answered"),
        ("asks", "backup", "answered"),
    ]


def test_two_that_never_answer_break_the_last_one_from_the_start():
    finding = broken(always())
    assert (finding.rule, finding.story) == (LIVE, [])
    assert "after 0 steps" in finding.evidence


def test_one_that_stops_is_no_answer_to_anything():
    table = dict.fromkeys(PAIRS, Answer(error="ValueError", stops=True))
    finding = broken(table)
    assert finding.rule == STOPS
    assert len(finding.story) == 1


def test_a_death_is_no_stop():
    (react,) = functions("14", "match")
    walk = Walk({pair: ask(react, pair) for pair in PAIRS})
    assert [finding.verdict for finding in in_every_order(walk)] == ["passed"] * 4


def test_a_lone_backup_that_has_just_started_owes_nothing():
    (react,) = functions("14", "match")
    alone = START.dies(0)
    assert not any(alone.put(1, silent=True).asked(react, x)[1] for x in (0, 1))
    assert not stuck(react, alone)
    assert not stuck(react, START.dies(1))  # a primary alone answers


def test_who_answers_only_now_and_then_is_stuck():
    """A rule that goes to and fro between active and passive answers in some rounds, not in all."""
    flaps = {**right(), ("active", "request"): ("passive", True)}
    flaps |= {("passive", "peer passive"): ("passive", False)}

    def react(state, event):
        return flaps[state, event]

    active = START.put(0, state="active").put(1, state="passive")
    assert stuck(react, active)


def test_the_fixed_answers_are_asked_for_directly():
    table = {pair: Answer(pair[0]) for pair in PAIRS}
    assert refuses(table).verdict == "failed"
    stops = dict.fromkeys(ALIKE, Answer(error="ValueError: x", stops=True))
    assert refuses(table | stops).verdict == "passed"
    assert waits(table).verdict == "passed"
    assert waits(table | {("backup", "request"): Answer("backup", True)}).verdict == "failed"


def test_the_questions_are_all_there_are():
    assert len(PAIRS) == len(set(PAIRS)) == 24
    assert {event for _, event in PAIRS} == {*HEARTBEATS, *REQUESTS}
    assert KIND not in (ONE, STOPS, LIVE)


def test_the_right_rule_meets_twenty_of_them():
    (react,) = functions("14", "match")
    asked = set()

    def noting(state, event):
        asked.add((state, event))
        return react(state, event)

    history, worlds = explore(noting, brokers, anybody)
    assert (history, worlds) == (None, 413)
    assert set(PAIRS) - asked == {*ALIKE, *FREE}


def test_a_story_begins_at_the_start_and_each_step_follows_from_the_one_before():
    (react,) = functions("14", "backup_takes_over_from_a_passive")
    story = first_failure(lab14(react)).story
    worlds = [START, *(world for _, world in story)]
    assert len(story) == 17
    for before, after in pairwise(worlds):
        assert isinstance(after, World)
        assert any(
            after == world
            for happening in (brokers, anybody)
            for _, world in happening(react, before)
        )
