"""One `with` per experiment: threads, processes, and a sure end. Knows `record`."""

from zmqlab.record.arrivals import Arrivals

from .experiment import Experiment, assert_all_quiet
from .lives import Lives
from .process import Process
from .threads import GaveUp, Task, eventually

__all__ = [
    "Arrivals",
    "Experiment",
    "GaveUp",
    "Lives",
    "Process",
    "Task",
    "assert_all_quiet",
    "eventually",
]
