"""The checker of lab 04: its rules on hand-written outcomes, and whole programs."""

import ast
import contextlib
import re
import threading
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import pytest

from labs import functions, in_notebook
from zmqlab.check.ask import (
    Ask,
    Wrong,
    answers_are,
    answers_stay,
    leaves_alone,
    plain_frames,
    plain_pair,
    write_into,
)
from zmqlab.check.envelopes import is_shown, parts_are_right, refuses, shows, wrapped_right
from zmqlab.check.lab_04 import (
    AUTOMATIC,
    TIMES,
    Client,
    clients,
    everyone_got_its_answer,
    lab04,
    stacks,
)
from zmqlab.envelope import Envelope, MalformedEnvelope, show
from zmqlab.record.journal import Journal


def right():
    """The functions of a right solution."""
    return functions("04", "tuples")


# -- whole programs --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_solution_passes():
    report = lab04(*in_notebook("04", "solution", "unwrap", "wrap"))
    assert report, str(report)


def test_both_holes_as_shipped_are_named_and_nothing_else():
    report = lab04(*in_notebook("04", "lab", "unwrap", "wrap"))
    broken = [f.evidence for f in report.findings if f.verdict == "failed"]
    assert broken == ["unwrap is not done yet.", "wrap is not done yet."]


def test_unwrap_alone_is_judged_before_wrap_is_written():
    unwrap, _ = right()

    def wrap(route, body):
        raise NotImplementedError

    report = lab04(unwrap, wrap)
    verdicts = {finding.rule: finding.verdict for finding in report.findings}
    assert [rule for rule, verdict in verdicts.items() if verdict == "failed"] == [
        "wrap is written"
    ]
    assert list(verdicts.values()).count("passed") == 6


@pytest.mark.parametrize("handed_in", [..., None, 3, "unwrap", lambda: 0])
def test_what_is_no_such_function_is_named(handed_in):
    _, wrap = right()
    report = lab04(handed_in, wrap)
    assert report.verdict == "failed"
    assert report.findings[0].rule.startswith("unwrap")


@pytest.mark.parametrize("folder", ["lessons", "labs"])
def test_what_takes_an_envelope_apart_is_not_handed_out(folder):
    """`Envelope` has both of the lab's functions as methods, and `parts` the roles."""
    source = Path(__file__).parent.parent / "authoring" / folder / "04_envelope.py"
    nodes = list(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))
    given = {alias.name for n in nodes if isinstance(n, ast.ImportFrom) for alias in n.names}
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    assert not (given | used) & {"Envelope", "MalformedEnvelope", "parts"}


@pytest.mark.slow
def test_the_same_functions_get_the_same_report():
    unwrap, wrap = right()
    assert str(lab04(unwrap, wrap)) == str(lab04(unwrap, wrap))


@pytest.mark.slow
def test_it_returns_within_its_limit_whatever_it_is_handed(monkeypatch):
    monkeypatch.setattr("zmqlab.check.lab_04.LIMIT", 1)
    over = threading.Event()

    def unwrap(frames):
        while not over.is_set():
            with contextlib.suppress(BaseException):
                while not over.is_set():
                    pass

    def wrap(route, body):
        unwrap(route)

    begin = time.monotonic()
    report = lab04(unwrap, wrap)
    assert time.monotonic() - begin < 20
    over.set()
    assert report.verdict == "failed"


@pytest.mark.slow
def test_one_that_goes_wrong_only_among_live_peers_is_told_where():
    unwrap, wrap = right()

    def only_by_hand(route, body):
        if body[:1] == [b"answer"]:
            raise KeyError("live")
        return wrap(route, body)

    report = lab04(unwrap, only_by_hand)
    assert report.verdict == "failed"
    assert "your code raised KeyError: 'live'" in str(report)
    assert re.search(r"at line \d+ of only_by_hand", str(report))


@pytest.mark.slow
def test_answers_that_go_astray_live_are_undecided(monkeypatch):
    monkeypatch.setattr("zmqlab.check.lab_04.LIVE", 0.5)
    unwrap, wrap = right()

    def astray(route, body):
        return wrap([b"nobody", *route] if body[:1] == [b"answer"] else route, body)

    report = lab04(unwrap, astray)
    assert report.verdict == "undecided"
    assert "client 0" in str(report)


# -- questions ------------------------------------------------------------------------------------


def test_the_questions_have_what_has_been_got_wrong_before():
    asked = stacks()
    assert asked == stacks()
    routes, bodies = zip(*asked, strict=True)
    assert {len(route) for route in routes} >= {0, 1, 2, 3, 4, 5, 6}
    assert [] in bodies
    assert [b""] in bodies
    assert any(body.count(b"") >= 2 for body in bodies)
    assert any(AUTOMATIC in route for route in routes)
    assert not any(b"" in route for route in routes)
    assert any(len(set(route)) < len(route) for route in routes)


def test_the_live_clients_are_of_all_kinds():
    assert {client.brokers for client in clients()} == {0, 1, 2, 3}
    assert any(client.correlate for client in clients())
    assert any(b"\0" in client.routing_id for client in clients())


# -- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [[b"a", b""], (b"a", b""), deque([b"a", b""])],
)
def test_lists_of_many_kinds_are_taken(value):
    assert plain_frames(value) == (b"a", b"")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"a", "is one bytes"),
        ("a", "is one str"),
        (None, "is a NoneType"),
        ({b"a"}, "is a set"),
        ({b"a": 1}, "is a dict"),
        (iter([b"a"]), "is a list_iterator"),
        ([b"a", "b"], "'b' in it is a str"),
        ([b"a", 7], "7 in it is a int"),
        ([bytearray(b"a")], "in it is a bytearray"),
        ([memoryview(b"a")], "in it is a memoryview"),
        ([[b"a"]], r"\[b'a'\] in it is a list"),
    ],
)
def test_what_is_no_list_of_frames_says_why(value, why):
    found = plain_frames(value)
    assert isinstance(found, Wrong)
    assert re.search(why, found.why)


class Parts(NamedTuple):
    route: list[bytes]
    body: list[bytes]


def test_a_pair_may_be_an_object_that_can_be_unpacked():
    expected = ((b"a",), (b"x",))
    assert plain_pair(Parts([b"a"], [b"x"])) == expected
    assert plain_pair(([b"a"], [b"x"])) == expected
    assert plain_pair([(b"a",), [b"x"]]) == expected


@pytest.mark.parametrize(
    "value",
    [None, ([b"a"],), ([b"a"], b"", [b"x"]), {"route": [], "body": []}, Envelope([b"a"], [b"x"])],
)
def test_what_is_no_pair(value):
    assert isinstance(plain_pair(value), Wrong)


# -- what an error shows --------------------------------------------------------------------------

BOTH = [AUTOMATIC, b"client-7"]


@pytest.mark.parametrize(
    "text",
    [
        f"{BOTH}",
        f"{BOTH!r:>60}",
        f"no delimiter in {[frame.hex() for frame in BOTH]}",
        " ".join(frame.hex(" ").upper() for frame in BOTH),
        ", ".join(frame.hex(":") for frame in BOTH),
        "".join(f"\\x{byte:02x}" for frame in BOTH for byte in frame),
        "|".join(" ".join(hex(byte) for byte in frame) for frame in BOTH).replace("0x0 ", "0x00 "),
        show(BOTH),
        f"{[list(frame) for frame in BOTH]}",
        f"{[frame.decode('latin-1') for frame in BOTH]}",
        ", ".join(frame.decode(errors="replace") for frame in BOTH),
        f"{[frame.decode(errors='backslashreplace') for frame in BOTH]}",
        f"{BOTH[0].hex()} then {BOTH[1].decode()}",
    ],
)
def test_frames_may_be_shown_in_any_of_the_usual_ways(text):
    assert all(is_shown(frame, text) for frame in BOTH)


@pytest.mark.parametrize(
    "text",
    ["", "b'' is not in list", "2 frames and no delimiter", "first frame has 5 bytes, last 8"],
)
def test_what_shows_no_frame(text):
    assert not any(is_shown(frame, text) for frame in BOTH)


def test_a_frame_with_a_byte_left_out_is_not_shown():
    assert not is_shown(AUTOMATIC, AUTOMATIC.decode(errors="ignore"))


# -- rules ----------------------------------------------------------------------------------------


def asked(name, *given, answer=None, error=None, left=None, later=None, text=""):
    left = given if left is None else left
    return Ask(name, given, left, answer, answer, later or answer, error, text, "line 3 of it")


def unwrapped(frames, route, body, **more):
    return asked("unwrap", frames, answer=(tuple(route), tuple(body)), **more)


@pytest.mark.parametrize(
    ("frames", "route", "body", "hint"),
    [
        ([b"a", b"", b"x"], [b"x"], [b"a"], "Which of the two comes first"),
        ([b"a", b"b", b"", b"x"], [b"b", b"a"], [b"x"], "Outermost first"),
        ([b"a", b"", b"x", b"", b"y"], [b"a", b"", b"x"], [b"y"], "Which of them is the delimiter"),
        ([b"a", b"", b"x", b"", b"y"], [b"a"], [b"x", b"y"], "they belong to it"),
        ([b"a", b"", b"x"], [b"a"], [b"", b"x"], "part of neither"),
        ([b"a", b"", b"x"], [b"a", b""], [b"x"], "part of neither"),
        ([b"a", b"b", b"", b"x"], [b"a"], [b"x"], "one address more"),
        ([b"a", b"", b"x", b"y"], [b"a"], [b"x"], "any number of frames"),
        ([b"a", b" ", b"", b"x"], [b"a"], [b"", b"x"], "length 0"),
        ([b"a", b"b", b"", b"x"], [b"a"], [b"", b"x"], "in the same place"),
        ([b"a", b"", b"x"], [b"a"], [b"z"], "first frame that is empty"),
    ],
)
def test_a_wrong_split_is_shown_with_a_question(frames, route, body, hint):
    finding = parts_are_right([unwrapped(frames, route, body)])
    assert finding.verdict == "failed"
    assert f"unwrap({frames}) returned ({route}, {body})" in finding.evidence
    assert hint in finding.hint


def test_a_right_split():
    assert parts_are_right([unwrapped([b"a", b"", b"x"], [b"a"], [b"x"])]).verdict == "passed"


@pytest.mark.parametrize(
    ("got", "hint"),
    [
        ([b"a", b"b", b"x", b""], "cannot tell"),
        ([b"x", b"", b"", b"a", b"b"], "Which of the two"),
        ([b"b", b"a", b"", b"x", b""], "Outermost first"),
        ([b"a", b"b", b"", b"x"], "belongs to it"),
        ([b"a", b"b", b"x"], "whatever is in them"),
    ],
)
def test_wrong_frames_are_shown_with_a_question(got, hint):
    finding = wrapped_right([asked("wrap", [b"a", b"b"], [b"x", b""], answer=tuple(got))])
    assert finding.verdict == "failed"
    assert f"returned {got}" in finding.evidence
    assert hint in finding.hint


def test_right_frames():
    right = asked("wrap", [b"a"], [b"x"], answer=(b"a", b"", b"x"))
    assert wrapped_right([right]).verdict == "passed"


def test_a_changed_argument_is_named():
    same = asked("wrap", [b"a"], [b"x"], answer=(b"a", b"", b"x"))
    changed = asked("wrap", [b"a"], [b"x"], answer=(), left=([b"a"], []))
    assert leaves_alone([same]).verdict == "passed"
    finding = leaves_alone([same, changed])
    assert finding.verdict == "failed"
    assert "the caller's body was []" in finding.evidence


def test_an_answer_that_changes_later():
    stays = unwrapped([b"", b"x"], [], [b"x"])
    changes = unwrapped([b"", b"x"], [], [b"x"], later=((), ()))
    assert answers_stay([stays]).verdict == "passed"
    assert answers_stay([stays, changes]).verdict == "failed"


def test_an_answer_belongs_to_who_got_it():
    mine = unwrapped([b"a", b"", b"x"], [b"a"], [b"x"])
    mine.again = mine.at_once
    assert answers_stay([mine]).verdict == "passed"
    mine.again = ((b"a", b"the caller's"), (b"x",))
    assert "put a frame into the lists that it got" in answers_stay([mine]).evidence


def test_a_caller_writes_into_the_lists_of_a_pair_and_into_a_list():
    pair, frames = ([b"a"], (b"x",)), [b"a", b"", b"x"]
    for answer in (pair, frames):
        write_into(answer)
    assert pair == ([b"a", b"the caller's"], (b"x",))
    assert frames == [b"a", b"", b"x", b"the caller's"]


def test_an_answer_of_another_kind():
    finding = answers_are([asked("unwrap", [b""], answer=Wrong("it is a set"))], "the rule")
    assert (finding.rule, finding.verdict) == ("the rule", "failed")
    assert "it is a set." in finding.evidence


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ValueError("b'x'"), "passed"),
        (MalformedEnvelope("x"), "passed"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "no"), "failed"),
        (IndexError("x"), "failed"),
        (None, "failed"),
    ],
)
def test_only_a_value_error_will_do(error, verdict):
    assert refuses([asked("unwrap", [b"x"], error=error)]).verdict == verdict


def test_an_error_has_to_show_every_frame():
    given = [b"READY", b"hello"]
    assert shows([asked("unwrap", given, text="[b'READY', b'hello']")]).verdict == "passed"
    finding = shows([asked("unwrap", given, text="[b'READY', …]")])
    assert finding.verdict == "failed"
    assert "No trace in it of b'hello'" in finding.evidence


def test_an_answer_for_somebody_else_is_a_failure_and_a_missing_one_is_not():
    content = Client("a", 0, [b"x"], answers=[[b"answer", b"x"]] * TIMES)
    wrong = Client("b", 1, [b"y"], answers=[[b"answer", b"x"]])
    silent = Client("c", 2, [b"z"], answers=[[b"answer", b"z"]])
    journal = Journal.of([])
    assert everyone_got_its_answer([content], journal).verdict == "passed"
    assert everyone_got_its_answer([content, silent], journal).verdict == "undecided"
    finding = everyone_got_its_answer([content, wrong, silent], journal)
    assert finding.verdict == "failed"
    assert "b asked [b'y'], with 1 brokers between, and got [b'answer', b'x']" in finding.evidence
