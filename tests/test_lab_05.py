"""Lab 05: its table, and submissions that are right and wrong."""

import pytest

from labs import first_failure, functions, in_notebook, submissions
from zmqlab.check import lab05, lab_05, plays, stage, subject
from zmqlab.check.dispatch import Answered, Asked, Given, Got, Odd
from zmqlab.check.lab_05 import reading, reply

AT_A_WORKER = f"{plays.WAITS}: one request at a worker"
WRONG = {  # the rule that each wrong submission breaks first
    "acknowledges": lab_05.ARRIVES,
    "adds_a_delimiter": lab_05.ARRIVES,
    "answers_in_order_of_asking": lab_05.OWN,
    "answers_the_last_asker": lab_05.OWN,
    "assumes_three_frames": lab_05.ANYBODY,
    "decodes_ids": lab_05.ARRIVES,
    "decodes_leniently": lab_05.ARRIVES,
    "dies_of_a_client_that_left": lab_05.LEAVERS,
    "dies_of_an_odd_answer": lab_05.ANYTHING,
    "dies_of_an_odd_request": lab_05.ANYTHING,
    "does_not_bind_the_backend": lab_05.ARRIVES,
    "drops_while_no_worker_is_there": lab_05.ARRIVES,
    "finds_the_client_by_its_question": lab_05.OWN,
    "forgets_the_address": lab_05.ARRIVES,
    "gives_up_after_a_quiet_second": stage.GOES_ON,
    "hears_workers_only_after_clients": lab_05.ARRIVES,
    "is_a_coroutine": "broker is a plain function",
    "keeps_the_first_frame_of_the_body": lab_05.ANYBODY,
    "keeps_the_last_frame_of_an_answer": lab_05.ANYBODY,
    "knows_ids_by_their_last_byte": lab_05.OWN,
    "knows_only_a_plain_envelope": lab_05.ANYBODY,
    "leaves_its_sockets_open": "broker closes its sockets",
    "looks_for_a_delimiter_that_is_not_there": lab_05.ANYTHING,
    "never_hears_a_stranger_again": lab_05.ANYTHING,
    "one_request_at_a_time": lab_05.AT_ONCE,
    "one_request_for_each_client": lab_05.ARRIVES,
    "polls_in_vain": AT_A_WORKER,
    "raises_at_the_end": "broker ends with the context",
    "remembers_twenty_requests": lab_05.ARRIVES,
    "sends_from_another_thread": subject.ONE_THREAD,
    "spins": AT_A_WORKER,
    "stops_after_a_hundred": lab_05.AT_ONCE,
    "stops_at_the_first_odd_message": lab_05.ANYTHING,
    "strips_the_delimiter": lab_05.ARRIVES,
    "strips_white_space": lab_05.ANYBODY,
    "swallows_the_end": "broker ends with the context",
    "swaps_the_ends": lab_05.ARRIVES,
    "takes_every_body_for_text": lab_05.ANYBODY,
    "ten_requests_at_a_time": lab_05.AT_ONCE,
    "waits_for_a_client_that_never_reads": lab_05.UNREAD,
    "waits_for_the_answer_in_its_loop": lab_05.AT_ONCE,
}

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


# ------------------------------------------------------------------ submissions


@pytest.mark.slow
@pytest.mark.parametrize("path", submissions("05", "pass_"), ids=lambda path: path.stem)
def test_what_is_right_passes(path):
    report = lab05(*functions(path, "broker"))
    assert report.verdict == "passed", str(report)


@pytest.mark.slow
@pytest.mark.parametrize("path", submissions("05", "fail_"), ids=lambda path: path.stem)
def test_what_is_wrong_fails_for_the_reason_of_its_name(path):
    report = lab05(*functions(path, "broker"))
    assert first_failure(report).rule == WRONG[path.stem.removeprefix("fail_")], str(report)


def test_every_wrong_submission_has_its_reason():
    assert {path.stem.removeprefix("fail_") for path in submissions("05", "fail_")} == set(WRONG)


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
