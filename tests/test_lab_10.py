"""Lab 10: its rules by histories written by hand, what excuses a program, and its notebooks."""

from dataclasses import replace

import pytest

from labs import first_failure, functions, in_notebook
from zmqlab.check import evictions, hired, lab10, lab_10, rules
from zmqlab.check.dispatch import (
    Answered,
    Asked,
    Beat,
    Dead,
    Given,
    Got,
    Ledger,
    Odd,
    Read,
    Ready,
    Silent,
    Stretch,
    Work,
)
from zmqlab.check.heartbeats import Beating
from zmqlab.check.lab import Pulse
from zmqlab.check.labour import Labour
from zmqlab.check.peer import done
from zmqlab.check.report import failed, passed
from zmqlab.check.subject import Function

A, B = (b"a",), (b"b",)
TO, OTHER = (b"c1", b""), (b"c2", b"")
HIRED = [Ready("w1"), Ready("w2")]
GIVEN = [*HIRED, Asked("c1", A), Given("w1", TO, A)]
DIED = [*GIVEN, Silent("w1"), Dead("w1")]


def broken(rule, history):
    """Which rule it breaks, if any."""
    found = rule(history)
    return found.rule if found else ""


# ------------------------------------------------------------------ the ledger


@pytest.mark.parametrize("event", [Silent, Dead])
def test_what_a_silent_worker_held_is_owed_before_all_others(event):
    ledger = Ledger([*GIVEN, Asked("c2", B), event("w1")])
    assert [request.body for request in ledger.open] == [A, B]
    assert [request.body for request in ledger.back] == [A]
    assert not ledger.busy
    assert list(ledger.idle) == ["w2"]


def test_who_is_dead_is_owed_nothing_and_idle_again_when_it_says_ready():
    assert Ledger([Ready("w1"), Dead("w1"), Asked("c1", A)]).owed() == []
    assert list(Ledger([Ready("w1"), Dead("w1"), Ready("w1")]).idle) == ["w1"]


def test_what_is_given_out_again_is_back_no_more():
    ledger = Ledger([*DIED, Given("w2", TO, A)])
    assert not ledger.back
    assert not ledger.open
    assert list(ledger.busy) == ["w2"]


# ------------------------------------------------------------------ who is there


@pytest.mark.parametrize(
    ("history", "rule"),
    [
        ([*GIVEN, Beat("w1", "received"), Beat("w2", "received")], ""),
        ([Beat("w1", "sent")], ""),
        ([Beat("w1", "sent"), Beat("w1", "received")], "stranger"),
        ([Asked("c1", A), Given("w1", TO, A)], "stranger"),
        ([Odd("worker", "w1", "received", (b"?",))], "stranger"),
        ([*GIVEN, Silent("w1"), Beat("w1", "received")], ""),  # it may not know it yet
        ([*DIED, Beat("w1", "received")], "dead"),
        ([*DIED, Beat("w1", "sent"), Beat("w1", "received")], "dead"),
        ([*DIED, Given("w1", TO, A)], "dead"),
        ([*DIED, Ready("w1"), Beat("w1", "received")], ""),
    ],
)
def test_only_who_is_there_is_sent_anything(history, rule):
    assert broken(evictions.to_who_is_there("stranger", "dead", ""), history) == rule


@pytest.mark.parametrize(
    ("history", "rule"),
    [
        (GIVEN, ""),
        ([*GIVEN, Given("w2", TO, A)], "kept"),
        ([*GIVEN, Silent("w1"), Given("w2", TO, A)], ""),
        ([*GIVEN, Answered("w1", TO, A), Given("w2", TO, A)], ""),  # another rule's affair
    ],
)
def test_what_the_living_hold_is_given_to_nobody_else(history, rule):
    assert broken(evictions.kept_by_the_living("kept", ""), history) == rule


@pytest.mark.parametrize(
    ("history", "rule"),
    [
        ([*DIED, Given("w2", TO, A)], ""),
        ([*DIED, Asked("c2", B), Given("w2", TO, A)], ""),
        ([*DIED, Asked("c2", B), Given("w2", OTHER, B)], "first"),
        ([*HIRED, Asked("c2", B), Given("w2", OTHER, B)], ""),
    ],
)
def test_what_the_dead_held_goes_out_before_all_others(history, rule):
    assert broken(evictions.handed_on("first", ""), history) == rule


LATE = (b"late",)
AGAIN = [*DIED, Given("w2", TO, A)]


@pytest.mark.parametrize(
    ("history", "rule"),
    [
        ([*GIVEN, Answered("w1", TO, LATE), Got("c1", LATE)], ""),
        ([*DIED, Answered("w1", TO, LATE), Got("c1", LATE)], "late"),
        ([*AGAIN, Answered("w1", TO, LATE), Answered("w2", TO, B), Got("c1", B)], ""),
        ([*AGAIN, Answered("w2", TO, B), Got("c1", B), Answered("w1", TO, LATE)], ""),
        ([*AGAIN, Answered("w1", TO, LATE), Got("c1", LATE)], "late"),
    ],
)
def test_what_comes_from_the_dead_goes_to_nobody(history, rule):
    assert broken(evictions.nothing_from_the_dead("late", ""), history) == rule


def test_the_dead_do_not_stand_in_the_line():
    history = [*HIRED, Read("worker"), Read("worker"), Silent("w1"), Asked("c1", A)]
    longest = rules.longest_idle_first("longest", "")
    assert broken(longest, [*history, Given("w2", TO, A)]) == ""


# ------------------------------------------------------------------ heartbeats


def counted(beats, intervals=12, silent=False):
    """What a stretch is judged of so many heartbeats."""
    history = [
        Beat("w1", "sent"),  # before it
        Stretch(100.0, True, "beats", ("w1",), silent),
        *[Beat("w1", "sent")] * beats,
        *[Beat("w1", "received"), Beat("w2", "sent")] * 50,
        Stretch(100.0 + 0.1 * intervals, False, "beats", ("w1",), silent),
    ]
    return broken(evictions.once_per_interval({}, 0.1, "sent"), history)


@pytest.mark.parametrize(
    ("beats", "rule"), [(0, "beats"), (2, "beats"), (4, ""), (12, ""), (21, ""), (22, "beats")]
)
def test_heartbeats_come_about_once_per_interval(beats, rule):
    assert counted(beats) == rule


def test_who_is_to_be_silent_may_have_said_something_just_before():
    assert [counted(beats, silent=True) for beats in (0, 3, 4)] == ["", "", "beats"]


def test_a_heartbeat_makes_no_room_for_a_request():
    rule = rules.unread("unread", "", says=(b"\x01",), beat=(b"\x02",))
    ready, beat = Read("worker", (b"w", b"\x01")), Read("worker", (b"w", b"\x02"))
    reply = Read("worker", (b"w", b"c", b"", b"x"))
    asked = Read("client", (b"c", b"", b"x"))
    assert broken(rule, [ready, beat, asked]) == ""
    assert broken(rule, [ready, asked, beat, asked]) == "unread"
    assert broken(rule, [ready, asked, ready, asked]) == "unread"
    assert broken(rule, [ready, asked, reply, asked]) == ""


# ------------------------------------------------------------------ the worker

REPLIED = [Ready("s1"), Given("s1", TO, A), Answered("s1", TO, done(A))]


@pytest.mark.parametrize(
    ("history", "rule"),
    [
        (REPLIED, ""),
        ([Ready("s1"), Ready("s2"), Beat("s2", "sent")], ""),
        ([Ready("s1"), Ready("s1")], "first"),
        ([Beat("s1", "sent")], "first"),
        ([Ready("s1"), Beat("s2", "sent")], "first"),
        ([Odd("worker", "s1", "sent", (b"READY",))], "first"),
    ],
)
def test_a_socket_says_ready_first_and_once(history, rule):
    assert broken(hired.ready_first("first", ""), history) == rule


@pytest.mark.parametrize(
    ("history", "rule"),
    [
        (REPLIED, ""),
        ([*REPLIED, REPLIED[-1]], "reply"),
        ([Ready("s1"), Answered("s1", TO, A)], "reply"),
        ([*REPLIED[:2], Answered("s1", OTHER, done(A))], "reply"),
        ([*REPLIED[:2], Answered("s1", TO, A)], "reply"),
        ([*REPLIED[:2], Ready("s2"), Answered("s2", TO, done(A))], "reply"),
        ([Ready("s1"), Odd("worker", "s1", "sent", (b"c1", b"x"))], "reply"),
    ],
)
def test_a_request_gets_one_reply(history, rule):
    assert broken(hired.one_answer_each("reply", ""), history) == rule


@pytest.mark.parametrize(
    ("history", "rule"),
    [
        ([Work("w1", A, True), Work("w1", A, False), Work("w1", B, True)], ""),
        ([Work("w1", A, True), Work("w2", B, True)], ""),
        ([Work("w1", A, True), Work("w1", B, True)], "single"),
        ([Work("w1", (b"ab",), True)], "body"),
    ],
)
def test_work_is_called_with_one_body_at_a_time(history, rule):
    given = [Given("s1", TO, A), Given("s1", TO, B)]
    assert broken(hired.one_at_a_time("single", "body", ""), [*given, *history]) == rule


def test_the_checks_work_calls_beat_until_it_is_released_and_takes_any_body():
    events, beats = [], []
    work = Labour("w1", events.append)

    def beat():
        beats.append(1)
        if len(beats) == 3:
            work.release()

    assert work([b"long"], beat) == [b"done: long"]
    assert len(beats) == 3
    assert events == [Work("w1", (b"long",), True), Work("w1", (b"long",), False)]
    for body in [], "text", [None], None:
        work(body, None)
    assert work.at_once == 0


def test_a_desk_reads_what_its_worker_sends():
    routing_id = b"\x00\x01"
    who = hired.named(routing_id)

    def read(way, *frames):
        return hired.at_the_queue(hired.QUEUE, way, "desk", (routing_id, *frames))

    assert read("received", b"\x01") == Ready(who)
    assert read("received", b"\x02") == Beat(who, "sent")
    assert read("sent", b"\x02") == Beat(who, "received")
    assert read("sent", b"c1", b"\x07", b"", b"x") == Given(who, (b"c1", b"\x07", b""), (b"x",))
    assert read("received", b"c1", b"", b"x") == Answered(who, TO, (b"x",))


# ------------------------------------------------------------------ what excuses a program


@pytest.mark.parametrize(
    ("late", "rule", "verdict"),
    [
        (0.0, "timed", "failed"),
        (0.29, "timed", "failed"),
        (0.31, "timed", "undecided"),  # 0.3 of the patience
        (9.0, "other", "failed"),
    ],
)
def test_a_late_machine_excuses_rules_of_time_and_no_others(monkeypatch, late, rule, verdict):
    stage = object.__new__(Beating)
    stage.pulse, stage.timed, stage.late = Pulse(0.2, 5), {"timed"}, late
    monkeypatch.setattr(Beating, "look", lambda stage, now: None)
    found = stage.excused([passed("timed", "kept"), failed(rule, "seen")])
    assert [finding.verdict for finding in found] == ["passed", verdict]
    assert (f"{late:.2f} s" in found[1].evidence) == (verdict == "undecided")


def test_a_worker_heartbeats_before_it_is_waited_for():
    """How long a queue takes to read READY is the machine's affair: it may be its patience."""
    speaking = []

    class Watching(Beating):
        def calm(self, enough=None):
            speaking.append(list(self.rhythm))
            super().calm(enough)

    play = lab_10.Play("hire", lambda stage: stage.hire("w1"), "it is there", "yes")
    lab = replace(lab_10.QUEUE, plays=[play], stage=Watching)
    queue, _ = functions("10", "plain")
    found = lab.perform(play, lambda: Function("queue", queue))
    assert [finding.verdict for finding in found] == ["passed", "passed"]
    assert speaking == [["w1"]]


def test_every_rule_of_time_is_one_that_can_be_broken():
    texts = {
        value
        for module in (lab_10, lab_10.deaths, lab_10.service)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    assert texts >= lab_10.TIMED


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes():
    report = lab10(*in_notebook("10", "solution", "queue", "worker"))
    assert report.verdict == "passed", str(report)


def test_the_lab_as_it_ships_is_not_done():
    report = lab10(*in_notebook("10", "lab", "queue", "worker"))
    assert "queue is not done" in first_failure(report).evidence
    assert "Traceback" not in str(report)
