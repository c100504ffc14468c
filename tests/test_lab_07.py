"""Lab 07: its table, and its notebooks."""

import pytest

from labs import first_failure, in_notebook
from zmqlab.check import lab07
from zmqlab.check.dispatch import Answered, Asked, Given, Got, Odd, Ready
from zmqlab.check.ready import makes_do, reading

pytestmark = pytest.mark.slow


TABLE = [
    (("client", "sent"), (b"", b"x", b""), Asked("p", (b"x", b""))),
    (("client", "sent"), (b"",), Odd("client", "p", "sent", (b"",))),
    (("client", "sent"), (b"x",), Odd("client", "p", "sent", (b"x",))),
    (("client", "received"), (b"", b"y"), Got("p", (b"y",))),
    (("client", "received"), (b"y",), Odd("client", "p", "received", (b"y",))),
    (("worker", "sent"), (b"", b"READY"), Ready("p")),
    (("worker", "sent"), (b"", b"c", b"", b"y"), Answered("p", (b"c", b""), (b"y",))),
    (("worker", "received"), (b"", b"c", b"", b"x"), Given("p", (b"c", b""), (b"x",))),
    (("worker", "received"), (b"c", b"", b"x"), Odd("worker", "p", "received", (b"c", b"", b"x"))),
    (
        ("worker", "received"),
        (b"", b"", b"", b"x"),
        Odd("worker", "p", "received", (b"", b"", b"", b"x")),
    ),
    (("", "sent"), (b"", b"x"), None),
]


@pytest.mark.parametrize(("who", "frames", "event"), TABLE)
def test_the_table_of_the_contract(who, frames, event):
    assert reading(*who, "p", frames) == event


def test_a_worker_makes_do_with_what_is_no_request():
    assert makes_do((b"", b"c", b"nonsense")) == (b"", b"c", b"", b"?")
    assert makes_do((b"nonsense",)) is None


# ------------------------------------------------------------------ the notebooks


def test_the_solution_passes():
    assert lab07(*in_notebook("07", "solution", "broker"))


def test_the_lab_as_it_ships_is_not_done():
    assert "not done" in first_failure(lab07(*in_notebook("07", "lab", "broker"))).evidence
