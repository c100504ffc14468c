"""Lab 14: the rule of one of two brokers, asked all it can be asked, then tried in every order.

The rule is asked first and judged by its answers, so nothing that it does can stop the search.
Nothing here depends on the machine: the same rule gets the same report everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from random import Random
from typing import Any, NamedTuple

from zmqlab.balance.standby import (
    NAMES,
    START,
    History,
    Rule,
    Step,
    World,
    Wrong,
    anybody,
    both_answer,
    brokers,
    explore,
)
from zmqlab.run.threads import Stopped
from zmqlab.run.where import origin

from .call import Call, brief, said, same, unwritten
from .judge import Scenario, judge
from .report import Finding, Report, failed, passed

LIMIT = 5.0  # seconds for all questions
TIMES = 10  # that each question is asked, each time in another order

STATES = ("primary", "backup", "active", "passive")
HEARTBEATS = tuple(f"peer {state}" for state in STATES)
REQUESTS = ("request", "request, peer silent")
Pair = tuple[str, str]
PAIRS: tuple[Pair, ...] = tuple(product(STATES, HEARTBEATS + REQUESTS))
ALIKE: tuple[Pair, ...] = (("active", "peer active"), ("passive", "peer passive"))
FREE: tuple[Pair, ...] = (("primary", "peer primary"), ("backup", "peer backup"))  # both started so
OWED = tuple(pair for pair in PAIRS if pair not in FREE)  # all that has an answer
UNANSWERED: tuple[Pair, ...] = (("primary", "request"), *product(["backup"], REQUESTS))
ROUNDS, QUIET = 6, 3  # rounds in which nothing fails, and how many may pass without an answer

# ------------------------------------------------------------------ the rules, in words

KIND = "react returns (state, serves)"
ALONE = "state and event alone decide"
RUNS = "react runs without an error"
ONE = "while one broker answers, the other does not"
STOPS = "nobody stops though nothing is wrong"
LIVE = "when nothing fails any more, requests are answered"
TAKES_OVER = "when the one that answers dies, the other takes over"
ERRORS = "both active, or both passive: ValueError"
FRESH = "who has just started does not answer"


def lab14(react: Callable[[str, str], tuple[str, bool]]) -> Report:
    """Judge `react(state, event)` -> (state, serves), the rule of one of two brokers.

    It is asked about each state and event, then two such brokers go through every order of events.
    Takes about a second, at most 10.
    """
    return judge(
        "lab14",
        {"react(state, event)": react},
        [Scenario("the rule holds in every order of events", _judged)],
    )


def _judged(react: Callable[..., Any]) -> Iterable[Finding]:
    answers, problem = ask_all(react)
    if problem:
        return [problem]
    table = {pair: found[0] for pair, found in answers.items()}
    sound = [runs(table), decides_alone(answers), answers_are(table)]
    if any(finding.verdict != "passed" for finding in sound):
        return [finding for finding in sound if finding.verdict != "passed"]
    return [*in_every_order(Walk(table)), refuses(table), waits(table)]


# ------------------------------------------------------------------ asked by hand


class Answer(NamedTuple):
    """What came of one question."""

    state: str = ""  # "": it returned something else, or raised
    serves: bool = False
    returned: str = ""  # as it was, in short
    error: str = ""  # what was raised, in a line
    where: str = ""
    stops: bool = False  # whether that was the ValueError of the contract
    hole: bool = False

    @property
    def told(self) -> str:
        """What it did, behind "react(…)"."""
        return f"raised {self.error}" if self.error else f"returned {self.returned}"

    @property
    def decides(self) -> tuple[str, bool, bool]:
        """What a broker makes of it."""
        return self.state, self.serves, bool(self.error)


Table = Mapping[Pair, Answer]


def ask_all(react: Callable[..., Any]) -> tuple[dict[Pair, list[Answer]], Finding | None]:
    """All answers to each question, and a finding if the rule got stuck at one."""
    orders = [list(PAIRS), *(Random(n).sample(PAIRS, len(PAIRS)) for n in range(1, TIMES))]
    questions = [pair for order in orders for pair in order]
    answers: dict[Pair, list[Answer]] = {pair: [] for pair in PAIRS}
    done: list[Pair] = []

    def all_of_them() -> None:
        for pair in questions:
            answers[pair].append(ask(react, pair))
            done.append(pair)

    problem = Call("react", all_of_them).run(within=LIMIT).problem()
    if problem and len(done) < len(questions):
        question = f"\nIt was asked {_asked(questions[len(done)])}."
        problem = replace(problem, evidence=problem.evidence + question)
    return answers, problem


def ask(react: Callable[..., Any], pair: Pair) -> Answer:
    """One question, and what came of it."""
    try:
        value = react(*pair)
    except Stopped:
        raise
    except BaseException as error:
        stops, hole = isinstance(error, ValueError), isinstance(error, NotImplementedError)
        return Answer(error=said(error), where=origin(error), stops=stops, hole=hole)
    return _plain(value, request=pair[1] in REQUESTS)


def _plain(value: Any, request: bool) -> Answer:
    """A pair of a state and, of a request, whether it is answered; else nothing but its repr."""
    wrong = Answer(returned=brief(value))
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return wrong
    state = next((name for name in STATES if same(value[0], name)), "")
    serves = next((flag for flag in (True, False) if same(value[1], flag)), None)
    if not state or (request and serves is None):
        return wrong
    return Answer(state, bool(request and serves), brief(value))


def _asked(pair: Pair) -> str:
    return f"react({pair[0]!r}, {pair[1]!r})"


def runs(table: Table) -> Finding:
    """The rule: it raises nothing but ValueError."""
    for pair in OWED:
        answer = table[pair]
        if answer.hole:
            return unwritten("react")
        if answer.error and not answer.stops:
            return failed(
                RUNS,
                f"{_asked(pair)} raised {answer.error}\nat {answer.where}",
                "The contract has one error, ValueError. Which pairs does that line expect?",
            )
    return passed(RUNS, "It raised nothing but ValueError.")


def decides_alone(answers: Mapping[Pair, Sequence[Answer]]) -> Finding:
    """The rule: the same question has the same answer, whatever was asked before."""
    for pair in OWED:
        first = answers[pair][0]
        for other in answers[pair]:
            if other.decides != first.decides:
                return failed(
                    ALONE,
                    f"{_asked(pair)} {first.told}, and asked again, after other questions, it "
                    f"{other.told}.",
                    "One function is the rule of both brokers, and of the next test, too. What "
                    "does it keep from one call to the next, or draw by chance?",
                )
    return passed(ALONE, f"Asked {TIMES} times, in other orders, it answered the same.")


def answers_are(table: Table) -> Finding:
    """The rule: what comes back is a state and whether the request is answered."""
    for pair in OWED:
        answer = table[pair]
        if not answer.state and not answer.error:
            hint = f"The state is one of {', '.join(map(repr, STATES))}; serves is True or False."
            if answer.returned == "None":
                hint = "Is there a way through your code without a `return`?"
            return failed(KIND, f"{_asked(pair)} returned {answer.returned}.", hint)
    return passed(KIND, "It always did.")


# ------------------------------------------------------------------ in every order of events


class Walk:
    """All that can happen to two brokers with these answers; each step is worked out once.

    With an answer that is none, a broker stops.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._steps: dict[World, list[tuple[Step, World]]] = {}

    def react(self, state: str, event: str) -> tuple[str, bool]:
        """The rule that the answers are."""
        answer = self._table[state, event]
        if not answer.state:
            raise ValueError(answer.told)
        return answer.state, answer.serves

    def explore(self, wrong: Wrong) -> tuple[History | None, int]:
        """The shortest history that ends in a wrong step, and how many worlds there were."""

        def steps(react: Rule, world: World) -> Iterator[tuple[Step, World]]:
            if world not in self._steps:
                self._steps[world] = [*brokers(react, world), *anybody(react, world)]
            yield from self._steps[world]

        return explore(self.react, steps, wrong=wrong)


def in_every_order(walk: Walk) -> Iterator[Finding]:
    """Findings on all that can happen; what follows from a broken rule is not told beside it."""
    for rule in one_answers, nobody_stops, goes_on, takes_over:
        finding = rule(walk)
        yield finding
        if finding.verdict != "passed":
            return


def one_answers(walk: Walk) -> Finding:
    """The rule: no two brokers answer, one after the other, and would both go on."""
    history, worlds = walk.explore(both_answer)
    if history is None:
        return passed(ONE, f"{worlds:,} situations of two brokers, and in none do both answer.")
    return failed(
        ONE,
        f"Both brokers answer after {_steps(history)}.\n"
        "The one has answered and would again, and now the other answers, too. No shorter way "
        "leads there.",
        "A client that asks each of the two has its task done twice. Which of the two should not "
        "have answered, and what could it know?",
        history,
    )


def nobody_stops(walk: Walk) -> Finding:
    """The rule: no ValueError can come about."""

    def stops(_: Rule, before: World, step: Step, after: World) -> bool:
        return step[1] != "dies" and any(
            new.state == "dead" != old.state
            for old, new in zip(before.brokers, after.brokers, strict=True)
        )

    history, worlds = walk.explore(stops)
    if history is None:
        return passed(STOPS, f"{worlds:,} situations, and no ValueError in any.")
    return failed(
        STOPS,
        f"A broker stops with a ValueError after {_steps(history)}.\nNo shorter way leads there.",
        "ValueError is for what cannot come about if the rule is right. Is this such a case, or "
        "was it an earlier step that should not have been?",
        history,
    )


def goes_on(walk: Walk) -> Finding:
    """The rule: once nothing fails any more, somebody answers."""

    @cache
    def is_stuck(world: World) -> bool:
        return stuck(walk.react, world)

    history: History | None = []
    worlds = 1
    if not is_stuck(START):
        history, worlds = walk.explore(lambda _react, _before, _step, after: is_stuck(after))
    if history is None:
        evidence = f"{worlds:,} situations: from then on nothing fails, and requests are answered."
        return passed(LIVE, evidence)
    primary, backup = (history[-1][1] if history else START).brokers
    return failed(
        LIVE,
        f"Requests stay unanswered after {_steps(history)} although nothing fails any more.\n"
        f"The primary is “{primary.state}” then, the backup “{backup.state}”. In every round those "
        "that live tell each other so, and a client asks both.",
        "What does each of the two hear from now on, and which of them should answer?",
        history,
    )


def takes_over(walk: Walk) -> Finding:
    """The rule: once two know of each other all they can, each can do without the other."""

    def alone(react: Rule, before: World, step: Step, after: World) -> bool:
        return step[1] == "dies" and settled(react, before) and not answers(react, after)

    history, _ = walk.explore(alone)
    if history is None:
        return passed(TAKES_OVER, "Of two that knew of each other, either one could die.")
    (name, _), _ = history[-1]
    lives = history[-1][1].brokers[1 - NAMES.index(name)].state
    other = NAMES[1 - NAMES.index(name)]
    return failed(
        TAKES_OVER,
        f"Requests stay unanswered after {_steps(history)}: the {name} is dead.\n"
        f"Both lived, and whatever they could tell each other changed nothing any more. The {other}"
        f" was “{lives}”, is so, and answers none.",
        f"In which state is a broker that may take over? What is to bring the {other} there?",
        history,
    )


def _steps(history: History) -> str:
    return f"{len(history)} step{'' if len(history) == 1 else 's'}"


def stuck(react: Rule, world: World) -> bool:
    """Whether requests stay unanswered from here on although nothing fails any more.

    A lone backup that has just started owes no answer.
    """
    primary, backup = world.brokers
    if primary.state == "dead" and backup.state not in ("active", "passive"):
        return False
    return not answers(react, world)


def answers(react: Rule, world: World) -> bool:
    """Whether somebody answers in each round in which nothing fails, but for the first few."""
    for number in range(ROUNDS):
        world = told_all(react, world)
        answered = False
        for x in 0, 1:
            world, serves = world.asked(react, x)
            answered = answered or serves
        if number >= QUIET and not answered:
            return False
    return True


def told_all(react: Rule, world: World) -> World:
    """The world after all have said their state, heard everything, and missed a dead peer."""
    for x, y in (0, 1), (1, 0):
        me, peer = world.brokers[x], world.brokers[y]
        if "dead" not in (me.state, peer.state):
            world = world.put(y, coming=(*peer.coming, me.state))
    for x, y in (0, 1), (1, 0):
        while world.brokers[x].coming:
            world = world.heard(react, x)
        if world.brokers[x].state != "dead" and world.brokers[y].state == "dead":
            world = world.put(x, silent=True)
    return world


def settled(react: Rule, world: World) -> bool:
    """Whether both live, and nothing that they can tell each other changes anything."""
    lives = all(broker.state != "dead" for broker in world.brokers)
    return lives and told_all(react, world).brokers == world.brokers


# ------------------------------------------------------------------ what the contract fixes


def refuses(table: Table) -> Finding:
    """The rule: two brokers that are both active, or both passive, are an error."""
    for pair in ALIKE:
        if not table[pair].stops:
            return failed(
                ERRORS,
                f"{_asked(pair)} {table[pair].told}.",
                "It cannot come about if the rule is right. If it does (a wrong configuration, a "
                "link that was cut), what is a broker to do that cannot know who is right?",
            )
    return passed(ERRORS, "ValueError for both.")


def waits(table: Table) -> Finding:
    """The rule: who has just started does not answer a plain request, and a backup none at all."""
    for pair in UNANSWERED:
        if table[pair].serves:
            hint = "It has heard nothing of its peer yet: who may be active?"
            return failed(FRESH, f"{_asked(pair)} {table[pair].told}.", hint)
    return passed(FRESH, "A primary only if its peer is silent; a backup never.")
