"""`zmqlab grade`: other people's programs, each in a box of its own."""

import csv
import io
import json
import os
import sys
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import labs
from zmqlab.command import box, command, submissions
from zmqlab.command.box import Grade
from zmqlab.command.submissions import Submission

ROOT = Path(__file__).parent.parent
RIGHT = (labs.FOLDER / "lab_04" / "recursion.py").read_text()
HOLE = "def unwrap(frames): raise NotImplementedError\ndef wrap(route, body): pass\n"

boxed = pytest.mark.skipif(sys.platform == "win32", reason="there is no box on Windows")


def put(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f"{path.name}.py").write_text(text)


def grade(folder, *words):
    return CliRunner().invoke(command, ["grade", str(folder), *words])


# ------------------------------------------------------------------ which file is for which lab


@pytest.mark.parametrize(
    ("path", "lab"),
    [
        ("05_broker.py", "05"),
        ("alice/05_broker.ipynb", "05"),
        ("submitted/alice/05_broker/05_broker.ipynb", "05"),
        ("lab05/alice.py", "05"),
        ("Lab 5/bob.py", "05"),
        ("lab_05/group 77/x.py", "05"),
        ("alice_lab4.py", "04"),
        ("2026/alice.py", ""),
        ("alice.py", ""),
        ("lab05/solution of lab 4.py", "04"),
    ],
)
def test_the_nearest_name_says_which_lab_it_is(path, lab, tmp_path):
    own = tmp_path / path
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("{}")
    assert submissions.found(tmp_path) == [Submission(own, lab)]
    assert submissions.found(tmp_path, "09") == [Submission(own, "09")]


def test_what_nbgrader_and_jupyter_put_beside_is_no_submission(tmp_path):
    put(
        tmp_path, **{"autograded__alice__04_envelope": "", "x__.ipynb_checkpoints__04_envelope": ""}
    )
    assert submissions.found(tmp_path) == []
    assert "no program and no notebook" in grade(tmp_path).output


# ------------------------------------------------------------------ verdicts


@boxed
@pytest.mark.slow
def test_a_folder_is_graded_and_a_second_run_goes_on(tmp_path, monkeypatch):
    put(tmp_path, alice__04_envelope=RIGHT, bob__04_envelope=HOLE, carl__04_envelope="def unwrap(:")
    first = grade(tmp_path, "--csv", str(tmp_path / "grades.csv"))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "grades.csv").read_text())))
    assert [(row["submission"], row["verdict"]) for row in rows] == [
        ("alice/04_envelope.py", "passed"),
        ("bob/04_envelope.py", "failed"),
        ("carl/04_envelope.py", "unreadable"),
    ]
    assert "invalid syntax" in rows[2]["why"]
    assert first.exit_code == 2

    judged = []
    monkeypatch.setattr(
        submissions, "judge", lambda *given: judged.append(given) or Grade("failed")
    )
    put(tmp_path, carl__04_envelope=HOLE + "# mended")
    second = grade(tmp_path)
    assert [path.parent.name for _, path, _ in judged] == ["carl"]
    assert "3: 2 failed, 1 passed" in second.output
    assert second.exit_code == 0
    grade(tmp_path, "--again")
    assert len(judged) == 4


@boxed
@pytest.mark.slow
def test_notebooks_are_graded_the_solution_passes_and_the_empty_one_fails(tmp_path):
    for folder in ("labs", "solutions"):
        (tmp_path / folder / "submitted").mkdir(parents=True)
        text = (ROOT / folder / "04_envelope.ipynb").read_bytes()
        (tmp_path / folder / "submitted" / "04_envelope.ipynb").write_bytes(text)
    said = grade(tmp_path).output
    assert "2: 1 failed, 1 passed" in said


def test_one_that_is_undecided_is_judged_again(tmp_path, monkeypatch):
    put(tmp_path, a__04_envelope=HOLE)
    verdicts = ["undecided", "undecided", "passed"]
    monkeypatch.setattr(submissions, "judge", lambda *_: Grade(verdicts.pop(0)))
    assert "1 passed" in grade(tmp_path).output


def test_a_submission_without_a_lab_is_said(tmp_path):
    put(tmp_path, alice="pass")
    said = grade(tmp_path)
    assert "neither its name nor a folder's says which lab" in said.output
    assert said.exit_code == 2


def test_what_was_kept_and_is_damaged_is_judged_anew(tmp_path, monkeypatch):
    put(tmp_path, a__04_envelope=HOLE)
    (tmp_path / submissions.KEPT).write_text("[1]")
    monkeypatch.setattr(submissions, "judge", lambda *_: Grade("failed", "a rule: what was seen"))
    files = [str(tmp_path / name) for name in ("grades.json", "grades.xml")]
    grade(tmp_path, "--json", files[0], "--junit", files[1])
    assert json.loads(Path(files[0]).read_text())[0]["verdict"] == "failed"
    suite = ElementTree.parse(files[1]).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")
    assert suite.find("testcase/failure").get("message") == "failed: a rule: what was seen"


def test_names_that_a_lab_does_not_ask_for_are_listed(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("import zmq, gc\ndef f(): return eval('1').__class__, open('x')\n")
    assert box.odd(path) == ["__class__", "eval", "gc", "open"]


# ------------------------------------------------------------------ the box

ATTACKS = {
    "ends_the_process": "import os\ndef unwrap(frames): os._exit(0)",
    "loops": "def unwrap(frames):\n    while True: pass",
    "prints_a_gigabyte": "def unwrap(frames):\n    while True: print('x' * 1_000_000)",
    "writes_to_every_descriptor": """
        import os
        def unwrap(frames):
            for descriptor in range(3, 64):
                try: os.write(descriptor, b'{"verdict": "passed", "nonce": "0"}\\n')
                except OSError: pass
            os._exit(0)""",
    "reads_the_solution": f"""
        def unwrap(frames):
            text = open({str(ROOT / "solutions" / "04_envelope.ipynb")!r}).read()
            raise SystemExit("it could be read: " + text[:10])""",
    "writes_into_the_course": f"""
        def unwrap(frames):
            open({str(ROOT / "zmqlab" / "owned.py")!r}, "w").write("owned")
            raise SystemExit("it could be written")""",
    "changes_the_report": """
        from zmqlab.check.report import Report
        def unwrap(frames):
            Report.verdict = property(lambda self: "passed")""",
    "changes_the_code_of_a_rule": """
        import zmqlab.check.judge as judge
        def unwrap(frames):
            judge._findings.__code__ = (lambda scenario, functions: []).__code__
            judge._as_long_as_they_pass.__code__ = judge._findings.__code__""",
    "takes_all_memory": "def unwrap(frames): return bytearray(50 << 30)",
    "calls_the_world": """
        import socket
        def unwrap(frames):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
            raise SystemExit("it could be called")""",
    "leaves_a_process_behind": """
        import subprocess, sys
        def unwrap(frames):
            subprocess.Popen([sys.executable, "-c", "import os; os.read(0, 1)  # 987.125"],
                             stdin=subprocess.PIPE, start_new_session=True)""",
}


@boxed
@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_passes_nothing_and_leaves_nothing(name, tmp_path):
    path = tmp_path / "04_envelope.py"
    path.write_text(dedent(ATTACKS[name]).strip() + "\ndef wrap(route, body): return [*route]\n")
    found = box.judge("04", path, 60)
    assert found.verdict in ("failed", "no report", "tampered"), found
    if not (found.walls and box.namespaces()):
        pytest.skip("this system has no Landlock, or no namespaces")
    assert "it could be" not in json.dumps(found.findings)
    assert not (ROOT / "zmqlab" / "owned.py").exists()
    assert "987.125" not in running()
    assert list(tmp_path.iterdir()) == [path]


def running():
    """The command lines of all processes here."""
    if not Path("/proc/self/cmdline").exists():
        return ""
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(line for line in lines if "pytest" not in line)


@boxed
@pytest.mark.slow
def test_a_submission_is_stopped_at_the_limit(tmp_path):
    path = tmp_path / "04_envelope.py"
    path.write_text(
        "x = sum(iter(int, 1))\ndef unwrap(frames): return x\ndef wrap(route, body): pass"
    )
    found = box.judge("04", path, 3)
    assert (found.verdict, found.why) == ("no report", "stopped after 3 s")


@boxed
@pytest.mark.slow
def test_without_namespaces_it_says_so_and_judges(tmp_path, monkeypatch):
    monkeypatch.setattr(box, "UNSHARE", ("no-such-program",))
    box.namespaces.cache_clear()
    try:
        put(tmp_path, a__04_envelope=RIGHT)
        said = grade(tmp_path)
        assert "grade only what you trust" in said.output
        assert "1 passed" in said.output
    finally:
        box.namespaces.cache_clear()


def test_the_box_has_nothing_of_the_caller_s_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("A_SECRET", "s3cr3t")
    path = tmp_path / "04_envelope.py"
    path.write_text(
        "import os\ndef unwrap(frames): raise ValueError(os.environ.get('A_SECRET', 'nothing'))\n"
        "def wrap(route, body): pass"
    )
    found = box.judge("04", path, 60)
    assert "ValueError: nothing" in found.why
    assert "s3cr3t" in os.environ.values()
