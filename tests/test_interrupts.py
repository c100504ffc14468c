"""Interrupt at any moment of a check; the other tests load the machine meanwhile.

All twenty moments of each lab, with both cores loaded: `make soak`.
"""

import sys

import pytest
from interrupts import LABS, attack

MOMENTS = 1  # of each lab; a check takes as long as it takes

# What is interrupted in a callback of the interpreter's (a weak reference's, the collector's) goes
# on, and is told.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="pthread_kill is not known there")
@pytest.mark.parametrize("lab", LABS)
def test_an_interrupt_of_a_check_leaves_nothing_and_the_next_call_works(lab):
    attack(lab, MOMENTS, seed=6)
