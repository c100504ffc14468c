"""No lesson gives its lab's answer away: what it defines and imports does not pass the check."""

import inspect
import itertools

import pytest

from labs import check_of, first_failure, in_lesson
from zmqlab.check import lab05
from zmqlab.check.lab_05 import ANYBODY
from zmqlab.learn.course import LABS


def can_be_called_as(function, contract):
    """Whether a function's parameters are those of the contract; it may have more, not needed."""
    names = contract.partition("(")[2].rstrip(")").split(", ")
    parameters = list(inspect.signature(function).parameters.values())
    return [parameter.name for parameter in parameters[: len(names)]] == names and all(
        parameter.default is not parameter.empty for parameter in parameters[len(names) :]
    )


def test_who_can_be_called_as_a_contract_says():
    contract = "broker(ctx, frontend, backend)"
    assert can_be_called_as(lambda ctx, frontend, backend: None, contract)
    assert can_be_called_as(lambda ctx, frontend, backend, newest_first=False: None, contract)
    assert not can_be_called_as(lambda ctx, frontend, backend, loop: None, contract)
    assert not can_be_called_as(lambda ctx, backend, frontend: None, contract)
    assert not can_be_called_as(lambda ctx, frontend: None, contract)


@pytest.mark.slow
@pytest.mark.parametrize("number", LABS)
def test_nothing_that_a_lesson_defines_passes_its_labs_check(number):
    known = list(filter(inspect.isfunction, in_lesson(number).values()))
    fitting = [
        [function for function in known if can_be_called_as(function, contract)]
        for contract in LABS[number].lab
    ]
    for functions in itertools.product(*fitting):
        report = check_of(number)(*functions)
        assert report.verdict == "failed", f"{[f.__name__ for f in functions]}: {report}"


@pytest.mark.slow
def test_the_loop_of_lesson_05_fails_its_lab_for_clients_that_are_no_plain_req():
    lesson = in_lesson("05")

    def broker(ctx, frontend, backend):
        lesson["broker"](ctx, frontend, backend, lesson["both_sides"])

    assert first_failure(lab05(broker)).rule == ANYBODY
