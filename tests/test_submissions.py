"""Submissions of every lab: right ones pass, wrong ones are refused for the rule they break."""

from pathlib import Path

import pytest
import sweep

import labs
from labs import LABS

RIGHT = [(lab, name) for lab in LABS for name in labs.right(lab)]
WRONG = [(lab, name) for lab in LABS for name in labs.wrong(lab)]
TRIES = 3

# A thread that will not end is stopped wherever it is: in a callback of the interpreter's (a weak
# reference's, the collector's) that is told, and the next stop ends it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def decided(lab, name):
    """What the check says; on a busy machine it may say so, and is asked again then."""
    for _ in range(TRIES):
        report = labs.judge(lab, name, whole=False)
        if report.verdict != "undecided":
            break
    return report


@pytest.mark.slow
@pytest.mark.parametrize(("lab", "name"), RIGHT)
def test_what_is_right_passes(lab, name):
    report = decided(lab, name)
    assert report.verdict == "passed", str(report)


@pytest.mark.slow
@pytest.mark.parametrize(("lab", "name"), WRONG)
def test_what_is_wrong_is_refused_for_the_rule_that_it_breaks(lab, name):
    report = decided(lab, name)
    assert labs.wrong(lab)[name].faults(report) == [], str(report)
    assert "zmqlab" not in str(report)  # no line of the check's own
    assert "Traceback" not in str(report)


@pytest.mark.parametrize("lab", LABS)
def test_there_are_enough_of_both(lab):
    assert len(labs.right(lab)) >= 2
    assert len(labs.wrong(lab)) >= 5


@pytest.mark.parametrize("lab", LABS)
def test_every_file_is_a_right_program_or_has_a_row(lab):
    rows = labs.wrong(lab).values()
    files = {f"wrong_{row.name}" for row in rows if row.base is None} | {"wrong", *labs.right(lab)}
    assert {path.stem for path in (labs.FOLDER / f"lab_{lab}").glob("*.py")} == files
    assert {row.base for row in rows} - {None} <= set(labs.right(lab))


@pytest.mark.parametrize("lab", LABS)
def test_every_wrong_program_is_a_program_of_its_own(lab):
    seen = {}
    for name in [*labs.right(lab), *labs.wrong(lab)]:
        text, path = labs.program(lab, name)
        compile(text, path, "exec")
        assert seen.setdefault(text, name) == name


def test_a_program_is_judged_again_while_it_is_undecided(monkeypatch):
    verdicts = ["undecided", "undecided", "passed", "failed"]
    monkeypatch.setattr(labs, "judge", lambda *_, **__: report("r", verdict=verdicts.pop(0)))
    assert decided("99", "good").verdict == "passed"
    assert verdicts == ["failed"]


# How wrong programs are made of right ones.

TEXT = """\
def feed(ctx):
    while True:
        task = ctx.recv()
        work(task)
        work(task)
"""


def test_lines_that_are_put_in_get_the_indentation_of_their_place():
    assert labs.changed("a\n    b\nc\n", [("b", "if b:\n    d")]) == "a\n    if b:\n        d\nc\n"


def test_lines_are_found_at_any_indentation():
    block = """
        while True:
            task = ctx.recv()
    """
    assert labs.changed(TEXT, [(block, "if True:\n    task = 1")]) == TEXT.replace(
        "while True", "if True"
    ).replace("ctx.recv()", "1")


def test_several_places_are_changed_as_they_stand_in_the_base():
    assert labs.changed("a b", [("a", "b"), ("b", "a")]) == "b a"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([("work(task)", "")], "stands 2 times in it"),
        ([("works(task)", "")], "stands 0 times in it"),
        ([("ctx.recv()", ""), ("= ctx", "")], "meet at 'ctx'"),
    ],
)
def test_a_place_is_one_place(changes, says):
    with pytest.raises(ValueError, match=says):
        labs.changed(TEXT, changes)


@pytest.fixture
def a_lab(tmp_path, monkeypatch):
    """A lab of two programs; call it with the rows of wrong.py."""
    monkeypatch.setattr(labs, "FOLDER", tmp_path)
    folder = tmp_path / "lab_99"
    folder.mkdir()
    (folder / "good.py").write_text(TEXT)

    def with_rows(*rows: str) -> Path:
        table = "from labs import Wrong\nWRONG = [" + ", ".join(rows) + "]\n"
        (folder / "wrong.py").write_text(table)
        return folder

    labs.wrong.cache_clear()
    yield with_rows
    labs.wrong.cache_clear()


def test_a_row_that_does_not_fit_is_named(a_lab):
    a_lab("Wrong('works_twice', 'good', 'rule', ('work(task)', ''))")
    with pytest.raises(ValueError, match=r"lab_99/wrong.py, works_twice, made of good: 'work"):
        labs.program("99", "works_twice")


def test_two_programs_of_one_name_are_named(a_lab):
    a_lab("Wrong('good', 'good', 'rule', ('ctx.recv()', '1'))")
    with pytest.raises(ValueError, match="lab_99: two programs are called good"):
        labs.wrong("99")


# What is looked for in a report.


def report(*failed: str, verdict: str = "failed") -> labs.Report:
    findings = (
        labs.Finding("kept", "passed", "all"),
        *(labs.Finding(f, verdict, "x") for f in failed),
    )
    return labs.Report("lab99", findings)


@pytest.mark.parametrize(
    ("row", "failed", "says"),
    [
        ({"rule": "one"}, ["one (crowd)", "two"], ""),
        ({"rule": "two"}, ["one", "two"], "the rule that failed first is 'one', not 'two'"),
        ({"rule": ("two", "one")}, ["one"], ""),
        ({"rule": "one", "also": ("two",)}, ["one", "three", "two (crowd)"], ""),
        ({"rule": "one", "also": ("two",)}, ["one", "three"], "no failed rule begins 'two'"),
        ({"rule": "one", "only": True}, ["one", "three"], "'three' failed, too"),
        ({"rule": "one", "says": ("x",)}, ["one"], ""),
        ({"rule": "one", "says": ("y",)}, ["one"], "the report does not say 'y'"),
        ({"rule": "one"}, [], "it passed"),
    ],
)
def test_a_report_is_held_against_the_row(row, failed, says):
    found = labs.Wrong("name", "good", **row).faults(report(*failed))
    assert found == ([says] if says else [])


def test_undecided_is_no_refusal():
    assert labs.Wrong("name", "good", "one").faults(report("one", verdict="undecided")) == [
        "it is undecided"
    ]


@pytest.mark.parametrize(
    ("name", "failed", "said", "why"),
    [
        ("good", [], "passed", ""),
        ("good", ["one"], "refused", "one"),
        ("bad", ["one"], "refused", ""),
        ("bad", ["two"], "other rule", "the rule that failed first is 'two', not 'one'"),
        ("bad", [], "passed", "it passed"),
    ],
)
def test_a_sweep_names_each_wrong_verdict(a_lab, monkeypatch, name, failed, said, why):
    a_lab("Wrong('bad', 'good', 'one', ('ctx.recv()', '1'))")
    monkeypatch.setattr(labs, "judge", lambda lab, name: report(*failed))
    run = sweep.judge("99", name)
    assert (run.name, run.said, run.why) == (name, said, why)


@pytest.mark.parametrize("name", ["good", "bad"])
def test_a_sweep_takes_undecided_for_what_it_is(a_lab, monkeypatch, name):
    a_lab("Wrong('bad', 'good', 'one', ('ctx.recv()', '1'))")
    monkeypatch.setattr(labs, "judge", lambda lab, name: report("one", verdict="undecided"))
    run = sweep.judge("99", name)
    assert (run.said, run.why) == ("undecided", "")
