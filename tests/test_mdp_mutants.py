"""Each rule for brokers has a program that breaks it, and the suite sees it there."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "mdp"))

import matrix
from mutants import BROKERS, CHOICES

from zmqlab.mdp import RULES

# No program here breaks them, and why.
WITHOUT = {
    "7.B00": "a socket that routes replies without being a ROUTER would be a library of its own",
    "8.B07": "known_is_served and never_evicts break it together with 8.B06 and 7.B26",
}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", BROKERS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_seen_by_its_rule(mutant, tmp_path):
    found = matrix.outcome(mutant, tmp_path, only=[mutant.rule])
    assert found.results[mutant.rule].verdict == "failed", str(found)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", CHOICES, ids=lambda mutant: mutant.name)
def test_a_choice_is_said_and_passes(mutant, tmp_path):
    said = []
    for one in (mutant, matrix.RIGHT):
        found = matrix.outcome(one, tmp_path, only=[mutant.rule])
        assert found.verdict == "passed", str(found)
        said.append(found.results[mutant.rule].evidence)
    assert said[0] != said[1]


def test_every_rule_for_brokers_that_binds_has_its_mutant():
    rules = {r.id for r in RULES.values() if r.who == "broker" and r.level not in ("open", "may")}
    assert rules - {mutant.rule for mutant in BROKERS} == set(WITHOUT)
