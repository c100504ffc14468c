"""The command `zmqlab`, as a person at a terminal calls it."""

import inspect
import json
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
import zmq
from click.testing import CliRunner
from rich.console import Console

import labs
from zmqlab.check.report import Report, failed, passed, undecided
from zmqlab.command import LABS, command, handed_in, shown, texts
from zmqlab.learn import progress
from zmqlab.learn.progress import Map, Progress
from zmqlab.run.threads import eventually

ROOT = Path(__file__).parent.parent
RIGHT = ROOT / "tests" / "submissions" / "lab_04" / "recursion.py"


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """Calls the command in a folder of its own, with a progress of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(progress.ELSEWHERE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(progress, "at_terminal", False)

    def run(*words):
        return CliRunner().invoke(command, words)

    return run


def zmqlab(*words, **options):
    """The command in a process of its own: its exit status and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "zmqlab", *words], capture_output=True, text=True, **options
    )
    return done.returncode, done.stdout + done.stderr


# ------------------------------------------------------------------ from the hole to a pass


def test_from_the_start_to_a_pass(terminal, tmp_path):
    assert "zmqlab check 04 04_envelope.py" in terminal("start", "4").output
    path = tmp_path / "04_envelope.py"
    report = terminal("check", "04", "04_envelope.py")
    assert (report.exit_code, "is not done yet" in report.output) == (1, True)
    path.write_text(path.read_text() + "\n" + RIGHT.read_text())
    assert terminal("check", "04", str(path)).exit_code == 0
    assert "✓ passed" in terminal("progress").output
    assert "04" in json.loads((tmp_path / "progress.json").read_text())["labs"]


def test_a_file_that_is_there_is_not_written_over(terminal, tmp_path):
    (tmp_path / "04_envelope.py").write_text("mine")
    refused = terminal("start", "04")
    assert refused.exit_code != 0
    assert "left as it is" in refused.output
    assert "yours is 04_envelope.old.py" in terminal("reset", "04").output
    assert "raise NotImplementedError" in (tmp_path / "04_envelope.py").read_text()
    assert (tmp_path / "04_envelope.old.py").read_text() == "mine"


def test_hints_come_one_by_one_and_the_last_one_stays(terminal):
    ladder = texts.hints(LABS["05"])
    given = [terminal("hint", "05").output for _ in range(len(ladder) + 1)]
    assert [text.splitlines()[0] for text in given[:2]] == [
        f"Hint 1 of {len(ladder)}",
        f"Hint 2 of {len(ladder)}",
    ]
    assert ladder[0] in given[0]
    assert given[-1] == given[-2]
    assert ladder[0] in terminal("hint", "05", "--number", "1").output


@pytest.mark.parametrize("number", LABS)
def test_each_lab_can_be_given_out_as_a_program(number):
    lab = LABS[number]
    text = texts.program(lab, "mine.py")
    compile(text, "mine.py", "exec")
    assert text.count("raise NotImplementedError") == len(lab.functions)
    assert texts.hints(lab)
    assert "check.lab" not in text
    assert "details" not in text


@pytest.mark.parametrize("number", LABS)
def test_the_holes_of_a_notebook_are_found(number):
    lab = LABS[number]
    path = ROOT / "labs" / f"{lab.name}.ipynb"
    assert [f.__name__ for f in handed_in.functions(path, lab.functions)] == list(lab.functions)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["01", "04", "09"])
def test_a_solution_passes_as_a_notebook(number, terminal, tmp_path):
    path = ROOT / "solutions" / f"{LABS[number].name}.ipynb"
    assert terminal("check", number, str(path)).exit_code == 0
    assert not (tmp_path / "progress.json").exists()  # it is nobody's lab


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [((passed,), 0), ((passed, failed), 1), ((passed, undecided), 2)],
)
def test_the_exit_status_is_the_verdict(verdicts, status, terminal, monkeypatch):
    found = tuple(verdict("a rule", "was seen") for verdict in verdicts)
    monkeypatch.setattr("zmqlab.check.lab_04.lab04", lambda *_: Report("lab04", found))
    assert terminal("check", "04", str(RIGHT)).exit_code == status


# ------------------------------------------------------------------ what is taken from a file


def taken(tmp_path, text, *names, ending=".py"):
    path = tmp_path / f"mine{ending}"
    path.write_text(text)
    return handed_in.functions(path, names)


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]})


def test_a_function_comes_with_what_it_needs_and_nothing_else(tmp_path):
    text = """
from __future__ import annotations
import math, no_such_module_that_nobody_needs
from dataclasses import dataclass
TWICE = 2
half = TWICE / 4
raise SystemExit("an experiment")
@dataclass
class Pair:
    one: float
    two: NotDefinedAnywhere = None
TWICE += 1
report = 1 / 0
def other(): return report
def wanted(x):
    report = Pair(math.floor(x))
    return report.one * TWICE * half
table = {}
table["x"] = wanted
def by_table(): return table["x"](1)
""".replace("import math, no_such", "import math\nimport no_such")
    wanted, by_table = taken(tmp_path, text, "wanted", "by_table")
    assert wanted(2.5) == 3
    assert by_table() == 1.5


def test_the_last_of_two_definitions_counts_as_in_python(tmp_path):
    (f,) = taken(tmp_path, "def f(): return 1\ndef f(): return 2\n", "f")
    assert f() == 2


def test_a_notebook_is_read_without_its_experiments(tmp_path):
    text = notebook(
        "%matplotlib inline\nimport math\n!ls\nmath?\n",
        "%%bash\nrm -rf everything",
        "with open('/no/such/file') as file:\n    journal = file.read()\n",
        "def f(x):\n    return math.sqrt(x)\n",
        "f(4) / 0",
    )
    (f,) = taken(tmp_path, text, "f", ending=".ipynb")
    assert f(4) == 2
    assert f.__code__.co_filename.endswith("code cell 4")


def test_a_line_of_a_notebook_is_named_in_a_finding(tmp_path, terminal):
    text = notebook("def unwrap(frames):\n    return 1 / 0\ndef wrap(route, body):\n    return 1")
    (tmp_path / "mine.ipynb").write_text(text)
    assert "line 2 of unwrap: return 1 / 0" in terminal("check", "04", "mine.ipynb").output


@pytest.mark.parametrize(
    ("text", "ending", "said"),
    [
        ("def feed(): pass", ".py", "has no broker; its functions are feed"),
        ("", ".py", "its functions are none"),
        ("def broker(:", ".py", "line 1: invalid syntax"),
        ("x = 1 / 0\ndef broker(): return x", ".py", "line 1, raises ZeroDivisionError"),
        ("no json", ".ipynb", "is no notebook"),
        ("{}", ".ipynb", "is no notebook"),
        (notebook("a = 1", "def broker(:"), ".ipynb", "code cell 2, line 1: invalid syntax"),
    ],
)
def test_why_nothing_can_be_taken(tmp_path, text, ending, said):
    with pytest.raises(handed_in.Unreadable) as refused:
        taken(tmp_path, text, "broker", ending=ending)
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_said_and_is_no_verdict(terminal):
    found = terminal("check", "05", "nowhere.py")
    assert (found.exit_code, "cannot be read: No such file" in found.output) == (64, True)


@pytest.mark.parametrize("number", labs.LABS)
def test_what_a_right_program_defines_is_taken_whole(number):
    for name in labs.right(number):
        path = labs.FOLDER / f"lab_{number}" / f"{name}.py"
        whole = runpy.run_path(str(path))
        for function in handed_in.functions(path, LABS[number].functions):
            if not inspect.isfunction(function):
                continue  # an object with what it needs in it
            taken = function.__globals__
            used = {name for name in function.__code__.co_names if name in whole}
            assert used <= taken.keys(), path


# ------------------------------------------------------------------ the rest


def test_an_unknown_lab_is_a_wrong_call_not_a_verdict():
    status, said = zmqlab("check", "99", "mine.py")
    assert (status, "there is no lab 99; there are 01, 02" in said) == (64, True)
    assert zmqlab("no-such-command")[0] == 64


def test_alone_it_shows_the_map_and_what_to_do_next(terminal):
    said = terminal().output
    assert "05  Build the broker" in said
    assert "Next: lesson 01" in said


def test_its_help_has_examples_and_its_version_is_the_package_s(terminal):
    assert "zmqlab check 05 05_broker.py --watch" in terminal("--help").output
    assert terminal("--version").output.startswith("zmqlab, version ")


def test_what_the_machine_has(terminal):
    found = terminal("doctor")
    assert "✓ loopback          a message came over tcp://127.0.0.1:" in found.output
    assert found.exit_code == 0


def test_the_conformance_suite_is_at_hand():
    status, said = zmqlab("mdp", "rules", "7.B12")
    assert (status, "DISCONNECT" in said) == (0, True)
    assert zmqlab("mdp", "check-broker")[0] == 64


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_it(shell, terminal):
    assert "_ZMQLAB_COMPLETE" in terminal("completion", shell).output
    env = os.environ | {
        "_ZMQLAB_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "zmqlab check 0",
        "COMP_CWORD": "0" if shell == "fish" else "2",
    }
    if shell == "bash":
        assert "05" in zmqlab(env=env)[1]


def test_a_terminal_is_shown_tables_and_anything_else_plain_text():
    report = Report("lab05", (passed("one", "[bold]seen[/bold]"), failed("two", "x", "look")))
    on_terminal = Console(force_terminal=True, width=80, color_system=None)
    elsewhere = Console(width=20)
    for console in (on_terminal, elsewhere):
        with console.capture() as said:
            shown.report(report, console)
        assert "[bold]seen[/bold]" in said.get()
        assert ("┃" in said.get()) == (console is on_terminal)
    assert said.get().rstrip() == str(report)
    with on_terminal.capture() as said:
        shown.course(Map(tuple(LABS.values()), Progress()), on_terminal)
    assert "Next: zmqlab start 01" in said.get()


@pytest.mark.slow
def test_a_file_is_checked_again_when_it_is_saved(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def unwrap(frames): pass\ndef wrap(route, body): pass\n")
    said = tmp_path / "said"
    env = os.environ | {progress.ELSEWHERE: ""}
    with said.open("w") as output:
        watching = subprocess.Popen(
            [sys.executable, "-m", "zmqlab", "check", "04", str(path), "--watch"],
            stdout=output,
            env=env,
        )
        try:
            eventually(lambda: "lab04: failed" in said.read_text(), 60, "a first check")
            path.write_text(RIGHT.read_text())
            eventually(lambda: "lab04: passed" in said.read_text(), 60, "a second check")
        finally:
            watching.terminate()
            watching.wait()


def test_numbers_of_labs_are_offered():
    lab = click.Context(command.commands["check"]).command.params[0].type
    assert [item.value for item in lab.shell_complete(None, None, "0")][:2] == ["01", "02"]


# ------------------------------------------------------------------ the tap


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there no signal ends it in peace")
@pytest.mark.parametrize("as_json", [False, True])
def test_what_travels_is_printed_as_it_comes(as_json, context):
    with context.socket(zmq.REP) as answers, context.socket(zmq.REQ) as asks:
        answers.linger = asks.linger = 0
        port = answers.bind_to_random_port("tcp://127.0.0.1")
        listen = f"tcp://127.0.0.1:{free_port()}"
        words = ["tap", "--listen", listen, "--to", f"tcp://127.0.0.1:{port}"]
        tapping = subprocess.Popen(
            [sys.executable, "-u", "-m", "zmqlab", *words, *(["--json"] if as_json else [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert f"listening at {listen}" in tapping.stderr.readline()
            asks.connect(listen)
            asks.send(b"who?")
            assert answers.poll(60_000)
            answers.send(answers.recv() + b" me")
            assert asks.poll(60_000)
            lines = []
            while not lines or "who? me" not in lines[-1]:
                lines.append(tapping.stdout.readline())
        finally:
            tapping.terminate()
            _, said = tapping.communicate(timeout=60)
    assert tapping.returncode == 0
    assert "1 connections, 0 refused" in said
    if as_json:
        told = [json.loads(line) for line in lines]
        assert {"greeting", "READY", "message"} <= {one["what"] for one in told}
        (question,) = [one for one in told if one["body"] == b"who?".hex()]
        assert (question["way"], question["bytes"], question["flags"]) == ("to", 4, [])
    else:
        assert any("→ READY" in line and "Socket-Type = " in line for line in lines)
        assert any("→ message" in line and "MORE" in line for line in lines)
        assert any("ZMTP 3.1, mechanism NULL" in line for line in lines)


def free_port():
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return there.getsockname()[1]


@pytest.mark.parametrize(
    ("listen", "to", "said"),
    [
        ("tcp://0.0.0.0:1", "tcp://127.0.0.1:2", "not on loopback"),
        ("tcp://127.0.0.1:1", "tcp://192.0.2.1:2", "With --anywhere it may"),
        ("inproc://x", "tcp://127.0.0.1:2", "only tcp can be tapped"),
        ("tcp://127.0.0.1", "tcp://127.0.0.1:2", "no port"),
    ],
)
def test_what_cannot_be_tapped_is_said(listen, to, said, terminal):
    found = terminal("tap", "--listen", listen, "--to", to)
    assert found.exit_code != 0
    assert said in found.output


def test_a_port_that_is_taken_is_said(terminal):
    with socket.create_server(("127.0.0.1", 0)) as there:
        taken = f"tcp://127.0.0.1:{there.getsockname()[1]}"
        found = terminal("tap", "--listen", taken, "--to", "tcp://127.0.0.1:9")
    assert "in use" in found.output
