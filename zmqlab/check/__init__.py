"""Checkers: what a lab answers when it is run.

`lab01(feed)` and its like run the learner's functions among workers and faults of their own and
return a `Report`: passed, failed or undecided, with the evidence.
"""

from .lab_01 import lab01
from .lab_02 import lab02
from .lab_03 import lab03
from .lab_04 import lab04
from .lab_05 import lab05
from .lab_06 import lab06
from .lab_07 import lab07
from .report import Finding, Report

__all__ = ["Finding", "Report", "lab01", "lab02", "lab03", "lab04", "lab05", "lab06", "lab07"]
