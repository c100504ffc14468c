"""Which rules there are for whom, which were chosen, and all of them as a page.

`docs/mdp-rules.md` is made of them. A rule's number begins with its RFC: 7/MDP, 18/MDP (version
0.2), 8/MMI, 9/TSP.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .frames import Dialect
from .table import ALL, Rule

RFC = "https://rfc.zeromq.org/spec/"

RULES = {rule.id: rule for rule in ALL}


def of(who: str, dialect: Dialect | None = None) -> list[Rule]:
    """The rules for a broker, worker, client or titanic server that speaks this dialect.

    Those of 7/MDP hold in 0.2 as well, with its frames; 8/MMI is layered on 0.1 alone.
    """
    second = dialect is not None and dialect.name == "0.2"
    left_out = ("8.", *NOT_IN_02) if second else ("18.",)
    return [rule for rule in ALL if rule.who == who and not rule.id.startswith(left_out)]


# What 0.2 has its own rule for, or has no room for: no REQ, no empty frame, no second address.
NOT_IN_02 = ("7.B33", "7.C08")


class Unknown(ValueError):
    """A selection that names no rule."""


def chosen(rules: Sequence[Rule], only: Iterable[str], skip: Iterable[str]) -> list[Rule]:
    """The rules whose number is one of `only` (all, if there is none) and none of `skip`.

    "7" is all of 7/MDP, "7.B" all of its rules for brokers. Unknown: one that selects nothing.
    """
    only, skip = list(only), list(skip)
    for name in (*only, *skip):
        if not any(_selects(name, rule) for rule in rules):
            raise Unknown(
                f"no rule here is called {name}; there are {rules[0].id} to {rules[-1].id}"
            )
    left = [rule for rule in rules if not any(_selects(name, rule) for name in skip)]
    picked = [rule for rule in left if not only or any(_selects(name, rule) for name in only)]
    if not picked:
        raise Unknown("that selects no rule at all: a run that tests nothing proves nothing")
    return picked


def _selects(name: str, rule: Rule) -> bool:
    return rule.id == name or rule.id.startswith((f"{name}.", name) if "." in name else f"{name}.")


TITLES = {
    "7.B": "7/MDP, the broker",
    "8.B": "8/MMI, the broker",
    "7.W": "7/MDP, the worker",
    "7.C": "7/MDP, the client",
    "18.": "18/MDP, version 0.2: what differs",
    "9.": "9/TSP, Titanic",
}


def markdown(rules: Sequence[Rule] = tuple(ALL)) -> str:
    """The rules as tables, for `docs/mdp-rules.md`."""
    lines: list[str] = []
    for prefix, title in TITLES.items():
        rows = [rule for rule in rules if rule.id.startswith(prefix)]
        if not rows:
            continue
        number = prefix.partition(".")[0]
        lines += [f"## {title}", "", f"[The RFC]({RFC}{number}/)", ""]
        lines += ["| rule | level | what it says | decided here |", "|---|---|---|---|"]
        lines += [f"| {r.id} | {r.level} | {r.text} | {r.decision} |" for r in rows]
        lines.append("")
    return "\n".join(lines)
