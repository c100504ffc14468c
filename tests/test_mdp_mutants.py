"""Each rule has a program that breaks it, and the suite sees it there."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "mdp"))

import matrix
from mutants import (
    ASKED,
    BROKERS,
    CHOICES,
    CLIENTS,
    READ,
    READ_ALL,
    TITANIC_CLIENTS,
    TITANICS,
    WORKERS,
    Mutant,
)

from zmqlab.mdp import RULES
from zmqlab.mdp.broker_dialogue import IDLE_LONGEST

# No program here breaks them, and why.
WITHOUT = {
    "7.B00": "what routes replies without being a ROUTER would be a library of its own",
    "7.W07": "how long a worker waits is left open: the suite never fails it",
    "8.B07": "known_is_served and never_evicts break it, together with 8.B06 and 7.B26",
}
TRIES = 3  # undecided is the machine's: heartbeats came late
MUTANTS = [
    (who, mutant)
    for who, rows in {
        "broker": BROKERS,
        "worker": WORKERS,
        "client": CLIENTS,
        "titanic": TITANICS,
        "titanic_client": TITANIC_CLIENTS,
    }.items()
    for mutant in rows
]


@pytest.mark.slow
@pytest.mark.parametrize(("who", "mutant"), MUTANTS, ids=[f"{w}-{m.name}" for w, m in MUTANTS])
def test_a_mutant_is_seen_by_its_rule(who, mutant, tmp_path):
    for _ in range(TRIES):
        found = matrix.outcome(who, mutant, tmp_path, only=[mutant.rule])
        if found.results[mutant.rule].verdict != "undecided":
            break
    assert found.results[mutant.rule].verdict == "failed", str(found)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", CHOICES, ids=lambda mutant: mutant.name)
def test_a_choice_is_said_and_passes(mutant, tmp_path):
    said = []
    for one in (mutant, matrix.RIGHT):
        found = matrix.outcome("broker", one, tmp_path, only=[mutant.rule])
        assert found.verdict == "passed", str(found)
        said.append(found.results[mutant.rule].evidence)
    assert said[0] != said[1]


@pytest.mark.slow
def test_whose_turn_it_is_is_said_with_the_frames(tmp_path):
    found = matrix.outcome("broker", matrix.RIGHT, tmp_path, only=["7.B32"]).results["7.B32"]
    assert found.evidence == IDLE_LONGEST
    assert b"mine" in found.lines[-1].frames


@pytest.mark.slow
@pytest.mark.parametrize(
    ("who", "name", "last"),
    [
        ("broker", "second_ready_ignored", "8.B07"),
        ("worker", "two_replies", "7.W10"),
        ("client", "ends_after_a_reply", "7.C07"),
    ],
)
def test_the_first_broken_rule_ends_a_run_where_that_is_asked(who, name, last, tmp_path):
    (mutant,) = (row for row in matrix.ROWS[who] if row.name == name)
    found = matrix.outcome(who, mutant, tmp_path, first=True)
    assert found.results[mutant.rule].verdict == "failed"
    assert found.results[last].verdict == "undecided"


@pytest.mark.slow
def test_no_client_has_the_routing_id_of_another_that_has_left(tmp_path):
    """A ROUTER that has not seen yet that the first has gone drops what the second sends."""
    drops = (
        f"{ASKED}\nif request.client in self.__dict__.setdefault('before', set()):\n    return\n"
        "if request.client[0]:  # not by ZeroMQ\n    self.before.add(request.client)"
    )
    once = Mutant("knows_ids_once", "7.B04", ((ASKED, drops),))
    found = matrix.outcome("broker", once, tmp_path, only=["7.B01", "7.B04"])
    assert found.verdict == "passed", str(found)


@pytest.mark.slow
def test_a_worker_that_begins_anew_is_asked_in_its_new_conversation(tmp_path):
    leaves = (
        f"{READ_ALL.strip()}\nif not hasattr(chosen, 'left'):\n    chosen.left = True\n    return"
    )
    once = Mutant("leaves_once", "7.W04", ((READ, leaves),))
    found = matrix.outcome("worker", once, tmp_path, only=["7.W04"])
    assert found.verdict == "passed", str(found)


def test_every_rule_that_binds_has_its_mutant():
    rules = {rule.id for rule in RULES.values() if rule.level not in ("open", "may")}
    assert rules - {mutant.rule for _, mutant in MUTANTS} == set(WITHOUT)
