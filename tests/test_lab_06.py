"""Lab 06: what the ledger makes of a report, the rules on reports, and its notebooks."""

import math
import threading

import pytest
import zmq

from labs import first_failure, in_notebook
from zmqlab.check import lab06, lab_06, losses
from zmqlab.check.dispatch import Answered, Asked, Given, Gone, Got, Ledger, Left, Lost, Odd
from zmqlab.check.lab import Play
from zmqlab.check.stage import Stage
from zmqlab.check.subject import Function

A, B = (b"a",), (b"b",)
TO, OTHER = (b"id of c1", b""), (b"id of c2", b"")
REPLY = (b"", b"a")  # behind the routing id


def under_way(body=A, to=TO, client="c1"):
    """A request that was answered by its own body; the answer is on its way."""
    return [Asked(client, body), Given("w1", to, body), Answered("w1", to, body)]


def reported(why="gone", client=TO[0], reply=REPLY, who="c1"):
    return Lost(who, client, reply, why)


# ------------------------------------------------------------------ the ledger


def test_a_reply_that_is_reported_is_owed_no_more():
    ledger = Ledger(under_way())
    assert ledger.owed() == ['c1 asked "a"; w1 answered "a", and c1 has not got that.']
    ledger.note(reported("full"))
    assert ledger.owed() == []


def test_another_report_leaves_it_owed():
    assert Ledger([*under_way(), reported(reply=(b"", b"b"))]).owed()
    assert Ledger([*under_way(), reported(who="c2")]).owed()


def test_a_report_is_owed_once_the_broker_can_know_that_a_client_has_left():
    asked = [Asked("c1", A), Given("w1", TO, A)]
    assert Ledger([*asked, Left("c1"), Answered("w1", TO, A)]).owed() == []
    history = [*asked, Left("c1"), Gone("c1"), Answered("w1", TO, A)]
    assert Ledger(history).owed() == [
        'c1 asked "a"; w1 answered "a", and nobody was told that c1 is gone.'
    ]
    assert Ledger([*history, reported()]).owed() == []


def test_no_report_is_owed_for_what_was_answered_before():
    """It may have gone out, or into a queue that nobody reads any more."""
    assert Ledger([*under_way(), Left("c1"), Gone("c1")]).owed() == []
    assert Ledger([*under_way()[:2], Left("c1"), Answered("w1", TO, A), Gone("c1")]).owed() == []


def test_nothing_is_owed_to_who_does_not_read_now():
    history = [*under_way(), Asked("c1", B)]
    assert len(Ledger(history).owed(math.inf)) == 2  # an answer, and a request
    assert Ledger(history).owed(math.inf, deaf=["c1"]) == []


# ------------------------------------------------------------------ rules


def agreed(history):
    return losses.said_as_agreed("agreed", "hint")(history)


def answered(history):
    return losses.as_it_was_answered("answered", "hint")(history)


def either(history):
    return losses.either_or("either", "hint")(history)


def why(history):
    return losses.why_it_is_lost("why", "hint")(history)


def test_a_report_is_made_as_agreed():
    assert agreed([reported()]) is None
    assert agreed([Lost("c1", b"c1", (), "gone", "It was late.")]).evidence == "It was late."


def test_what_is_reported_was_answered():
    assert answered([*under_way(), reported()]) is None
    broken = answered([*under_way(), reported(reply=A)])
    assert broken == (
        "answered",
        'Reported was "a" for c1.\nw1 had sent ∅ | "a" for c1.',
        "hint",
        (b"a", b"", b"a"),
    )
    assert answered([reported(), *under_way()]).evidence == 'Reported was ∅ | "a" for c1.'


def test_what_is_reported_was_for_that_client():
    history = [*under_way(), *under_way(B, OTHER, "c2")]
    assert answered([*history, reported(client=OTHER[0], who="c2", reply=(b"", b"b"))]) is None
    broken = answered([*history, reported(client=OTHER[0], who="c2")])
    assert broken.evidence == 'Reported was ∅ | "a" for c2.\nw1 had sent ∅ | "a" for c1.'


def test_what_fits_no_reply_is_held_against_what_that_client_was_sent():
    history = [*under_way(B, OTHER, "c2"), *under_way(), reported(reply=(b"else",))]
    evidence = 'Reported was "else" for c1.\nw1 had sent ∅ | "a" for c1.'
    assert answered(history).evidence == evidence


def test_the_envelope_is_part_of_a_reply():
    numbered = under_way(to=(b"id of c1", b"number", b""))
    assert answered([*numbered, reported(reply=(b"number", b"", b"a"))]) is None
    assert answered([*numbered, reported()])


def test_a_client_may_be_known_to_the_workers_by_another_address():
    assert answered([*under_way(to=(b"17", b"")), reported()]) is None
    assert answered([*under_way(to=(b"17", b"")), reported(who="", client=b"no id")])


def test_who_is_not_known_by_an_id_is_known_by_the_workers_address():
    assert answered([*under_way(), reported(who="")]) is None


@pytest.mark.parametrize("frames", [(b"nobody", b"", b"a"), (b"nobody", b"a"), (b"nobody",)])
def test_what_a_worker_sends_to_nobody_may_be_reported(frames):
    said = [
        Odd("worker", "w1", "sent", frames),
        reported(client=frames[0], reply=frames[1:], who=""),
    ]
    assert answered(said) is None
    assert why(said) is None


def test_a_reply_is_reported_once():
    assert either([*under_way(), reported()]) is None
    broken = either([*under_way(), reported(), reported()])
    assert broken.evidence == (
        'The reply ∅ | "a" for c1 was reported as "gone", and then was reported as "gone".'
    )


def test_two_replies_that_are_alike_are_reported_twice():
    assert either([*under_way(), *under_way(), reported(), reported()]) is None


def test_what_is_reported_does_not_arrive():
    assert either([*under_way(), Got("c1", A)]) is None
    broken = either([*under_way(), reported("full"), Got("c1", A)])
    assert broken.evidence == 'The reply ∅ | "a" for c1 was reported as "full", and then arrived.'
    broken = either([*under_way(), Got("c1", A), reported("full")])
    assert broken.evidence == (
        'The reply ∅ | "a" for c1 has arrived, and then was reported as "full".'
    )


def test_that_an_answer_arrives_twice_is_for_another_rule_to_say():
    assert either([*under_way(), Got("c1", A), Got("c1", A)]) is None


def test_who_is_gone_has_left():
    assert why([*under_way(), Left("c1"), reported()]) is None
    broken = why([*under_way(), reported(), Left("c1")])
    assert broken.evidence == ('The reply ∅ | "a" for c1 was reported as "gone". c1 had not left.')


def test_a_queue_is_not_full_if_all_that_was_in_it_has_arrived():
    second = reported("full", reply=(b"", b"b"))
    assert why([*under_way(), *under_way(B), Got("c1", A), second]) is None
    broken = why([*under_way(), Got("c1", A), *under_way(B), second])
    assert broken.evidence == (
        'The reply ∅ | "b" for c1 was reported as "full". '
        "c1 had read all earlier ones, and its queue was empty."
    )


def test_what_was_reported_is_in_no_queue():
    history = [*under_way(), Left("c1"), reported(), *under_way(B)]
    broken = why([*history, reported("full", reply=(b"", b"b"))])
    assert broken.evidence == (
        'The reply ∅ | "b" for c1 was reported as "full". '
        "c1 had left, and nothing was in its queue."
    )


def test_the_queue_of_another_client_says_nothing():
    history = [*under_way(B, OTHER, "c2"), *under_way()]
    assert why([*history, reported("full")])


def test_whose_queue_was_full_may_be_full_or_gone_once_it_has_left():
    history = [*under_way(), *under_way(B), Left("c1")]
    for reason in ("full", "gone"):
        assert why([*history, reported(reason, reply=(b"", b"b"))]) is None


# ------------------------------------------------------------------ how it is told


def calls(*said, by=lambda call: call()):
    """The events of calls of `lost`, each by its arguments."""

    def broker(ctx, frontend, backend, lost):
        for arguments in said:
            by(lambda arguments=arguments: lost(*arguments))

    play = Play("a play", lambda stage: None, "it is told", "all")
    with Stage(lab_06.LAB, play, lambda: Function("broker", broker)) as stage:
        stage.until(lambda: stage.subject.over)
        return [event for event in stage.history if isinstance(event, Lost)]


def test_a_call_is_an_event_with_the_frames_as_they_were():
    reply = [b"", b"a"]
    found = calls((b"otto", reply, "full"), (b"otto", reply, "gone"))
    assert found == [Lost("", b"otto", REPLY, "full"), Lost("", b"otto", REPLY, "gone")]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (("anna", [b""], "gone"), "client is a str, in place of bytes."),
        ((b"anna", b"a", "gone"), "The reply is a bytes, in place of a list of frames."),
        ((b"anna", (b"", b"a"), "gone"), "The reply is a tuple, in place of a list of frames."),
        ((b"anna", ["a"], "gone"), "reply[0] is a str, in place of bytes."),
        ((b"anna", [b"", zmq.Frame(b"a")], "gone"), "reply[1] is a Frame, in place of bytes."),
        ((b"anna", [b""], b"gone"), 'Why it is lost was b\'gone\', in place of "gone" or "full".'),
    ],
)
def test_a_call_in_another_form_is_told_apart(said, fault):
    (event,) = calls(said)
    assert event.fault == fault


def test_a_call_in_another_thread_is_told_apart():
    def elsewhere(call):
        thread = threading.Thread(target=call, name="elsewhere")
        thread.start()
        thread.join()

    (event,) = calls((b"anna", [b""], "gone"), by=elsewhere)
    assert event.fault == "It was called in the thread elsewhere."


def test_a_client_is_known_by_its_routing_id():
    broker = Function("broker", lambda ctx, frontend, backend, lost: None)
    play = Play("a play", lambda stage: None, "it is told", "all")
    with Stage(lab_06.LAB, play, lambda: broker) as stage:
        stage.client("c1", routing_id=b"anna")
        stage.client("c2")
        stage.peer("worker", "w1", routing_id=b"otto")
        named = [stage.chronicle.named(name) for name in (b"anna", b"", b"otto", b"nobody")]
    assert named == ["c1", "", "", ""]


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes_and_says_the_same_each_time():
    broker = in_notebook("06", "solution", "broker")
    assert str(lab06(*broker)) == str(lab06(*broker))


def test_the_lab_as_it_ships_is_not_done():
    assert "not done" in first_failure(lab06(*in_notebook("06", "lab", "broker"))).evidence
