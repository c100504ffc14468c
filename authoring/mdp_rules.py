"""Write docs/mdp-rules.md, the rules of Majordomo as the suite has them.

python authoring/mdp_rules.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from zmqlab.mdp.rules import markdown

PAGE = Path(__file__).resolve().parent.parent / "docs" / "mdp-rules.md"
HEAD = """\
# The rules of Majordomo

What `zmqlab.mdp` judges, and what was decided where an RFC leaves room; [mdp.md](mdp.md) says how
to run it. *Must* and *should* are the RFC's words. *Implied* is what it does not say in capitals
and what all else rests on; it is judged as a must. Of an *open* rule and of a *may* the suite says
what it saw, and fails nobody.

Written by `make build` from `zmqlab/mdp/table.py`.

"""


def page() -> str:
    """The whole page."""
    return HEAD + markdown()


def main() -> int:
    """Write it, or look whether it is as it would be written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        print("docs/mdp-rules.md is not what zmqlab/mdp/table.py says: run make build")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
