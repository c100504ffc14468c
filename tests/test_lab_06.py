"""Lab 06: submissions that are right and wrong, each wrong one refused for the reason it names."""

import pytest

from labs import first_failure, functions, in_notebook, submissions
from zmqlab.check import lab06

WRONG = {  # words of the rule that each wrong submission breaks first
    "a_credit_of_two": "second request before it has answered",
    "acknowledges_ready": "is given the request",
    "answers_the_last_asker": "the answer to its own question",
    "answers_twice": "the answer to its own question",
    "deals_by_dealer": "second request before it has answered",
    "decodes_ids": "is given the request",
    "pops_newest": "idle longest",
    "reads_while_nobody_is_idle": "requests stay unread",
    "is_a_coroutine": "plain function",
}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", submissions("06", "pass_"), ids=lambda path: path.stem)
def test_a_right_broker_passes_however_it_is_built(path):
    report = lab06(*functions(path, "broker"))
    assert report, str(report)


@pytest.mark.parametrize("path", submissions("06", "fail_"), ids=lambda path: path.stem)
def test_a_wrong_broker_fails_for_the_reason_in_its_name(path):
    finding = first_failure(lab06(*functions(path, "broker")))
    assert WRONG[path.stem.removeprefix("fail_")] in finding.rule


def test_the_solution_passes():
    assert lab06(*in_notebook("06", "solution", "broker"))


def test_the_lab_as_it_ships_is_not_done():
    assert "not done" in first_failure(lab06(*in_notebook("06", "lab", "broker"))).evidence
