"""The loads of the bench: what they say of a broker is so, and they end."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from zmqlab.balance.brokers import by_policy, router_dealer_in_c
from zmqlab.balance.policy import Credit
from zmqlab.run.threads import eventually

BENCH = Path(__file__).parent / "bench"


@pytest.fixture
def rig(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import rig

    monkeypatch.setattr(rig, "BURST", 0)
    return rig


def command(rig, language, folder):
    built, said = rig.load_command(str(folder))
    if language == "Python":
        return [sys.executable, str(BENCH / "load.py")]
    if said != "in C":
        pytest.skip(said)
    return built


@pytest.mark.parametrize("language", ["C", "Python"])
@pytest.mark.parametrize(
    ("broker", "ready", "args"),
    [(router_dealer_in_c, False, ()), (by_policy, True, (Credit(1), Random(1)))],
)
def test_a_burst_is_answered_and_measured(rig, tmp_path, language, broker, ready, args):
    with rig.rig(command(rig, language, tmp_path), broker, ready, *args) as broker_and_load:
        burst = broker_and_load.burst()
        if sys.platform == "linux":
            what = "a burst in which the broker was seen to run"
            eventually(lambda: broker_and_load.burst().ran > 0, 30, what)
    assert burst.requests == 200
    assert burst.rate == pytest.approx(199 / burst.seconds)
    assert 0 < burst.p50 <= burst.p99 < 60


@pytest.mark.parametrize("language", ["C", "Python"])
@pytest.mark.parametrize("part", [["workers", "2", "1"], ["clients", "2", "2", "64", "/none"]])
def test_a_load_ends_when_nobody_is_there_any_more(rig, tmp_path, language, part):
    role, *numbers = part
    load = [*command(rig, language, tmp_path), role, "tcp://127.0.0.1:1", *numbers]
    program = subprocess.Popen(load, stdin=subprocess.PIPE)
    program.stdin.write(b"10\n" if role == "clients" else b"")
    program.stdin.close()  # clients: in the midst of a burst that nobody answers
    assert program.wait(30) == 0


def test_without_a_compiler_the_load_is_in_python_and_says_so(rig, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    load, said = rig.load_command(str(tmp_path))
    assert load == [sys.executable, str(BENCH / "load.py")]
    assert said == "in Python, for want of gcc: it flatters every broker"
