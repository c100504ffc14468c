"""Each rule has a program that breaks it, and the suite sees it there."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "mdp"))

import matrix
from mutants import BROKERS, CHOICES, CLIENTS, TITANICS, WORKERS

from zmqlab.mdp import RULES

# No program here breaks them, and why.
WITHOUT = {
    "7.B00": "what routes replies without being a ROUTER would be a library of its own",
    "7.W07": "how long a worker waits is left open: the suite never fails it",
    "8.B07": "known_is_served and never_evicts break it, together with 8.B06 and 7.B26",
    "9.C01": "a client's reading of a status is seen in nothing that it sends",
    "9.C02": "the same",
}
TRIES = 3  # undecided is the machine's: heartbeats came late
MUTANTS = [
    (who, mutant)
    for who, rows in {
        "broker": BROKERS,
        "worker": WORKERS,
        "client": CLIENTS,
        "titanic": TITANICS,
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


def test_every_rule_that_binds_has_its_mutant():
    rules = {rule.id for rule in RULES.values() if rule.level not in ("open", "may")}
    assert rules - {mutant.rule for _, mutant in MUTANTS} == set(WITHOUT)
