"""The checker of lab 09: its rules on hand-written outcomes, and whole programs."""

import inspect
import random
import re
from pathlib import Path
from random import Random

import jupytext
import pytest

from labs import functions, in_notebook
from zmqlab import check
from zmqlab.balance.policy import RoundRobin, least_loaded, least_recently_used
from zmqlab.check.call import Call
from zmqlab.check.lab_09 import (
    BUDGETS,
    Ask,
    Timed,
    Watched,
    is_an_index,
    is_repeatable,
    is_slow,
    lab09,
    leaves_loads_alone,
    nobody_is_left_out,
    one_at_a_time,
    too_slow,
    within_budget,
)

# --- whole programs


def test_the_lab_finds_it_where_it_looks():
    assert check.lab09 is lab09


@pytest.mark.slow
def test_the_solution_passes():
    report = lab09(*in_notebook("09", "solution", "choose"))
    assert report, str(report)


def test_the_hole_as_shipped_is_not_done_yet():
    report = lab09(*in_notebook("09", "lab", "choose"))
    assert report.verdict == "failed"
    assert "choose is not done yet" in str(report)
    assert "asked about" not in str(report)


@pytest.mark.parametrize("choose", [..., None, 3, "choose", lambda loads: 0])
def test_what_is_no_such_function_is_named(choose):
    report = lab09(choose)
    assert report.verdict == "failed"
    assert report.findings[0].verdict == "failed"


@pytest.mark.slow
def test_the_same_policy_gets_the_same_report():
    assert str(lab09(least_loaded)) == str(lab09(least_loaded))


@pytest.mark.slow
def test_a_policy_of_the_course_that_lets_tasks_wait_is_told_why_it_does_not_fit():
    assert "Here no task waits in the broker" in str(lab09(least_recently_used))


@pytest.mark.slow
def test_one_that_goes_wrong_only_at_work_is_told_about_what():
    def choose(loads, rng):
        if len(loads) == 4 and max(loads) == 13:
            return "w1"
        return least_loaded(loads, rng) if len(loads) != 4 else 0

    report = lab09(choose)
    assert "[13, 0, 0, 0], rng) returned 'w1'" in str(report)


@pytest.mark.slow
def test_one_that_is_slow_is_not_called_stuck(monkeypatch):
    monkeypatch.setattr("zmqlab.check.lab_09.LIMIT", 2)

    def choose(loads, rng):
        for _ in range(3000 if len(loads) == 4 else 0):
            pass
        return least_loaded(loads, rng)

    report = lab09(choose)
    assert "choose answers at once" in str(report)
    assert re.search(r"it answered \d+ times", str(report))
    assert re.search(r"It was at line \d+ of choose", str(report))


@pytest.mark.slow
def test_one_that_is_stuck_at_work_is_shown_where(monkeypatch):
    monkeypatch.setattr("zmqlab.check.lab_09.LIMIT", 2)
    calls = []

    def choose(loads, rng):
        calls.append(1)
        while len(calls) > 2500:
            pass
        return least_loaded(loads, rng)

    report = lab09(choose)
    assert "had not returned" in str(report)
    assert re.search(r"It was at line \d+ of choose", str(report))


def test_the_random_module_is_left_as_it_was():
    before = random.getstate()
    lab09(lambda loads, rng: 3)
    assert random.getstate() == before


def policies_of_the_lesson():
    """All that lesson 09 defines, imports or makes before its first run and that is a policy."""
    lesson = Path(__file__).parent.parent / "authoring" / "lessons" / "09_policy.py"
    cells = [cell.source for cell in jupytext.read(lesson).cells if cell.cell_type == "code"]
    imports, policies, *_others = cells
    known = {}
    exec(f"{imports}\n{policies}", known)
    named = {name: known[name] for name in known if inspect.isfunction(known[name])}
    like = ["outstanding", "rng"], ["loads", "rng"]
    return known["policies"] | {
        name: function
        for name, function in named.items()
        if list(inspect.signature(function).parameters) in like
    }


@pytest.mark.slow
def test_no_policy_of_the_lesson_passes():
    policies = policies_of_the_lesson()
    assert isinstance(policies["round robin"], RoundRobin)
    assert {"idle longest", "idle_longest", "credit 2"} <= set(policies)
    assert {name: lab09(choose).verdict for name, choose in policies.items()} == dict.fromkeys(
        policies, "failed"
    )


# --- rules


def test_whole_numbers_within_the_list_are_indices():
    assert is_an_index([Ask([0], 0, [0]), Ask([1, 2, 3], 2, [1, 2, 3])]).verdict == "passed"


@pytest.mark.parametrize(
    ("loads", "answer", "says"),
    [
        ([1, 2], 2, "there are the indices 0 to 1"),
        ([1], 1, "there is only 0"),
        ([1, 2], -1, "there are the indices 0 to 1"),
        ([1, 2], 1.0, "of type float"),
        ([1, 2], True, "of type bool"),
        ([1, 2], "0", "of type str"),
        ([1, 2], None, "nobody gets the task"),
        ([1, 2], [0], "of type list"),
    ],
)
def test_all_else_is_not(loads, answer, says):
    finding = is_an_index([Ask([0], 0, [0]), Ask(loads, answer, loads)])
    assert finding.verdict == "failed"
    assert says in finding.evidence


def test_a_list_that_is_changed_is_shown_before_and_after():
    assert leaves_loads_alone([Ask([2, 1], 1, [2, 1])]).verdict == "passed"
    finding = leaves_loads_alone([Ask([2, 1], 1, [2, 1]), Ask([2, 1], 0, [1, 2])])
    assert finding.verdict == "failed"
    assert "choose([2, 1], rng) returned 0 and left the list as [1, 2]" in finding.evidence


def test_two_answers_to_the_same_question_are_not_repeatable():
    same, other = Ask([0, 0], 1, [0, 0], again=1), Ask([0, 0], 0, [0, 0], again=1)
    assert is_repeatable([same, same]).verdict == "passed"
    finding = is_repeatable([same, other])
    assert finding.verdict == "failed"
    assert "returned 0 and then 1. It was so with 1 of 2 fleets" in finding.evidence


def test_the_same_answer_with_other_draws_is_not_repeatable():
    finding = is_repeatable([Ask([0, 0], 1, [0, 0], again=1, drawn_alike=False)])
    assert finding.verdict == "failed"
    assert "it remembers what it was asked" in finding.evidence


def test_chance_from_elsewhere_is_not_repeatable_even_if_it_came_out_the_same():
    assert is_repeatable([Ask([0, 0], 1, [0, 0], 1, others_chance=True)]).verdict == "failed"
    assert is_repeatable([Ask([0, 0], 1, [0, 0], 1, reseeded=True)]).verdict == "failed"


def test_half_an_even_share_is_the_least():
    assert nobody_is_left_out({"w1": 50, "w2": 150}).verdict == "passed"
    assert nobody_is_left_out({"w1": 49, "w2": 151}).verdict == "failed"


def test_tasks_that_come_alone_go_round():
    assert one_at_a_time(least_loaded) == {"w1": 100, "w2": 100, "w3": 100, "w4": 100}


def test_a_budget_is_a_share_of_round_robin():
    budget = BUDGETS[2]
    assert within_budget(budget, 0.075, 0.1, None).verdict == "passed"
    finding = within_budget(budget, 0.076, 0.1, ([3, 0], 0))
    assert finding.verdict == "failed"
    assert "p99 76.0 ms" in finding.evidence
    assert "the budget is 75.0 ms" in finding.evidence
    assert "asked about [3, 0], it chose 0, who had 3 to do, beside one who had nothing" in str(
        finding.evidence
    )


def test_the_decision_hardest_to_justify_is_remembered():
    watched = Watched(lambda loads, rng: 0)
    for loads in ([0, 0], [4, 1], [2, 1], [9, 8]):
        watched(loads, Random(1))
    assert watched.worst == ([4, 1], 0)


def test_one_that_comes_to_its_end_as_it_is_to_be_stopped_is_not_slow():
    call = Call("choose", lambda: None)
    call.state, call.waited = "returned", 20.0
    assert not is_slow(call, begun=19.0)
    call.state = "stopped"
    assert is_slow(call, begun=19.0)


def test_on_a_busy_machine_nobody_is_called_slow():
    call = Call("choose", lambda: None)
    call.waited = 20.0
    assert too_slow(call, Timed(least_loaded, asked=3000, seconds=4.0)).verdict == "undecided"
    assert too_slow(call, Timed(least_loaded, asked=3000, seconds=19.0)).verdict == "failed"


@pytest.mark.slow
def test_whose_turn_it_is_does_for_constant_work_but_not_for_bimodal():
    (choose,) = functions("09", "round_robin_by_own_counter")
    verdicts = {finding.rule[:4]: finding.verdict for finding in lab09(choose).findings}
    assert (verdicts["mean"], verdicts["p99 "]) == ("passed", "failed")
