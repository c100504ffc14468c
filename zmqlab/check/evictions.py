"""Rules about who is there and who is dead: over a whole history, as in `rules`. Pure.

A worker is dead in a history from `Dead` on, which says that the queue has to know it by now. When
it has known it is not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .dispatch import Answered, Beat, Dead, Given, Got, History, Odd, Ready, Stretch, brief
from .rules import Broken, Rule, each

FEWEST, MOST = 1 / 3, 1.5  # heartbeats in an interval, on average over a long time
MORE = 3  # that may come besides, at the ends of it


def to_who_is_there(stranger: str, dead: str, hint: str) -> Rule:
    """Only workers that have registered, and are not dead since then, are sent anything.

    stranger: what it breaks where somebody never has registered; dead: where somebody has died.
    """

    def check(history: History) -> Broken | None:
        there: set[str] = set()
        gone: set[str] = set()
        for event in history:
            match event:
                case Ready(who):
                    there.add(who)
                    gone.discard(who)
                case Dead(who):
                    gone.add(who)
                case Given(who) | Beat(who, "received") | Odd("worker", who, "received"):
                    if who in there - gone:
                        continue
                    got = "a heartbeat" if isinstance(event, Beat) else brief(event[-1])
                    known = "was dead, and had not registered again"
                    evidence = f"{who} {known if who in gone else 'had not registered'}, and "
                    return Broken(dead if who in gone else stranger, f"{evidence}got {got}.", hint)
        return None

    return check


def kept_by_the_living(rule: str, hint: str) -> Rule:
    """What a worker holds that is not dead is given to nobody else."""

    def check(history: History) -> Broken | None:
        for ledger, event in each(history):
            match event:
                case Given(who, _, body):
                    for other, tasks in ledger.busy.items():
                        if any(isinstance(task, Given) and task.body == body for task in tasks):
                            evidence = f"{other} was at {brief(body)}, and {who} was given it, too."
                            return Broken(rule, evidence, hint, body[:1])
        return None

    return check


def handed_on(rule: str, hint: str) -> Rule:
    """What dead workers held is given out before anything that nobody was given yet."""

    def check(history: History) -> Broken | None:
        for ledger, event in each(history):
            match event:
                case Given(who, _, body) if ledger.back:
                    if all(one.body != body for one in ledger.back) and ledger.request(body):
                        first = ledger.back[0].body
                        evidence = (
                            f"{who} was given {brief(body)}. {brief(first)}, which a dead worker "
                            "had held, was waiting."
                        )
                        return Broken(rule, evidence, hint, (*body[:1], *first[:1]))
        return None

    return check


def nothing_from_the_dead(rule: str, hint: str) -> Rule:
    """No client gets what a worker has answered that did not hold the request any more."""

    def check(history: History) -> Broken | None:
        late: dict[tuple[bytes, ...], str] = {}  # by answer: whose it is
        for ledger, event in each(history):
            match event:
                case Answered(who, to, body):
                    held = [task for task in ledger.busy.get(who, ()) if isinstance(task, Given)]
                    if all(task.to != to for task in held):
                        late[body] = who
                    else:
                        late.pop(body, None)
                case Got(who, body) if body in late and ledger.expected(who, body) is None:
                    evidence = f"{who} got {brief(body)} from {late[body]}, which held no request "
                    return Broken(rule, f"{evidence}of that address then.", hint, body)
        return None

    return check


def once_per_interval(hints: Mapping[str, str], interval: float, way: str) -> Rule:
    """In a stretch of time each worker gets (or sends: `way`) about one heartbeat per interval.

    Far fewer break the rule of the stretch, and so do far more; in a silent one, more than may
    have been under way. hints: by rule.
    """

    def check(history: History) -> Broken | None:
        counts = Counter[str]()
        begun: dict[str, tuple[float, Counter[str]]] = {}  # by rule: when, and the counts then
        for event in history:
            match event:
                case Beat(who, w) if w == way:
                    counts[who] += 1
                case Stretch(at, True, rule):
                    begun[rule] = at, counts.copy()
                case Stretch(at, False, rule, crew, silent):
                    since, before = begun[rule]
                    n = (at - since) / interval
                    least = 0 if silent else int(FEWEST * n)
                    most = MORE + (0 if silent else MOST * n)
                    for who in crew:
                        had = counts[who] - before[who]
                        if not least <= had <= most:
                            verb = "got" if way == "received" else "sent"
                            evidence = f"In {n:.0f} intervals {who} {verb} {had} heartbeats."
                            return Broken(rule, evidence, hints.get(rule, ""))
        return None

    return check
