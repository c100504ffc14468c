"""Lab 08: its plays, its notebooks, and the package's broker under its check."""

from random import Random

import pytest

from labs import first_failure, functions, in_notebook
from zmqlab.balance.brokers import by_policy
from zmqlab.balance.policy import Credit
from zmqlab.check import lab08, lab_08
from zmqlab.check.subject import Function

pytestmark = pytest.mark.slow


def perform(play, broker):
    """The findings of one play of the lab."""
    return lab_08.LAB.perform(play, lambda: Function("broker", broker))


def test_the_broker_is_told_the_credit_of_the_play():
    told = []

    def broker(ctx, frontend, backend, credit):
        told.append(credit)

    for play in lab_08.PLAYS:
        perform(play, broker)
    assert told == [play.credit for play in lab_08.PLAYS]
    assert set(told) == {1, 2, 3}


def test_with_a_credit_of_one_it_is_the_idle_worker_queue():
    """The same program passes that play, whether it knows of credit or not."""
    (one,) = [play for play in lab_08.PLAYS if play.credit == 1]
    (idle_worker,) = functions("07", "plain")
    found = perform(one, lambda ctx, frontend, backend, credit: idle_worker(ctx, frontend, backend))
    assert [finding.verdict for finding in found] == ["passed"]


def test_the_packages_broker_keeps_all_but_one_rule():
    """It takes a second READY for a worker that has started again: see `Fleet.join`."""

    def broker(ctx, frontend, backend, credit):
        by_policy(ctx, frontend, backend, Credit(credit), Random(1))

    failed = {play.title: perform(play, broker) for play in lab_08.PLAYS}
    rules = {f.rule for found in failed.values() for f in found if f.verdict != "passed"}
    assert rules == {lab_08.AGAIN}


# ------------------------------------------------------------------ the notebooks


def test_the_solution_passes():
    assert lab08(*in_notebook("08", "solution", "broker"))


def test_the_lab_as_it_ships_is_not_done():
    assert "not done" in first_failure(lab08(*in_notebook("08", "lab", "broker"))).evidence
