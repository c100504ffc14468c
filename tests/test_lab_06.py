"""Lab 06: its rules on hand-written outcomes, its solution and the lab as it ships."""

import pytest

from labs import first_failure, in_notebook
from zmqlab.check import lab06
from zmqlab.check.lab_06 import costs_no_turn

pytestmark = pytest.mark.slow


def test_two_workers_take_turns_whatever_a_client_says_between():
    assert costs_no_turn(["w1", "w2"], ["w1", "w2"], "") == []
    (finding,) = costs_no_turn(["w1", "w2"], ["w2", "w1"], "c1 had sent nonsense")
    assert "Idle were, the longest first: w1, w2. Then c1 had sent nonsense" in finding.evidence
    assert costs_no_turn(["w1", "w2"], ["w2", "w2"], "")  # w1 is lost


def test_nothing_is_said_of_turns_where_a_worker_was_given_something_else():
    assert costs_no_turn([], ["w2", "w1"], "") == []
    assert costs_no_turn(["w1", "w2"], [], "") == []
    assert costs_no_turn(["w1", "w1"], ["w2", "w1"], "") == []


def test_the_solution_passes():
    assert lab06(*in_notebook("06", "solution", "broker"))


def test_the_lab_as_it_ships_is_not_done():
    assert "not done" in first_failure(lab06(*in_notebook("06", "lab", "broker"))).evidence
