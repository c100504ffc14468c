"""The conformance suite: its frames, rules and outcomes, and what it says of right programs."""

import inspect
import json
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel import exists

import mdp_rules
from zmqlab.balance.brokers import majordomo
from zmqlab.mdp import (
    RULES,
    Command,
    Outcome,
    Result,
    check_broker,
    check_client,
    check_titanic,
    check_titanic_client,
    check_worker,
    playing,
)
from zmqlab.mdp.__main__ import main
from zmqlab.mdp.frames import DIALECTS, MDP_01, MDP_02, PARTIAL, Invalid, Letter, show
from zmqlab.mdp.frames import Command as Said
from zmqlab.mdp.outcome import Death
from zmqlab.mdp.rules import Unknown, chosen, of
from zmqlab.mdp.stage import Stage, shown
from zmqlab.mdp.subject import beyond_this_machine, fresh_endpoint
from zmqlab.run.threads import eventually

HERE = Path(__file__).parent
PYTHON = sys.executable
BROKER = f"{PYTHON} {HERE}/mdp/broker.py {{endpoint}}"
WORKER = f"{PYTHON} {HERE}/mdp/worker.py {{endpoint}} {{service}}"
CLIENT = f"{PYTHON} {HERE}/mdp/client.py {{endpoint}} {{service}} {{requests}}"
LISTENER = (
    "import sys, time, zmq; s = zmq.Context().socket(zmq.ROUTER); s.bind(sys.argv[1]);"
    "[s.recv_multipart() for _ in range(int(sys.argv[2]))]"
)

# ------------------------------------------------------------------ frames

frame = st.binary(max_size=5)
bodies = st.lists(frame, min_size=1, max_size=3).map(tuple)
dialects = st.sampled_from(list(DIALECTS.values()))


@given(dialects, frame, bodies)
def test_what_is_built_is_what_is_read(d, name, body):
    assert d.with_worker(d.ready(name)) == Said("READY", service=name)
    assert d.with_worker(d.request(name, body)) == Said("REQUEST", client=name, body=body)
    assert d.with_worker(d.reply(name, body)) == Said("REPLY", client=name, body=body)
    assert d.with_worker(d.command("HEARTBEAT")) == Said("HEARTBEAT")
    ask = d.with_client(d.ask(name, body), to_broker=True)
    answer = d.with_client(d.answer(name, body), to_broker=False)
    assert (ask, answer) == (Letter("REQUEST", name, body), Letter("REPLY", name, body))


@given(dialects, st.lists(frame, max_size=6).map(tuple))
def test_any_frames_are_read_without_an_error(d, frames):
    assert isinstance(d.with_worker(frames), Said | Invalid)
    assert isinstance(d.with_client(frames, to_broker=True), Letter | Invalid)
    assert isinstance(d.with_client(frames, to_broker=False), Letter | Invalid)


def test_frames_on_the_wire_are_those_of_the_rfcs():
    assert MDP_01.ready(b"echo") == (b"", b"MDPW01", b"\x01", b"echo")
    assert MDP_01.request(b"c", (b"x",)) == (b"", b"MDPW01", b"\x02", b"c", b"", b"x")
    assert MDP_01.ask(b"echo", (b"x",)) == (b"", b"MDPC01", b"echo", b"x")
    assert MDP_02.command("DISCONNECT") == (b"MDPW02", b"\x06")
    assert MDP_02.reply(b"c", (b"x",)) == (b"MDPW02", b"\x04", b"c", b"", b"x")
    assert MDP_02.answer(b"echo", (b"x",)) == (b"MDPC02", b"\x03", b"echo", b"x")
    assert MDP_02.answer(b"echo", (b"x",), PARTIAL) == (b"MDPC02", b"\x02", b"echo", b"x")


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ((), "no empty frame"),
        ((b"", b"MDPW01"), "unknown command"),
        ((b"", b"MDPW01", b"\x01"), "READY with 0 frames"),
        ((b"", b"MDPW01", b"\x04", b"extra"), "HEARTBEAT with 1 frames"),
        ((b"", b"MDPW01", b"\x03", b"c", b"x"), "REPLY with 2 frames"),
        ((b"", b"MDPW02", b"\x01", b"s"), "header MDPW02"),
    ],
)
def test_what_is_wrong_with_a_message_is_said(frames, why):
    found = MDP_01.with_worker(frames)
    assert isinstance(found, Invalid)
    assert why in found.why


def test_frames_are_shown_in_one_line():
    assert show((b"", b"MDPW01", b"\x02", b"\x00\xff", b"z" * 99)) == (
        "'' | MDPW01 | 02 | 0x00ff | <99 octets>"
    )


def test_of_many_messages_the_first_are_shown():
    assert shown([]) == "nothing"
    assert shown([(b"x",), (b"y", b"")]) == "x; y | ''"
    assert shown([(b"x",)] * 40) == "; ".join(["x"] * 8 + ["and 32 more"])


# ------------------------------------------------------------------ rules


def test_a_rule_is_there_once_and_has_a_level():
    assert len(RULES) == sum(len(of(who)) for who in ("broker", "worker", "client", "titanic")) + (
        sum(rule.id.startswith("18.") for rule in RULES.values()) + 2
    )
    assert {rule.level for rule in RULES.values()} <= {"must", "implied", "should", "may", "open"}


def test_the_page_of_rules_is_what_the_rules_say():
    assert mdp_rules.PAGE.read_text(encoding="utf-8") == mdp_rules.page()


@pytest.mark.parametrize(
    ("only", "skip", "found"),
    [
        (["7.B12"], [], ["7.B12"]),
        (["8"], ["8.B01"], [f"8.B0{n}" for n in range(2, 10)]),
        (["7.B"], ["7.B0", "7.B1", "7.B2"], [f"7.B3{n}" for n in range(7)]),
    ],
)
def test_rules_are_chosen_by_the_beginning_of_their_number(only, skip, found):
    assert [rule.id for rule in chosen(of("broker", MDP_01), only, skip)] == found


@pytest.mark.parametrize(("only", "skip"), [(["9"], []), (["7.B99"], []), (["8"], ["8"])])
def test_a_selection_of_nothing_is_an_error(only, skip):
    with pytest.raises(Unknown):
        chosen(of("broker", MDP_01), only, skip)


def test_02_has_its_own_rules_and_no_8_mmi():
    numbers = [rule.id for rule in of("broker", MDP_02)]
    assert "18.B02" in numbers
    assert not [number for number in numbers if number.startswith("8.")]


# ------------------------------------------------------------------ outcomes


def outcome(expected=(), strict=False, **verdicts) -> Outcome:
    results = {
        number: Result(RULES[number], verdict, f"seen\x00 {number}")
        for name, verdict in verdicts.items()
        for number in [name.replace("_", ".")]
    }
    return Outcome("broker", results, strict=strict, expected=frozenset(expected))


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (outcome(), "undecided"),
        (outcome(**{"7_B01": "passed", "7_B12": "failed"}), "failed"),
        (outcome(**{"7_B01": "passed", "7_B12": "undecided"}), "undecided"),
        (outcome(**{"7_B12": "undecided", "7_B13": "failed"}), "failed"),
        (outcome(**{"7_B20": "failed"}), "passed"),  # a should
        (outcome(strict=True, **{"7_B20": "failed"}), "failed"),
        (outcome(**{"7_B32": "undecided"}), "passed"),  # open
        (outcome(["7.B12"], **{"7_B12": "failed"}), "passed"),
        (outcome(["7.B12"], **{"7_B12": "passed"}), "failed"),  # it is known to fail, and passes
    ],
)
def test_the_verdict_follows_from_the_rules_that_count(found, verdict):
    assert found.verdict == verdict
    assert bool(found) == (verdict == "passed")


def test_a_death_that_no_rule_was_to_tell_is_a_failure():
    found = outcome(**{"7_B22": "passed"})
    found.died.append(Death("REQUEST from a worker", "IndexError"))
    assert found.verdict == "failed"
    known = outcome(["7.B19"], **{"7_B19": "failed"})
    known.died.append(Death("one frame", "AssertionError"))
    assert known.verdict == "passed"


def test_an_outcome_as_json_and_as_junit():
    found = outcome(**{"7_B01": "passed", "7_B12": "failed", "7_B20": "failed", "7_B32": "passed"})
    data = json.loads(found.json())
    assert [row["rule"] for row in data["results"]] == ["7.B01", "7.B12", "7.B20", "7.B32"]
    suite = ElementTree.fromstring(found.junit())
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "seen\\x00 7.B12"


# ------------------------------------------------------------------ the command


def test_it_needs_zmq_and_the_standard_library_alone():
    code = """
import sys, zmq, zmq.utils.monitor
before = set(sys.modules)
import zmqlab.mdp.__main__
more = set(sys.modules) - before
known = ("zmqlab.mdp", *sys.stdlib_module_names)
print(sorted(name for name in more if not name.startswith(known)))
"""
    said = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "['zmqlab']"


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["rules", "7.B12"], 0, "a second READY is answered by DISCONNECT"),
        (["rules", "--markdown", "8"], 0, "| 8.B01 | must |"),
        (["rules", "99"], 64, "no rule here is called 99"),
        (["check-broker", "tcp://127.0.0.1:1", "--list", "--only", "8"], 0, "8.B04"),
        (["check-broker"], 64, "one of the two"),
        (["check-broker", "--start", "broker", "--only", "8"], 64, "{endpoint}"),
        (["check-broker", "tcp://127.0.0.1:1", "--only", "9"], 64, "no rule here is called 9"),
        (["check-worker"], 64, "--start"),
        (["check-worker", "--start", "no-such-program {endpoint} {service}"], 64, "no-such"),
        (["check-client", "--titanic", "--start", "x", "--list"], 0, "9.C02"),
        (["check-client", "--titanic", "--start", "x", "--dialect", "0.2"], 64, "9/TSP"),
        (["check-nobody"], 64, "invalid choice"),
    ],
)
def test_the_command_line(words, status, says, capsys):
    try:
        found = main(words)
    except SystemExit as end:
        found = end.code
    said = capsys.readouterr()
    assert found == status
    assert says in said.out + said.err


def test_nobody_there_is_a_status_of_its_own(capsys):
    assert main(["check-broker", fresh_endpoint(), "--only", "7.B12"]) == 69
    assert "nobody speaks ZMTP" in capsys.readouterr().out


def test_known_failures_are_read_from_a_file(tmp_path, capsys):
    known = tmp_path / "known.txt"
    known.write_text("7.B12  # since 2012\n\n7.B99\n")
    with pytest.raises(SystemExit) as end:
        main(["check-broker", "tcp://127.0.0.1:1", "--expect", str(known)])
    assert end.value.code == 64
    assert "7.B99, and there is no such rule" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("endpoint", "beyond"),
    [
        ("tcp://127.0.0.1:1", False),
        ("tcp://localhost:1", False),
        ("tcp://[::1]:1", False),
        ("ipc://broker", False),
        ("tcp://192.0.2.1:1", True),
        ("tcp://example.org:1", True),
    ],
)
def test_other_machines_are_known(endpoint, beyond):
    assert beyond_this_machine(endpoint) is beyond


# ------------------------------------------------------------------ right programs


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_right_broker_keeps_all_rules(dialect):
    line = f"{BROKER} --expiry 1 --dialect {dialect}"
    found = check_broker(Command(line), dialect=dialect, expiry=1.0)
    assert [str(r) for r in found.results.values() if r.verdict != "passed"] == []
    assert found.died == []


@pytest.mark.slow
def test_the_courses_broker_is_a_command():
    found = check_broker(Command(f"{PYTHON} -m zmqlab.balance.brokers {{endpoint}}"), only=["7.B0"])
    assert found.verdict == "passed", str(found)
    assert found.results["7.B08"].verdict == "undecided"  # requests do not expire


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_right_worker_keeps_all_rules(dialect):
    line = f"{WORKER} --dialect {dialect}"
    found = check_worker(line, heartbeat=0.2, dialect=dialect, slow=b"slow")
    assert [str(r) for r in found.results.values() if r.verdict != "passed"] == []


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_right_client_keeps_all_rules(dialect):
    found = check_client(f"{CLIENT} --dialect {dialect}", dialect=dialect)
    assert [str(r) for r in found.results.values() if r.verdict != "passed"] == []


@pytest.mark.slow
def test_a_right_titanic_server_keeps_all_rules(tmp_path):
    folder = tmp_path / "above" / "store"
    folder.mkdir(parents=True)
    broker = Command(BROKER)
    at = broker.start()
    try:
        server = f"{PYTHON} {HERE}/mdp/titanic.py {{endpoint}} {folder}"
        found = check_titanic(at, start=server, folder=folder)
    finally:
        broker.stop()
    assert [str(r) for r in found.results.values() if r.verdict != "passed"] == []
    assert [path.name for path in folder.parent.iterdir()] == ["store"]


@pytest.mark.slow
def test_a_right_client_of_titanic_keeps_all_rules():
    line = f"{PYTHON} {HERE}/mdp/titanic_client.py {{endpoint}} {{service}} {{requests}}"
    found = check_titanic_client(line)
    assert [str(r) for r in found.results.values() if r.verdict != "passed"] == []


@pytest.mark.slow
def test_a_client_that_asks_titanic_for_nothing_is_undecided():
    found = check_titanic_client(CLIENT, patience=1)
    assert {r.verdict for r in found.results.values()} == {"undecided"}


@pytest.mark.slow
def test_right_ones_in_another_language(node):
    folder = f"node {node}"
    for found in (
        check_broker(Command(f"{folder}/broker.mjs {{endpoint}}"), skip=["7.B08"]),
        check_worker(f"{folder}/worker.mjs {{endpoint}} {{service}}", heartbeat=0.2),
        check_client(f"{folder}/client.mjs {{endpoint}} {{service}} {{requests}}"),
    ):
        broken = [str(r) for r in found.results.values() if r.verdict == "failed"]
        assert (found.verdict, broken) == ("passed", []), str(found)


def test_a_name_like_a_service_s_is_nobody_s():
    """One letter less, as 8.B04 asks for it: no worker of another scene may serve that."""
    names = {Stage.service(None) for _ in range(300)}
    assert len(names) == 300
    assert not {name[:-1] for name in names} & names


@pytest.mark.parametrize("slow", [1, 20])
def test_patience_is_as_many_steps_on_a_busy_machine(slow, monkeypatch):
    """There each step takes longer than it was to; what is looked at is as slow."""
    clock, steps = [100.0], []
    monkeypatch.setattr(playing.time, "monotonic", lambda: clock[0])

    class Busy(playing.Playing):
        def take_in(self, seconds):
            steps.append(seconds)
            clock[0] += slow * seconds

    part = Busy(MDP_01, frozenset(), [], 100.0, 2.0)
    assert not part.until(lambda: len(steps) > 10_000)
    assert len(steps) == pytest.approx(2.0 / playing.STEP, abs=1)
    assert part.until(lambda: len(steps) > 300)


# ------------------------------------------------------------------ who is no Majordomo


def test_a_socket_that_answers_nothing_fails_the_first_rule():
    line = f'{PYTHON} -c "{LISTENER}" {{endpoint}} 1000000'
    found = check_broker(Command(line), patience=0.3)
    assert found.results["7.B01"].verdict == "failed"
    others = {r.evidence for n, r in found.results.items() if n != "7.B01"}
    assert others == {"not tried: 7.B01 first"}


@pytest.mark.slow
def test_a_broker_that_has_ended_is_not_waited_for(tmp_path):
    path = tmp_path / "dies.py"
    text = inspect.getsource(majordomo)
    path.write_text(text.replace("match frames:", "assert len(frames) > 2\n        match frames:"))
    found = check_broker(Command(f"{PYTHON} {path} {{endpoint}}"), only=["7.B19"], patience=60)
    assert len(found.died) > 1
    assert found.seconds < 60


def test_the_last_words_of_a_program_are_quoted_without_their_colours():
    print_red = r"import sys; print('\033[1;35mValueError\033[0m: no', file=sys.stderr)"
    command = Command(shlex.join([PYTHON, "-c", print_red, "{endpoint}"]))
    try:
        command.start()
        eventually(lambda: command.over, within=20, what="it to end")
        assert command.why() == "ValueError: no"
    finally:
        command.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_a_command_ends_with_whoever_started_it():
    code = """
import sys
from zmqlab.mdp import Command
command = Command(sys.argv[1])
command.start()
print(command.process.pid, flush=True)
sys.stdin.read()
"""
    line = f"{PYTHON} -c 'import threading; threading.Event().wait()' {{endpoint}}"
    with subprocess.Popen(
        [PYTHON, "-c", code, line], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as suite:
        started = int(suite.stdout.readline())
        assert exists(started)
        suite.kill()
    eventually(lambda: not exists(started), within=10, what="the program under test to end")


def test_a_client_that_says_that_it_cannot():
    line = f'{PYTHON} -c "import sys; sys.exit(127)" {{endpoint}} {{service}} {{requests}}'
    found = check_client(line)
    assert {r.verdict for r in found.results.values()} == {"undecided"}
    assert "cannot do that" in str(found)


def test_a_worker_that_ends_at_once_is_quoted():
    line = f"{PYTHON} -c \"raise ValueError('no such service')\" {{endpoint}} {{service}}"
    found = check_worker(line, patience=20)
    assert found.results["7.W01"].verdict == "failed"
    assert "ValueError: no such service" in found.results["7.W01"].evidence
