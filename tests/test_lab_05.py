"""Lab 05: its table, and its notebooks."""

import pytest

from labs import first_failure, in_notebook
from zmqlab.check import lab05
from zmqlab.check.dispatch import Answered, Asked, Given, Got, Odd
from zmqlab.check.dispatch import carried as reading
from zmqlab.check.lab_05 import reply

# ------------------------------------------------------------------ the contract's table

TABLE = [
    (("client", "sent"), (b"", b"x"), Asked("p", (b"x",))),
    (("client", "sent"), (b"", b"", b"x"), Asked("p", (b"", b"x"))),
    (("client", "sent"), (b"number", b"", b"x"), Asked("p", (b"x",))),
    (("client", "sent"), (b"",), Odd("client", "p", "sent", (b"",))),
    (("client", "sent"), (b"x",), Odd("client", "p", "sent", (b"x",))),
    (("client", "received"), (b"", b"x", b""), Got("p", (b"x", b""))),
    (("client", "received"), (b"x",), Odd("client", "p", "received", (b"x",))),
    (("worker", "received"), (b"c", b"", b"x"), Given("p", (b"c", b""), (b"x",))),
    (
        ("worker", "received"),
        (b"c", b"number", b"", b"x"),
        Given("p", (b"c", b"number", b""), (b"x",)),
    ),
    (("worker", "received"), (b"", b"x"), Odd("worker", "p", "received", (b"", b"x"))),
    (("worker", "received"), (b"c", b"x"), Odd("worker", "p", "received", (b"c", b"x"))),
    (("worker", "sent"), (b"c", b"", b"y"), Answered("p", (b"c", b""), (b"y",))),
    (("worker", "sent"), (b"y",), Odd("worker", "p", "sent", (b"y",))),
    (("", "sent"), (b"", b"x"), None),
]


@pytest.mark.parametrize(("who", "frames", "event"), TABLE)
def test_the_table_of_the_contract(who, frames, event):
    assert reading(*who, "p", frames) == event


def test_what_a_worker_answers_goes_back_the_way_that_the_request_came():
    assert reply((b"c", b"number", b""), (b"y",)) == (b"c", b"number", b"", b"y")


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes_and_says_the_same_each_time():
    broker = in_notebook("05", "solution", "broker")
    assert str(lab05(*broker)) == str(lab05(*broker))


def test_the_empty_lab_is_not_done_yet():
    report = lab05(*in_notebook("05", "lab", "broker"))
    assert first_failure(report).evidence == "broker is not done yet."


@pytest.mark.slow
def test_the_broken_broker_of_the_lab_has_faults():
    assert lab05(*in_notebook("05", "lab", "broken")).verdict == "failed"
