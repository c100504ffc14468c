"""Lab 13: what was promised, by histories written by hand; its deaths; its notebooks."""

import pytest

from labs import first_failure, functions, in_notebook
from zmqlab.check import lab13, lab_13, promises
from zmqlab.check.dispatch import Answered, Given, Left, Odd, Ready
from zmqlab.check.promises import (
    ANSWERED,
    CLOSED,
    FETCHED,
    FINISHED,
    FIRST,
    GIVEN,
    HOLDER,
    KEPT,
    ONCE,
    OTHER,
    STRANGER,
    TAKEN,
    Promises,
)
from zmqlab.check.report import passed, undecided
from zmqlab.check.stage import IN_TIME
from zmqlab.run import Lives
from zmqlab.run.steps import Step

# ------------------------------------------------------------------ the rule, pure


def asks(*frames, who="c1"):
    return Odd("client", who, "sent", (b"", *frames))


def told(*frames, who="c1"):
    return Odd("client", who, "received", (b"", *frames))


def given(who="w1", id=b"a", body=(b"one",)):
    return Given(who, (id, b""), body)


def replies(who="w1", id=b"a", reply=(b"done",)):
    return Answered(who, (id, b""), reply)


DIES = Odd("server", "the server was killed", "killed", ())
REQUEST = [asks(b"REQUEST", b"a", b"one"), told(b"200", b"a")]
WAITS = [asks(b"REPLY", b"a"), told(b"300", b"a")]
FETCH = [asks(b"REPLY", b"a"), told(b"200", b"a", b"done")]
CLOSE = [asks(b"CLOSE", b"a"), told(b"200", b"a")]
UNKNOWN = [asks(b"REPLY", b"a"), told(b"400", b"a")]
AT_WORK = [*REQUEST, Ready("w1"), given()]
DONE = [*AT_WORK, replies()]
FETCHED_ONCE = [*DONE, *FETCH]


@pytest.mark.parametrize(
    "history",
    [
        [],
        [*UNKNOWN, *CLOSE, *REQUEST, *WAITS, *REQUEST, *CLOSE, *UNKNOWN],
        [*REQUEST, asks(b"REQUEST", b"a", b"two"), told(b"400", b"a"), *REQUEST],
        [*AT_WORK, *WAITS, replies(), *WAITS, *FETCH, *FETCH, *REQUEST, *CLOSE, *UNKNOWN],
        [*DONE, replies("w1", reply=(b"again",)), replies("w2", reply=(b"no",)), *FETCH],
        [*AT_WORK, *CLOSE, replies(), *UNKNOWN, *REQUEST, given()],
        [*REQUEST, DIES, *REQUEST, *WAITS, Ready("w2"), given("w2"), replies("w2"), *FETCH],
        [asks(b"REQUEST", b"a", b"one"), DIES, *REQUEST],
        [*FETCHED_ONCE, asks(b"CLOSE", b"a"), DIES, *CLOSE, *UNKNOWN],
        # of two that were replied, the first may have been lost
        [*DONE, DIES, Ready("w2"), given("w2"), replies("w2", reply=(b"two",)), *FETCH],
        # given out before it was closed, and on its way meanwhile
        [Ready("w1"), *REQUEST, *CLOSE, given()],
        [asks(b"REQUEST", b"a", b"one", who="c2"), Left("c2"), Ready("w1"), given(), replies()],
    ],
)
def test_what_a_server_may_do(history):
    assert promises.kept(history) is None


@pytest.mark.parametrize(
    ("rule", "history"),
    [
        (ANSWERED, [told(b"200", b"a")]),
        (ANSWERED, [*REQUEST, told(b"200", b"a")]),
        (ANSWERED, [asks(b"REQUEST", b"a", b"one"), told(b"200", b"b")]),
        (ANSWERED, [asks(b"REQUEST", b"a", b"one"), told(b"200")]),
        (ANSWERED, [asks(b"REQUEST", b"a", b"one"), told(b"200", b"a", b"more")]),
        (TAKEN, [asks(b"REQUEST", b"a", b"one"), told(b"400", b"a")]),
        (TAKEN, [*REQUEST, asks(b"REQUEST", b"a", b"one"), told(b"400", b"a")]),
        (OTHER, [*REQUEST, asks(b"REQUEST", b"a", b"two"), told(b"200", b"a")]),
        (OTHER, [*REQUEST, asks(b"REQUEST", b"a", b"o", b"ne"), told(b"200", b"a")]),
        (STRANGER, [asks(b"REPLY", b"a"), told(b"300", b"a")]),
        (FETCHED, [*REQUEST, *UNKNOWN]),
        (FETCHED, [*FETCHED_ONCE, *WAITS]),
        (FETCHED, [*AT_WORK, replies(reply=(b"do", b"ne")), *FETCH]),
        (FETCHED, [*DONE, asks(b"REPLY", b"a"), told(b"200", b"a")]),
        (CLOSED, [asks(b"CLOSE", b"a"), told(b"400", b"a")]),
        (CLOSED, [*FETCHED_ONCE, *CLOSE, *FETCH]),
        (CLOSED, [*REQUEST, *CLOSE, Ready("w1"), given()]),
        (CLOSED, [*REQUEST, *CLOSE, DIES, Ready("w1"), given()]),
        (GIVEN, [Ready("w1"), given()]),
        (GIVEN, [*REQUEST, Ready("w1"), given(body=(b"o", b"ne"))]),
        (GIVEN, [*REQUEST, given()]),
        (GIVEN, [*AT_WORK, asks(b"REQUEST", b"b", b"one"), given(id=b"b")]),
        (GIVEN, [*AT_WORK, DIES, given()]),
        (ONCE, [*AT_WORK, Ready("w2"), given("w2")]),
        (ONCE, [*DONE, given()]),
        (HOLDER, [*AT_WORK, replies("w2"), *FETCH]),
        (HOLDER, [*AT_WORK, DIES, replies(), *FETCH]),
        (FIRST, [*FETCHED_ONCE, asks(b"REPLY", b"a"), told(b"200", b"a", b"other")]),
        (
            FIRST,
            [*DONE, replies(reply=(b"two",)), asks(b"REPLY", b"a"), told(b"200", b"a", b"two")],
        ),
        (KEPT, [*REQUEST, DIES, *UNKNOWN]),
        (KEPT, [*FETCHED_ONCE, DIES, *WAITS]),
        (KEPT, [*REQUEST, DIES, asks(b"REQUEST", b"a", b"one"), told(b"400", b"a")]),
        (KEPT, [*DONE, DIES, asks(b"REPLY", b"a"), told(b"200", b"a")]),
        (FINISHED, [*FETCHED_ONCE, DIES, Ready("w2"), given("w2")]),
    ],
)
def test_what_it_may_not(rule, history):
    broken = promises.kept(history)
    assert broken is not None
    assert broken.rule == rule
    assert broken.hint
    assert ("killed" in broken.evidence) == (DIES in history)


@pytest.mark.parametrize(
    ("owed", "history"),
    [
        (0, [*REQUEST]),
        (1, [asks(b"REQUEST", b"a", b"one")]),
        (1, [*REQUEST, Ready("w1")]),
        (0, AT_WORK),
        (0, DONE),
        (1, [*AT_WORK, DIES, Ready("w2")]),
        (0, [*AT_WORK, DIES]),
        (0, [*DONE, DIES, Ready("w2")]),  # its reply may be there, or not
        (1, [*REQUEST, Ready("w1"), asks(b"CLOSE", b"a")]),
        (0, [*REQUEST, asks(b"CLOSE", b"a"), DIES, Ready("w1")]),
    ],
)
def test_what_has_to_happen(owed, history):
    assert len(Promises(history).owed()) == owed


# ------------------------------------------------------------------ how safe a file is

FRONTEND = "tcp://127.0.0.1:1"
ASKED = Step("receive", (b"c", b"", b"REQUEST"), FRONTEND)


def answered(*stores):
    return Step("send", (b"c", b"", b"200"), FRONTEND, stores)


@pytest.mark.parametrize(
    ("store", "safe"),
    [
        ((2, "wal"), True),
        ((3, "wal"), True),
        ((1, "wal"), False),
        ((0, "wal"), False),
        ((0, "delete"), False),
        ((1, "delete"), True),
        ((1, "truncate"), True),
        ((2, "memory"), False),
        ((2, "off"), False),
    ],
)
def test_which_settings_are_safe(store, safe):
    finding = lab_13.on_disk([ASKED, answered((2, "wal"), store)], FRONTEND)
    assert (finding is None) == safe


@pytest.mark.parametrize(
    ("steps", "safe"),
    [
        ([ASKED, Step("fsync"), answered()], True),
        ([ASKED, answered(), Step("fsync")], False),
        ([Step("fsync"), ASKED, answered()], False),
        ([ASKED, Step("fsync"), answered(), ASKED, answered()], False),
        ([ASKED, Step("fsync"), answered()] * 2 + [ASKED, answered()], True),  # of a REPLY
        ([ASKED, Step("send", (b"x",), "inproc://a"), Step("fsync"), answered()], True),
    ],
)
def test_without_sqlite_a_sync_comes_before_the_answer(steps, safe):
    assert (lab_13.on_disk(steps, FRONTEND) is None) == safe


# ------------------------------------------------------------------ deaths


def dying(monkeypatch, outcome):
    """The check of deaths with another outcome for each step: (findings, whether it died)."""
    tried = []

    def dies_before(number, lives, deadline):
        tried.append(number)
        return outcome(number)

    monkeypatch.setattr(lab_13, "dies_before", dies_before)
    monkeypatch.setattr(lab_13, "AT_A_TIME", 1)
    return lab_13.killed(0.0, lambda ctx: None), tried


def test_out_of_time_says_which_steps_were_tried(monkeypatch):
    def outcome(number):
        found = passed("x", "y") if number < 5 else undecided(IN_TIME, "over")
        return [found], True

    (finding,), tried = dying(monkeypatch, outcome)
    assert tried == [1, 2, 3, 4, 5]
    assert finding.verdict == "undecided"
    assert "first 4 steps" in finding.evidence


def test_it_is_killed_until_there_is_no_such_step(monkeypatch):
    found, tried = dying(monkeypatch, lambda number: ([passed("x", "y")], number < 7))
    assert tried == list(range(1, 8))
    assert {finding.rule for finding in found} == {KEPT, FINISHED}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "verdicts"),
    [("answers_before_the_commit", {"failed"}), ("append_only_log", {"passed"})],
)
def test_where_nothing_forks_it_is_killed_next_to_its_promises(monkeypatch, name, verdicts):
    monkeypatch.setattr(lab_13, "Lives", lambda server: Lives(server, forks=False))
    found = lab_13.killed(float("inf"), *functions("13", name))
    assert {finding.verdict for finding in found} == verdicts


def test_what_is_next_to_a_promise():
    steps = [
        Step("SQL", "PRAGMA x"),
        Step("receive"),
        Step("SQL", "SELECT x"),
        Step("SQL", " insert into"),
        Step("send"),
        Step("receive"),
        Step("receive"),
        Step("fsync"),
    ]
    assert list(lab_13.next_to(steps)) == [4, 5, 6, 8, 9]


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes():
    for _ in range(3):
        report = lab13(in_notebook("13", "solution", "packed", "server")[-1])
        if report.verdict != "undecided":
            break
    assert report, str(report)


def test_the_lab_as_it_ships_is_not_done():
    assert "not done" in first_failure(lab13(*in_notebook("13", "lab", "server"))).evidence
