"""Lab 06: submissions that are right and wrong, each wrong one refused for the reason it names."""

import pytest

from labs import first_failure, functions, in_notebook, submissions
from zmqlab.check import lab06
from zmqlab.check.dispatch import Answered, Asked, Given, Got, Odd, Ready
from zmqlab.check.lab_06 import makes_do, reading

WRONG: dict[str, str | tuple[str, ...]] = {  # words of the rule that each breaks first
    "acknowledges_ready": "is given the request",
    "decodes_ids": "is given the request",
    # whichever comes first at the broker, the request or the READY
    "raises_while_nobody_is_idle": ("is given the request", "there until its context ends"),
    "strips_the_inner_delimiter": "is given the request",
    "reads_while_nobody_is_idle": "requests stay unread",
    "reads_all_when_one_is_idle": "requests stay unread",
    "reads_early_with_asyncio": "requests stay unread",
    "reads_one_ahead_at_the_wildcard": "requests stay unread",
    "waits_for_a_client_that_never_reads": "does not read its answers",
    "reads_one_ahead": "requests stay unread",
    "one_request_at_a_time": "as many requests under way",
    "assumes_three_frames": "any client, any routing id",
    "unpacks_three_frames": "any client, any routing id",
    "joins_the_frames": "any client, any routing id",
    "a_credit_of_two": "second request before it has answered",
    "deals_by_dealer": "second request before it has answered",
    "gives_a_second_task": "second request before it has answered",
    "idle_again_when_it_was_given": "second request before it has answered",
    "pops_newest": "idle longest",
    "newcomers_first": "idle longest",
    "newcomers_last": "idle longest",
    "puts_ready_in_front": "idle longest",
    "takes_a_random_one": "idle longest",
    "remembers_one_idle_worker": "idle longest",
    "fewest_tasks_first": "idle longest",
    "dict_keeps_its_order": "idle longest",
    "turns_among_the_idle": "idle longest",
    "newest_request_first": "the order in which it sent them",
    "answers_in_order_of_asking": "the answer to its own question",
    "answers_the_last_asker": "the answer to its own question",
    "answers_twice": "the answer to its own question",
    "drops_empty_frames": "any client, any routing id",
    "ready_by_its_first_bytes": "any client, any routing id",
    "splits_at_the_last_delimiter": "any client, any routing id",
    "dies_of_a_client_that_left": "clients that leave",
    "loses_the_worker_of_a_client_that_left": "clients that leave",
    "dies_of_an_odd_request": "no request ends nothing",
    "is_deaf_after_nonsense": "no request ends nothing",
    "loses_a_worker_to_an_odd_request": "no request ends nothing",
    "nonsense_costs_a_turn": "no request ends nothing",
    "spins": "without using the processor",
    "spins_while_nobody_is_idle": "without using the processor",
    "spins_while_it_has_nothing_to_do": "without using the processor",
    "raises_at_the_end": "ends with the context",
    "swallows_the_end": "ends with the context",
    "leaves_its_sockets_open": "closes its sockets",
    "sends_from_another_thread": "in one thread only",
    "is_a_coroutine": "plain function",
}

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


@pytest.mark.parametrize("path", submissions("06", "pass_"), ids=lambda path: path.stem)
def test_a_right_broker_passes_however_it_is_built(path):
    report = lab06(*functions(path, "broker"))
    assert report, str(report)


@pytest.mark.parametrize("path", submissions("06", "fail_"), ids=lambda path: path.stem)
def test_a_wrong_broker_fails_for_the_reason_in_its_name(path):
    finding = first_failure(lab06(*functions(path, "broker")))
    words = WRONG[path.stem.removeprefix("fail_")]
    assert any(word in finding.rule for word in ([words] if isinstance(words, str) else words))


def test_the_solution_passes():
    assert lab06(*in_notebook("06", "solution", "broker"))


def test_the_lab_as_it_ships_is_not_done():
    assert "not done" in first_failure(lab06(*in_notebook("06", "lab", "broker"))).evidence
