"""Lab 02: its rules on hand-written histories, and its notebooks."""

import pytest

from labs import first_failure, in_notebook
from zmqlab.check import lab02
from zmqlab.check.lab_02 import (
    Done,
    Question,
    Shift,
    answers_are_one_frame,
    answers_match_questions,
    asks_with_ready,
    every_task_is_done_once,
    everyone_is_sent_home,
    feed_did_not_spin,
    makespan_is_near_the_bound,
    returns_its_count,
    straggler_gets_few,
    tasks_go_before_workers,
    works_as_told,
    works_before_asking,
)
from zmqlab.record.journal import Hop, Journal, SocketNote


def shift(name, *tasks, start=0.0, each=1.0, home=None) -> Shift:
    """A worker that did these tasks one after the other, and then was sent home."""
    done = [
        Done(task, start + n * each, start + n * each, start + (n + 1) * each)
        for n, task in enumerate(tasks)
    ]
    end = start + len(tasks) * each
    return Shift(name, done, asked=end, home=end if home is None else home)


def verdict(findings) -> str:
    (finding,) = findings
    return finding.verdict


# ------------------------------------------------------------------ rules for feed


def test_all_done_once():
    shifts = [shift("w1", b"a", b"b"), shift("w2", b"a")]
    assert verdict(every_task_is_done_once([b"a", b"b", b"a"], shifts)) == "passed"


@pytest.mark.parametrize(
    ("tasks", "evidence"),
    [
        ([b"a"], '"b" was handed out 1 times.'),
        ([b"a", b"b", b"c"], '1 of 3 tasks were never handed out, "c" first.'),
    ],
)
def test_too_many_and_too_few_are_named(tasks, evidence):
    (finding,) = every_task_is_done_once(tasks, [shift("w1", b"a", b"b")])
    assert finding.evidence == evidence


def test_a_task_done_twice_is_named():
    (finding,) = every_task_is_done_once([b"a"], [shift("w1", b"a"), shift("w2", b"a")])
    assert finding.evidence == '"a" was handed out 2 times.'


def test_an_answer_of_two_frames_is_shown():
    odd = Shift("w1", strange=(b"a", b"b"))
    (finding,) = answers_are_one_frame([shift("w2"), odd])
    assert finding.evidence == 'w1 asked and got "a" | "b".'


def test_who_never_got_its_last_answer_is_named():
    assert verdict(everyone_is_sent_home([shift("w1", b"a"), shift("w2", b"b")])) == "passed"
    (finding,) = everyone_is_sent_home([shift("w1", b"a"), shift("w2", b"b", home=0.0)])
    assert "w2 never got" in finding.evidence


def test_a_task_asked_for_after_somebody_was_sent_home_was_kept_for_the_asker():
    early, late = shift("w1", b"a"), shift("w2", b"b", b"c", each=2.0)
    (finding,) = tasks_go_before_workers([early, late])
    assert '"c", the first of 1 such tasks' in finding.evidence


def test_a_task_on_its_way_while_somebody_is_sent_home_is_fine():
    early, late = shift("w1", b"a"), shift("w2", b"b", start=0.9, each=5.0)
    assert verdict(tasks_go_before_workers([early, late])) == "passed"


@pytest.mark.parametrize(("slow", "expected"), [(1, "passed"), (4, "passed"), (10, "failed")])
def test_a_straggler_does_less_than_half_an_even_share(slow, expected):
    shifts = [shift("w1", *[b"t"] * 12), shift("w2", *[b"t"] * 12), shift("w3", *[b"t"] * slow)]
    assert verdict(straggler_gets_few(shifts, "w3")) == expected


def test_makespan_is_held_against_the_speeds_that_were_seen():
    quick, slow = shift("w1", *[b"t"] * 10), shift("w2", b"t", each=10.0)
    assert verdict(makespan_is_near_the_bound([quick, slow])) == "passed"
    turns = [shift("w1", *[b"t"] * 10), shift("w2", *[b"t"] * 10, each=10.0)]
    assert verdict(makespan_is_near_the_bound(turns)) == "failed"


@pytest.mark.parametrize(("cpu", "expected"), [(0.01, "passed"), (0.5, "failed")])
def test_waiting_costs_nothing(cpu, expected):
    assert verdict(feed_did_not_spin(cpu, seconds=1.0)) == expected


def spoken(*ways) -> Journal:
    router = SocketNote(1, "feed", "ROUTER", bound=["tcp://here"])
    pair = SocketNote(2, "feed", "PAIR", connected=["inproc://own"])
    hops = [Hop(n, "feed", router, way, (b"x",), n) for n, way in enumerate(ways)]
    return Journal.of([*hops, Hop(99.0, "feed", pair, "received", (b"y",), 98.0)])


def test_one_answer_for_one_question_at_the_socket_that_is_asked():
    assert verdict(answers_match_questions(spoken("received", "sent"), "tcp://here")) == "passed"
    found = answers_match_questions(spoken("received", "sent", "sent"), "tcp://here")
    assert verdict(found) == "failed"


def test_what_was_not_recorded_is_not_judged():
    assert verdict(answers_match_questions(Journal(), "tcp://here")) == "passed"


# ------------------------------------------------------------------ rules for worker

RIGHT = (b"", b"READY")


def test_a_worker_asks_once_for_each_answer():
    questions = [Question(RIGHT, 0), Question(RIGHT, 1)]
    assert verdict(asks_with_ready(questions, 1)) == "passed"
    assert verdict(asks_with_ready(questions, 2)) == "failed"
    assert verdict(asks_with_ready([], 0)) == "failed"


def test_a_question_may_have_a_number():
    assert verdict(asks_with_ready([Question((b"1234", b"", b"READY"), 0)], 0)) == "passed"


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
    (finding,) = asks_with_ready([Question(frames, 0)], 0)
    assert finding.verdict == "failed"
    assert "ready" in finding.evidence.lower()


@pytest.mark.parametrize(
    ("worked", "expected"),
    [
        ([b"a", b"b"], "passed"),
        ([b"b", b"a"], "failed"),
        ([b"a"], "failed"),
        ([b"a", b"b", b""], "failed"),
        (["a", "b"], "failed"),
        ([], "failed"),
    ],
)
def test_work_is_called_with_each_task(worked, expected):
    assert verdict(works_as_told([b"a", b"b"], worked)) == expected


def test_a_worker_that_ends_by_itself_is_told_so():
    (finding,) = works_as_told([b"a", b"b"], [b"a"], handed=1)
    assert "ended after 1 of 2 tasks" in finding.evidence
    (finding,) = works_as_told([b"a", b"b"], [b"a"], handed=2)
    assert "called 1 times, not with b'b'" in finding.evidence


def test_a_question_that_comes_before_the_task_is_done_is_too_early():
    right = [Question(RIGHT, 0), Question(RIGHT, 1), Question(RIGHT, 2)]
    early = [Question(RIGHT, 0), Question(RIGHT, 0), Question(RIGHT, 1)]
    assert verdict(works_before_asking(right)) == "passed"
    (finding,) = works_before_asking(early)
    assert "question number 2 came when it had done 0 of the 1" in finding.evidence


@pytest.mark.parametrize(
    ("value", "tasks", "expected"),
    [
        (3, 3, "passed"),
        (0, 0, "passed"),
        (2, 3, "failed"),
        (None, 0, "failed"),
        (True, 1, "failed"),
    ],
)
def test_the_worker_returns_a_number(value, tasks, expected):
    assert verdict(returns_its_count(value, tasks)) == expected


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes_and_says_the_same_each_time():
    solution = in_notebook("02", "solution", "feed", "worker")
    assert str(lab02(*solution)) == str(lab02(*solution))


def test_the_empty_lab_is_not_done_yet():
    report = lab02(*in_notebook("02", "lab", "feed", "worker"))
    assert first_failure(report).evidence == "feed is not done yet."
