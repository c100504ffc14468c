"""Two brokers, one of which stands by for the other: all that can happen to them, step by step.

A rule, `react(state, event) -> (state, serves)`, says what one of them makes of an event. `explore`
walks every order of events, the shortest first. `brokers`, `anybody`, `both_answer` and `explore`
are the text of lesson 14; what else a world may have (`cut`, `overtake`, `loyal` …) is of their
kind: a function of rule and world that yields each step that can be next, and the world after it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Rule = Callable[[str, str], tuple[str, bool]]  # ValueError: this broker stops
Step = tuple[str, ...]  # in words: ("primary", "says", "active")

NAMES = ("primary", "backup")  # also the states in which the two start
ROOM = 2  # heartbeats on their way to one broker, at most


class Broker(NamedTuple):
    """One of the two, and what is on its way to it."""

    state: str  # "primary" or "backup" when it has just started, "active", "passive", "dead"
    coming: tuple[str, ...] = ()  # its peer's heartbeats, each the state it told; the oldest first
    silent: bool = False  # whether it has heard nothing for too long


class World(NamedTuple):
    """All that makes a difference to what comes. Broker 0 is the primary, broker 1 the backup."""

    brokers: tuple[Broker, Broker] = (Broker("primary"), Broker("backup"))
    last: int | None = None  # the broker that answered last, if it has not died since
    link: bool = True  # whether heartbeats can travel between the two
    clients: tuple[int, ...] = ()  # the broker that each loyal client asks next

    def put(self, x: int, **changes: Any) -> World:
        """The same world with broker x changed."""
        both = list(self.brokers)
        both[x] = both[x]._replace(**changes)
        return self._replace(brokers=(both[0], both[1]))

    def dies(self, x: int) -> World:
        """The world without broker x. No heartbeat outlives the connection, to it or from it."""
        after = self.put(x, state="dead", coming=(), silent=False).put(1 - x, coming=())
        return after._replace(last=None if self.last == x else self.last)

    def follow(self, react: Rule, x: int, event: str) -> tuple[World, bool]:
        """The world after broker x has followed the rule, and whether it serves."""
        try:
            state, serves = react(self.brokers[x].state, event)
        except ValueError:
            return self.dies(x), False
        return self.put(x, state=state), serves

    def heard(self, react: Rule, x: int) -> World:
        """The world after broker x has heard the oldest heartbeat: its patience begins anew."""
        oldest, *rest = self.brokers[x].coming
        return self.put(x, coming=(*rest,), silent=False).follow(react, x, f"peer {oldest}")[0]

    def asked(self, react: Rule, x: int) -> tuple[World, bool]:
        """The world after a client has asked broker x, and whether it was answered."""
        if self.brokers[x].state == "dead":
            return self, False
        event = "request, peer silent" if self.brokers[x].silent else "request"
        after, serves = self.follow(react, x, event)
        return (after._replace(last=x), True) if serves else (after, False)


START = World()

Steps = Iterator[tuple[Step, World]]
Happening = Callable[[Rule, World], Steps]
History = list[tuple[Step, World]]  # each step, and the world after it


# ---- what can happen in any world


def brokers(react: Rule, world: World) -> Steps:
    """Whatever the two can do, or can befall them: each step, and the world after it."""
    for x, y in (0, 1), (1, 0):
        me, (state, coming, silent), peer = NAMES[x], world.brokers[x], world.brokers[y]
        if state == "dead":
            yield (me, "starts again"), world.put(x, state=me)
            continue
        yield (me, "dies"), world.dies(x)
        if peer.state != "dead" and world.link and len(peer.coming) < ROOM:
            yield (me, "says", state), world.put(y, coming=(*peer.coming, state))
        if coming:
            yield (me, "hears", coming[0]), world.heard(react, x)
            yield (me, "misses", coming[0]), world.put(x, coming=coming[1:])
        elif not silent and (peer.state == "dead" or not world.link):
            yield (me, "loses patience"), world.put(x, silent=True)


def anybody(react: Rule, world: World) -> Steps:
    """A client asks one of the two, whoever it has asked before."""
    for x in 0, 1:
        after, answered = world.asked(react, x)
        yield ("a client", "asks", NAMES[x], "answered" if answered else "no answer"), after


# ---- what else a world may have


def cut(react: Rule, world: World) -> Steps:
    """The link is cut, and what is on its way is lost; or it heals."""
    if world.link:
        yield ("the link", "is cut"), world.put(0, coming=()).put(1, coming=())._replace(link=False)
    else:
        yield ("the link", "heals"), world._replace(link=True)


def overtake(react: Rule, world: World) -> Steps:
    """Of two heartbeats on their way to a broker, the later one overtakes the other."""
    for x in 0, 1:
        coming = world.brokers[x].coming
        if len(set(coming)) == 2:
            yield (NAMES[x], "gets first", coming[1]), world.put(x, coming=coming[::-1])


def impatient(react: Rule, world: World) -> Steps:
    """A broker's patience ends although nobody has died."""
    for x in 0, 1:
        state, _, silent = world.brokers[x]
        if state != "dead" and not silent:
            yield (NAMES[x], "loses patience"), world.put(x, silent=True)


def loyal(react: Rule, world: World) -> Steps:
    """A client goes on asking the broker that has answered it; without an answer, the other one."""
    for client, x in enumerate(world.clients):
        after, answered = world.asked(react, x)
        step = f"client {client + 1}", "asks", NAMES[x], "answered" if answered else "no answer"
        yield step, after if answered else after._replace(clients=_turned(world, client))


def lose_requests(react: Rule, world: World) -> Steps:
    """A loyal client's request is lost, so it has no answer and turns to the other broker."""
    for client, x in enumerate(world.clients):
        step = f"client {client + 1}", "asks", NAMES[x], "lost"
        yield step, world._replace(clients=_turned(world, client))


def _turned(world: World, client: int) -> tuple[int, ...]:
    return tuple(1 - x if n == client else x for n, x in enumerate(world.clients))


# ---- the walk


def both_answer(react: Rule, before: World, step: Step, after: World) -> bool:
    """Whether a request was answered while the other broker, who answered last, still would."""
    other = before.last
    return other is not None and after.last == 1 - other and after.asked(react, other)[1]


Wrong = Callable[[Rule, World, Step, World], bool]


def explore(
    react: Rule,
    *happenings: Happening,
    start: World = START,
    wrong: Wrong = both_answer,
) -> tuple[History | None, int]:
    """The shortest history that ends in a wrong step, None without any; and how many worlds."""
    came_from: dict[World, tuple[Step, World] | None] = {start: None}
    todo = deque([start])
    while todo:
        world = todo.popleft()
        for happening in happenings:
            for step, after in happening(react, world):
                if wrong(react, world, step, after):
                    return [*history(came_from, world), (step, after)], len(came_from)
                if after not in came_from:
                    came_from[after] = step, world
                    todo.append(after)
    return None, len(came_from)


def history(came_from: dict[World, tuple[Step, World] | None], world: World) -> History:
    """The steps that led to a world."""
    steps = []
    while found := came_from[world]:
        step, before = found
        steps.append((step, world))
        world = before
    return steps[::-1]


# ---- rules


def published(state: str, event: str) -> tuple[str, bool]:
    """The state diagram in the Guide's chapter 4, "Binary Star". It is wrong."""
    match state, event:
        case "primary", "request" | "request, peer silent":
            return "active", True
        case "primary", "peer backup":
            return "active", False
        case "primary" | "backup", "peer active":
            return "passive", False
        case "active", "request" | "request, peer silent":
            return "active", True
        case "passive", "peer primary" | "peer backup":
            return "active", False
        case "passive", "request, peer silent":
            return "active", True
        case ("active", "peer active") | ("passive", "peer passive"):
            raise ValueError(f"I am {state}, and so is my peer")
    return state, False


def explore_right(*happenings: Happening, start: World = START) -> tuple[History | None, int]:
    """As `explore`, with the rule that lab 14 asks for."""
    return explore(_right, *happenings, start=start)


def _right(state: str, event: str) -> tuple[str, bool]:
    """As published, but a primary that has just started waits for its peer."""
    return (state, False) if (state, event) == ("primary", "request") else published(state, event)


# ---- in words


def told(history: History, start: World = START) -> list[str]:
    """A history in words, a line for each step: what happened, and who is in another state now."""
    lines = []
    worlds = [start, *(world for _, world in history)]
    for number, (step, after) in enumerate(history, 1):
        now = [
            f"; the {NAMES[x]} {'stops' if new.state == 'dead' else f'is {new.state}'}"
            for x, (old, new) in enumerate(
                zip(worlds[number - 1].brokers, after.brokers, strict=True)
            )
            if old.state != new.state and step[1] not in ("dies", "starts again")
        ]
        lines.append(f"{number:2} {_sentence(step)}{''.join(now)}")
    return lines


def _sentence(step: Step) -> str:
    match step:
        case (who, "asks", name, "lost"):
            return f"{who} asks the {name}, and the request is lost"
        case (who, "asks", name, answer):
            return f"{who} asks the {name}: {answer}"
        case (who, "loses patience"):
            return f"the {who} has heard nothing for too long"
        case (who, does, state):
            return f"the {who} {does} “{state}”"
        case ("the link", does):
            return f"the link {does}"
        case (who, does):
            return f"the {who} {does}"
    raise ValueError(f"no step of two brokers: {step}")
