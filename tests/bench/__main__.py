"""What the course's own tools cost, and what its brokers do: ratios measured in one run.

    python tests/bench                 # all of it, some minutes
    python tests/bench recording tap   # some of it

Two things are measured in turns and divided pair by pair; what is said is the median of the
ratios, and the middle half of them beside it. Where the course promises a bound, a run that misses
it ends with exit status 1.
"""

from __future__ import annotations

import argparse
import sys

from balance import balance
from brokers import attacks, brokers, tap
from paper import missed
from recording import memory, recording

from lessons import notebooks

ALL = [recording, memory, notebooks, brokers, tap, balance, attacks]


def main() -> int:
    """Measure what was asked for; 1 if a promise was missed."""
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = [measure.__name__ for measure in ALL]
    parser.add_argument("what", nargs="*", metavar="what", help=", ".join(names))
    what = parser.parse_args().what
    if strangers := set(what) - set(names):
        parser.error(
            f"nothing is called {', '.join(sorted(strangers))}; there are {', '.join(names)}"
        )
    for measure in ALL:
        if not what or measure.__name__ in what:
            measure()
    for line in missed:
        print(f"missed: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
