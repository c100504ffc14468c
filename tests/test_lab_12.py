"""Lab 12: what its check makes of the suite, what it adds, and its notebooks."""

import threading

import pytest

import labs
from labs import first_failure, functions, in_notebook
from zmqlab.check import lab12, lab_12, majordomo
from zmqlab.check.conformance import Asking, Serving, findings, seen
from zmqlab.check.conformance import story as story_of
from zmqlab.check.report import failed
from zmqlab.mdp import RULES, Outcome, Result
from zmqlab.mdp.outcome import Line
from zmqlab.record.arrows import messages

HOLES = ("broker", "worker", "client")
LINES = [
    Line(1.0, "w1", "→", (b"", b"MDPW01", b"\x01", b"echo")),
    Line(1.1, "w1", "←", (b"", b"MDPW01", b"\x05")),
]


def outcome(*results):
    """What a run of the suite has found, with these (rule, verdict, evidence)."""
    found = [Result(RULES[n], verdict, seen, LINES, "a scene") for n, verdict, seen in results]
    return Outcome("broker", {result.rule.id: result for result in found}, strict=True)


def judged(*results, wrong=(), decided=None):
    """The findings of that."""
    subject = Serving("broker", print)
    subject.wrong += wrong
    hints = {"7.B12": "what of 7.B12?", "7.B": "what?"}
    found = findings(outcome(*results), subject, hints, decided or {})
    return [(finding.rule.partition(":")[0], finding.verdict, finding.hint) for finding in found]


# ------------------------------------------------------------------ an outcome in words


def test_broken_rules_come_first_and_have_the_hint_that_is_nearest():
    late = failed("broker ends with the context", "late")
    found = judged(
        ("7.B01", "passed", ""),
        ("7.B12", "failed", "no DISCONNECT"),
        ("7.B20", "failed", "answered"),  # a should
        ("7.B26", "undecided", "late"),
        wrong=[late],
    )
    assert found == [("7.B12", "failed", "what of 7.B12?"), ("7.B20", "failed", "what?")]


def test_how_it_ended_counts_where_no_rule_is_broken():
    assert judged(("7.B12", "passed", ""), wrong=[failed("r", "e", "h")]) == [("r", "failed", "h")]


@pytest.mark.parametrize(
    ("verdict", "evidence", "found"),
    [
        ("passed", "yes", []),
        ("passed", "no", ["failed"]),
        ("undecided", "no request got through", ["undecided"]),
    ],
)
def test_what_the_suite_leaves_open_is_decided_by_what_it_saw(verdict, evidence, found):
    decided = {"7.B31": ("given to another", seen("yes"))}
    result = ("7.B31", verdict, evidence)
    assert [verdict for _, verdict, _ in judged(result, decided=decided)] == found
    assert judged(result) == []  # nobody asked


def test_the_last_messages_are_a_story_that_can_be_drawn():
    (result,) = outcome(("7.B12", "failed", "x")).results.values()
    pairs = [(sent.who, got.who) for sent, got in messages(story_of(result))]
    assert pairs == [("w1", "broker"), ("broker", "w1")]


# ------------------------------------------------------------------ works


def test_a_work_answers_what_it_got_and_says_what_it_was_called_with():
    work = majordomo.Work()
    assert work([b"x", b""], print) == [b"re: x", b""]
    assert work(b"joined", print) == [b"?"]
    assert work.bodies == [(b"x", b""), (b"no list of frames",)]


def test_of_two_works_the_first_hangs_and_the_second_does_it():
    hung = threading.Event()
    first, second = majordomo.Work(hung), majordomo.Work(hung)
    thread = threading.Thread(target=first, args=([majordomo.HANG], print))
    thread.start()
    assert hung.wait(5)
    assert second([majordomo.HANG], print) == [b"re: hang"]
    first.release.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_client_that_asks_is_told_as_a_command_would_be():
    asking = Asking(lambda ctx, at, service, body, patience, tries: [b"re", *body], 1.0, 1)
    asking.start(endpoint="inproc://nowhere", service="echo", requests="2")
    assert asking.call.wait(5)
    assert (asking.status, asking.said()) == (0, ["re", "re"])
    asking.stop()
    assert asking.wrong == []


# ------------------------------------------------------------------ hole by hole

WORSE = {
    "broker": "asserts_on_frames",
    "worker": "w_fifth_frame",
    "client": "c_tries_once",
}


@pytest.mark.slow
def test_a_rule_that_is_broken_ends_the_check():
    right, wrong = functions("12", "plain"), functions("12", WORSE["broker"])
    report = lab12(wrong[0], *right[1:])
    assert first_failure(report).rule.startswith("7.B19")
    left = report.findings[-1]
    assert (left.rule, left.evidence.splitlines()) == (
        "not tried yet",
        [scenario.title for scenario in lab_12.SCENARIOS[1:]],
    )
    assert "line" in first_failure(report).evidence  # the learner's
    assert "<img" in report._repr_html_()


@pytest.mark.slow
@pytest.mark.parametrize("hole", HOLES)
def test_each_hole_is_judged_by_itself(hole):
    """A wrong function is refused in its own hole, whatever the others are."""
    place = HOLES.index(hole)
    mixed = functions("12", "not_written")  # of all the others nothing is seen
    mixed[place] = functions("12", WORSE[hole])[place]
    row = labs.wrong("12")[WORSE[hole]]
    assert row.faults(lab_12.alone(row.play)(*mixed)) == []


BYE = """
case [b"", MDP.WORKER, MDP.DISCONNECT]:
    leave(peer)
"""
LENIENT = """
case [b"", MDP.WORKER, MDP.REQUEST, *_] | [b"", MDP.WORKER]:
    pass
case [b"", MDP.WORKER, MDP.DISCONNECT, *_]:
    leave(peer)
"""
OPEN = [  # READY with more frames is taken, one without a name is not, a worker's REQUEST dropped
    ("MDP.READY, service] if (", "MDP.READY, service, *_] if ("),
    ("peer not in workers and not service", "service and peer not in workers and not service"),
    (BYE, LENIENT.strip()),
]


@pytest.mark.slow
def test_what_the_rules_leave_open_is_refused_nobody():
    text, path = labs.program("12", "plain")
    defined = {"__name__": "lenient"}
    exec(compile(labs.changed(text, OPEN), path, "exec"), defined)
    report = lab_12.alone(lab_12.SCENARIOS[0].title)(*(defined[hole] for hole in HOLES))
    assert report.verdict == "passed", str(report)


# ------------------------------------------------------------------ the notebooks


@pytest.mark.slow
def test_the_solution_passes():
    report = lab12(*in_notebook("12", "solution", *HOLES))
    assert report.verdict == "passed", str(report)


@pytest.mark.slow
def test_the_lab_as_it_ships_is_not_done():
    report = lab12(*in_notebook("12", "lab", *HOLES))
    assert [finding.evidence for finding in report.findings] == [
        f"{hole} is not done yet." for hole in HOLES
    ]
