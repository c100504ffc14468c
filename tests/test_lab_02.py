"""Lab 02: its rules on hand-written histories, and its notebooks."""

import pytest
from histories import ended, hung, marks, verdict

from labs import first_failure, in_notebook
from zmqlab.check import lab02, lab_02
from zmqlab.check.lab_02 import (
    answers_are_one_frame,
    answers_match_questions,
    asks_with_ready,
    connects,
    early_ones_are_answered,
    every_task_is_done_once,
    everyone_is_sent_home,
    feed_does_not_spin,
    makespan_is_near_the_bound,
    returns_count,
    straggler_gets_few,
    tasks_go_before_workers,
    who_asks_is_answered,
    works_as_told,
    works_before_asking,
)
from zmqlab.check.pipeline import History, Mark
from zmqlab.record.journal import Hop, Journal, SocketNote


def shift(name, *tasks, start=0.0, each=1.0, home=None) -> list[Mark]:
    """A worker that did these tasks one after the other, and then was sent home."""
    noted = [Mark(start, name, "came")]
    for n, task in enumerate(tasks):
        at = start + n * each
        noted += [Mark(at, name, "asks"), Mark(at, name, "works on", task)]
        noted.append(Mark(at + each, name, "has done", task))
    end = start + len(tasks) * each
    noted.append(Mark(end, name, "asks"))
    if home is not False:
        noted += [Mark(end if home is None else home, name, "goes home"), Mark(end, name, "gone")]
    return noted


def asked(*shifts, call=None, tasks=(), **more) -> History:
    """What the workers of a feed saw."""
    return History(call or ended(), tasks, marks=[mark for each in shifts for mark in each], **more)


# ------------------------------------------------------------------ rules for feed


def test_all_done_once():
    history = asked(shift("w1", b"a", b"b"), shift("w2", b"a"), tasks=[b"a", b"b", b"a"])
    assert verdict(every_task_is_done_once(history)) == "passed"


@pytest.mark.parametrize(
    ("tasks", "evidence"),
    [
        ([b"a"], '"b" arrived, and was never handed in.'),
        ([b"b"], '"a" arrived, and was never handed in.'),
        ([b"a", b"b", b"c"], '1 of 3 tasks never arrived, "c" first.'),
    ],
)
def test_too_many_and_too_few_are_named(tasks, evidence):
    (finding,) = every_task_is_done_once(asked(shift("w1", b"a", b"b"), tasks=tasks))
    assert finding.evidence == evidence


def test_a_task_done_twice_is_named():
    history = asked(shift("w1", b"a"), shift("w2", b"a"), tasks=[b"a"])
    (finding,) = every_task_is_done_once(history)
    assert finding.evidence == '"a" arrived 2 times.'


def test_an_answer_of_two_frames_is_shown():
    odd = [
        *marks("came", "w1"),
        Mark(1.0, "w1", "asks"),
        Mark(2.0, "w1", "is puzzled", (b"a", b"b")),
    ]
    (finding,) = answers_are_one_frame(asked(shift("w2"), odd))
    assert finding.evidence == 'w1 asked and got "a" | "b".'


def test_who_never_got_its_last_answer_is_named():
    assert verdict(everyone_is_sent_home(asked(shift("w1", b"a"), shift("w2", b"b")))) == "passed"
    lost = [*shift("w2", b"b", home=False), *marks("connected", "w2"), *marks("gone", "w2")]
    (finding,) = everyone_is_sent_home(asked(shift("w1", b"a"), lost))
    assert (finding.verdict, "w2 never got" in finding.evidence) == ("failed", True)


def test_a_last_answer_that_may_still_come_is_not_lost():
    waiting = [*shift("w2", b"b", home=False), *marks("connected", "w2")]
    assert verdict(everyone_is_sent_home(asked(shift("w1", b"a"), waiting))) == "undecided"


def test_a_task_asked_for_after_somebody_was_sent_home_was_kept_for_the_asker():
    history = asked(shift("w1", b"a"), shift("w2", b"b", b"c", each=2.0))
    (finding,) = tasks_go_before_workers(history)
    assert '"c", the first of 1 such tasks' in finding.evidence


def test_a_task_on_its_way_while_somebody_is_sent_home_is_fine():
    history = asked(shift("w1", b"a"), shift("w2", b"b", start=0.9, each=5.0))
    assert verdict(tasks_go_before_workers(history)) == "passed"


@pytest.mark.parametrize(("slow", "expected"), [(1, "passed"), (4, "passed"), (10, "failed")])
def test_a_straggler_does_less_than_half_an_even_share(slow, expected):
    shares = {"w1": 12, "w2": 12, "w3": slow}
    history = asked(*(shift(name, *[b"t"] * n) for name, n in shares.items()))
    assert verdict(straggler_gets_few(history)) == expected


@pytest.mark.parametrize(("late", "expected"), [(0.0, "failed"), (50.0, "undecided")])
def test_makespan_is_held_against_the_speeds_that_were_seen(late, expected):
    quick, slow = shift("w1", *[b"t"] * 10), shift("w2", b"t", each=10.0)
    assert verdict(makespan_is_near_the_bound(asked(quick, slow))) == "passed"
    turns = asked(shift("w1", *[b"t"] * 10), shift("w2", *[b"t"] * 10, each=10.0), late=late)
    assert verdict(makespan_is_near_the_bound(turns)) == expected


@pytest.mark.parametrize(("busy", "expected"), [(0.01, "passed"), (0.5, "failed")])
def test_waiting_costs_nothing(busy, expected):
    history = asked([Mark(1.0, "feed", "busy", busy)])
    assert verdict(feed_does_not_spin(history)) == expected


@pytest.mark.parametrize(("late", "expected"), [(0.0, "failed"), (3.0, "undecided")])
def test_who_asked_last_and_got_nothing_is_in_the_story(late, expected):
    req, other = SocketNote(1, "w1", "REQ"), SocketNote(2, "w2", "REQ")
    served = Hop(0.5, "w2", other, "received", (b"t",), 0.5)
    unanswered = Hop(1.0, "w1", req, "sent", (b"READY",), 1.0)
    waiting = shift("w1", b"a", home=False)
    history = asked(waiting, call=hung(), workers=Journal.of([served, unanswered]), late=late)
    (finding,) = who_asks_is_answered(history)
    assert finding.verdict == expected
    assert "w1 had no answer to a question. 1 tasks were done." in finding.evidence
    if expected == "failed":
        assert finding.story.hops == [unanswered]
    assert who_asks_is_answered(asked(waiting)) == []


@pytest.mark.parametrize(
    ("call", "rule"), [(ended(), lab_02.STAYS), (hung(), lab_02.NO_BARRIER)], ids=["gone", "waits"]
)
def test_the_last_of_five_is_not_to_be_waited_for_and_not_to_be_left_alone(call, rule):
    four = [shift(f"w{n}", home=None if n < 3 else False) for n in range(1, 5)]
    (finding,) = early_ones_are_answered(asked(*four, call=call))
    assert (finding.rule, finding.verdict) == (rule, "failed")


def spoken(*ways) -> History:
    """What passed the ROUTER of a feed."""
    router = SocketNote(1, "feed", "ROUTER", bound=["tcp://here"])
    hops = [Hop(n, "feed", router, way, (b"x",), n) for n, way in enumerate(ways)]
    return asked(own=Journal.of(hops))


def test_one_answer_for_one_question():
    assert verdict(answers_match_questions(spoken("received", "sent"))) == "passed"
    history = spoken("received", "sent", "sent")
    for who in ("w1", "w2"):
        frame = history.own.hops[1].frames[-1] if who == "w1" else b"another"
        history.workers.add(Hop(5.0, who, SocketNote(1, who, "REQ"), "received", (frame,), 5.0))
    (odd,) = answers_match_questions(history)
    assert odd.evidence == "feed got 1 questions and sent 2 answers."
    assert [hop.who for hop in odd.story] == ["feed", "feed", "feed", "w1"]


def test_what_was_not_recorded_is_not_judged():
    assert verdict(answers_match_questions(spoken())) == "passed"


# ------------------------------------------------------------------ rules for worker

RIGHT = (b"", b"READY")


def worked(tasks, *questions, works=None, handed=None, done=None, call=None, **more) -> History:
    """A worker's questions, one a second, and its work; by default it does what it is given.

    works: the arguments of its calls. handed: how many tasks it was given. done: when each call
    ended; by default before the next question.
    """
    works = tasks if works is None else works
    ends = [n + 0.5 for n, _ in enumerate(works)] if done is None else done
    noted = [Mark(n + 0.2, "worker", "works on", task) for n, task in enumerate(works)]
    noted += [Mark(end, "worker", "has done", task) for end, task in zip(ends, works, strict=True)]
    router = SocketNote(1, "feed", "ROUTER")
    hops = [Hop(n, "feed", router, "received", (b"x", *q), n) for n, q in enumerate(questions)]
    answers = [*tasks[:handed], *([b""] if handed is None else [])]
    hops += [Hop(n, "feed", router, "sent", (b"x", b"", a), n) for n, a in enumerate(answers)]
    return History(call or ended(), tasks, workers=Journal.of(hops), marks=noted, **more)


def test_a_worker_asks_once_for_each_answer():
    assert verdict(asks_with_ready(worked([b"a"], RIGHT, RIGHT))) == "passed"
    assert verdict(asks_with_ready(worked([b"a"], RIGHT, RIGHT, RIGHT))) == "failed"
    assert verdict(asks_with_ready(worked([]))) == "failed"


def test_a_worker_that_did_not_work_has_another_fault():
    assert asks_with_ready(worked([b"a", b"b"], RIGHT, RIGHT, works=[b"a"], handed=1)) == []


def test_a_question_may_have_a_number():
    assert verdict(asks_with_ready(worked([], (b"1234", b"", b"READY")))) == "passed"


@pytest.mark.parametrize(
    "frames",
    [
        (b"READY",),
        (b"", b"ready"),
        (b"", b"READY", b"w1"),
        (b"w1", b"", b"READY"),
        (b"", b"", b"READY"),
    ],
)
def test_other_questions_are_shown(frames):
    (finding,) = asks_with_ready(worked([], frames))
    assert finding.verdict == "failed"
    assert "ready" in finding.evidence.lower()


@pytest.mark.parametrize(
    ("works", "expected"),
    [
        ([b"a", b"b"], "passed"),
        ([b"b", b"a"], "failed"),
        ([b"a"], "failed"),
        ([b"a", b"b", b""], "failed"),
        (["a", "b"], "failed"),
        ([], "failed"),
    ],
)
def test_work_is_called_with_each_task(works, expected):
    assert verdict(works_as_told(worked([b"a", b"b"], works=works))) == expected


def test_a_worker_that_ends_by_itself_is_told_so():
    (finding,) = works_as_told(worked([b"a", b"b"], works=[b"a"], handed=1))
    assert "ended after 1 of 2 tasks" in finding.evidence
    (finding,) = works_as_told(worked([b"a", b"b"], works=[b"a"], handed=2))
    assert "called 1 times, not with b'b'" in finding.evidence


def test_a_question_that_comes_before_the_task_is_done_is_too_early():
    tasks = [b"a", b"b"]
    assert verdict(works_before_asking(worked(tasks, RIGHT, RIGHT, RIGHT))) == "passed"
    (finding,) = works_before_asking(worked(tasks, RIGHT, RIGHT, RIGHT, done=[1.5, 1.9]))
    assert "question number 2 came when it had done 0 of the 1" in finding.evidence


def test_a_question_counts_from_when_the_worker_sent_it():
    req = SocketNote(1, "w1", "REQ")
    own = Journal.of(Hop(at, "w1", req, "sent", (b"READY",), at) for at in (0.0, 0.1))
    late = worked([b"a"], RIGHT, RIGHT, done=[0.5], own=own)
    assert verdict(works_before_asking(late)) == "failed"


@pytest.mark.parametrize("end", ["tcp://127.0.0.1:5555", ""])
def test_a_worker_connects(end):
    req = SocketNote(1, "w1", "REQ", bound=[end] if end else [])
    own = Journal.of([], [req])
    assert len(connects(History(ended(), own=own, sockets=[req]))) == bool(end)
    taken = History(ended(), marks=marks("finds it taken", "feed"))
    assert len(connects(taken)) == 1


@pytest.mark.parametrize(
    ("values", "tasks", "expected"),
    [
        ([3], 3, "passed"),
        ([0], 0, "passed"),
        ([2, 1, 0], 3, "passed"),
        ([2], 3, "failed"),
        ([None], 0, "failed"),
        ([True], 1, "failed"),
    ],
)
def test_the_worker_returns_a_number(values, tasks, expected):
    noted = [Mark(1.0, "worker", "returned", value) for value in values]
    assert verdict(returns_count(History(ended(), [b"t"] * tasks, marks=noted))) == expected


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes_and_says_the_same_each_time():
    solution = in_notebook("02", "solution", "feed", "worker")
    assert str(lab02(*solution)) == str(lab02(*solution))


def test_the_empty_lab_is_not_done_yet():
    report = lab02(*in_notebook("02", "lab", "feed", "worker"))
    assert first_failure(report).evidence == "feed is not done yet."
