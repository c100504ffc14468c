"""Lab 11: its rules on hand-written histories, its stage, its notebooks; lesson 11 under it."""

import pytest
import zmq

from labs import first_failure, in_lesson, in_notebook
from zmqlab.check import lab11, retry, serving
from zmqlab.check.asking import CHAIN, Asking, Question, split
from zmqlab.check.call import Call
from zmqlab.check.serving import Asked, Began, Ended, Got, Left, Misused, Odd, owed, reading

A = Asked("c1", (), b"a", (b"pay",))
DID = Ended(1, b"a", (b"paid",))
HAD = Got("c1", (), b"a", (b"paid",))
BEGAN = Began(1, b"a", (b"pay",))


# ------------------------------------------------------------------ what is said on the wire


@pytest.mark.parametrize(
    ("frames", "event"),
    [
        ((b"", b"a", b"pay"), A),
        ((b"x", b"", b"a"), Asked("c1", (b"x",), b"a", ())),
        ((b"", b"a", b"", b"b"), Asked("c1", (), b"a", (b"", b"b"))),
        ((b"a",), Odd("c1", "sent", (b"a",))),
        ((b"", b""), Odd("c1", "sent", (b"", b""))),
        ((b"",), Odd("c1", "sent", (b"",))),
    ],
)
def test_a_message_is_read_as_what_it_is(frames, event):
    assert reading("c1", "sent", frames) == event


def test_a_reply_is_read_as_a_reply():
    assert reading("c1", "received", (b"", b"a", b"paid")) == HAD


def test_frames_are_split_at_the_first_empty_one():
    assert split((b"x", b"", b"a", b"")) == ((b"x",), (b"a", b""))
    assert split((b"x",)) is None


# ------------------------------------------------------------------ what is owed


@pytest.mark.parametrize(
    ("history", "waiting"),
    [
        ([A], [A]),
        ([A, BEGAN, DID, HAD], []),
        ([A, A, BEGAN, DID, HAD], [A]),
        ([A, BEGAN, Ended(1, b"a", None)], []),  # the next copy is tried again
        ([A, BEGAN, Ended(1, b"a", None), A], [A]),
        ([A, Left("c1")], []),
        ([Odd("c1", "sent", (b"?",)), A], []),  # who talks nonsense has no right to a reply
    ],
)
def test_who_waits_for_a_reply(history, waiting):
    assert owed(history) == waiting


# ------------------------------------------------------------------ rules for serve

RULES = [
    retry.as_asked("asked"),
    retry.done_once("once"),
    retry.own_replies("own", "unasked"),
    retry.a_copy_for_each_try("by itself"),
]


@pytest.mark.parametrize(
    ("history", "broken"),
    [
        ([A, BEGAN, DID, HAD], None),
        ([A, A, BEGAN, DID, HAD, HAD], None),
        ([A, BEGAN, Ended(1, b"a", None), A, Began(2, b"a", (b"pay",)), DID, HAD], None),
        ([A, Began(1, b"a", (b"pay", b""))], "asked"),
        ([A, Misused("do(1)")], "asked"),
        ([A, BEGAN, Began(2, b"a", (b"pay",))], "once"),
        ([A, BEGAN, DID, HAD, A, Began(2, b"a", (b"pay",))], "once"),
        ([A, BEGAN, Ended(1, b"a", None), Began(2, b"a", (b"pay",)), DID], "by itself"),
        ([A, BEGAN, DID, HAD, HAD], "own"),
        ([A, BEGAN, DID, Got("c1", (), b"a", (b"else",))], "own"),
        ([A, BEGAN, DID, Got("c2", (), b"a", (b"paid",))], "own"),
        ([A, BEGAN, DID, Got("c1", (b"x",), b"a", (b"paid",))], "own"),
        ([A, BEGAN, DID, Odd("c1", "received", (b"paid",))], "own"),
        ([A, BEGAN, Ended(1, b"a", None), HAD], "unasked"),
        ([Odd("c1", "sent", (b"?",)), Odd("c1", "received", (b"!",))], None),
    ],
)
def test_what_breaks_a_rule(history, broken):
    found = next(filter(None, (rule(history) for rule in RULES)), None)
    assert (found and found.rule) == broken


# ------------------------------------------------------------------ rules for ask


def asking(late=0.0, patience=0.5, tries=2, **call):
    """One that has ended; by default it gave up in time."""
    question = Question(b"a", (b"pay",), lambda copy, tap: (), patience, tries)
    seen = Asking(question, Call("ask", ask), "tcp://127.0.0.1:1")
    seen.call.state, seen.call.error = "raised", TimeoutError(f"asked {tries} times")
    seen.call.started, seen.call.ended = 10.0, 10.0 + patience * tries
    for name, value in call.items():
        setattr(seen.call, name, value)
    seen.late = late
    return seen


def ask(ctx, endpoint, request_id, body, patience, tries):
    raise TimeoutError


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (asking(), None),
        (asking(ended=10.6), "failed"),  # too soon
        (asking(ended=12.0), "failed"),  # too late by a second
        (asking(ended=12.0, late=0.4), "failed"),
        (asking(ended=12.0, late=0.6), "undecided"),
        (asking(ended=10.6, late=9.0), "failed"),  # no machine is early
    ],
)
def test_patience_is_judged_as_a_part_of_itself(seen, says):
    found = retry.waits_its_patience(seen)
    assert (found and found.verdict) == says


@pytest.mark.parametrize(
    ("text", "kept"),
    [("asked 2 times", True), ("2", True), ("no reply", False), ("0.2 s", False), ("12", False)],
)
def test_the_text_has_the_number(text, kept):
    assert (retry.gives_up(asking(error=TimeoutError(text))) is None) == kept


def test_a_state_error_of_zeromq_is_named():
    error = zmq.ZMQError(zmq.EFSM)
    found = retry.runs(asking(error=error))
    assert found.rule == retry.AGAIN


def test_one_lateness_is_counted_for_a_chain_of_threads():
    assert CHAIN > 1


# ------------------------------------------------------------------ the stage


def test_do_takes_an_id_and_a_list_of_frames():
    def serve(ctx, endpoint, do):
        for wrong in ([b"a", b"pay"], [b"a", b"pay", b"5"], ["a", []]):
            with pytest.raises(TypeError):
                do(*wrong)

    with serving.Serving(serve, [], "") as stage:
        assert stage.until(lambda: stage.subject.over)
    calls = [event.call for event in stage.history if isinstance(event, Misused)]
    assert calls == ["do(b'a', b'pay')", "do(b'a', b'pay', b'5')", "do('a', [])"]


# ------------------------------------------------------------------ the lesson and the notebooks


@pytest.mark.slow
def test_what_the_lesson_defines_is_not_the_lab_done():
    """Its client and its servers, with the lab's parameters."""
    lesson = in_lesson("11")
    (solved,) = in_notebook("11", "solution", "ask")

    def asks_again(ctx, endpoint, request_id, body, patience, tries):
        return lesson["ask_again"](ctx, endpoint, request_id, patience, tries)[1:]

    def once(ctx, endpoint, do):
        lesson["do_once"](ctx, endpoint, do)

    assert lab11(asks_again, once).verdict == "failed"
    assert lab11(solved, once).verdict == "failed"


@pytest.mark.slow
def test_the_solution_passes():
    assert lab11(*in_notebook("11", "solution", "ask", "serve"))


@pytest.mark.slow
def test_the_lab_as_it_ships_is_not_done():
    assert "not done" in first_failure(lab11(*in_notebook("11", "lab", "ask", "serve"))).evidence
