"""A worker's shift: it asks for a task, works, and asks again until there are no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, NamedTuple

import zmq

from zmqlab.record.journal import Frames

from .cast import Cast, Note, follow
from .pipeline import History

READY, NO_MORE = b"READY", b""


class Done(NamedTuple):
    """One task as a worker did it, with times in seconds."""

    task: bytes
    asked: float  # when the worker began to ask
    got: float  # when it had the task
    end: float  # when the work was done


@dataclass
class Shift:
    """What one worker saw, from its first question to its `b""`."""

    name: str
    done: list[Done] = field(default_factory=list)
    asked: float = 0.0  # when the question began that has no answer; 0.0: none
    home: float = 0.0  # when it got its b""; 0.0: never
    strange: Frames | None = None  # an answer that was not one frame


def shifts(history: History) -> list[Shift]:
    """What each worker saw."""
    found: dict[str, Shift] = {}
    for at, who, what, value in history.marks:
        if what in ("came", "works on"):
            found.setdefault(who, Shift(who))
        shift = found.get(who, Shift(who))
        match what:
            case "asks":
                shift.asked = at
            case "works on":
                shift.done.append(Done(value, shift.asked or at, at, at))
                shift.asked = 0.0
            case "has done":
                shift.done[-1] = shift.done[-1]._replace(end=at)
            case "goes home":
                shift.asked, shift.home = 0.0, at
            case "is puzzled":
                shift.asked, shift.strange = 0.0, value
    return list(found.values())


def ask(
    ctx: Any, note: Note, cast: Cast, endpoint: str, seconds: float, routing_id: bytes = b""
) -> None:
    """A worker that is right: ask, work, ask again, until there are no more."""
    work = at_work(cast, note, seconds)
    with ctx.socket(zmq.REQ) as feed:
        if routing_id:
            feed.routing_id = routing_id
        answers = follow(feed, endpoint, note, cast.reading)
        while True:
            note("asks")
            feed.send(READY)
            match next(answers, None):
                case [b""]:
                    note("goes home")
                    return note("gone")
                case [task]:
                    work(task)
                case None:
                    return None
                case frames:
                    note("is puzzled", tuple(frames))
                    return note("gone")


def at_work(cast: Cast, note: Note, seconds: float) -> Callable[[Any], Any]:
    """Work that takes so long, and is noted; what it returns does not matter."""
    results = cycle([NO_MORE, None, False, 0])

    def work(task: Any) -> Any:
        note("works on", task)
        cast.over.wait(seconds)
        note("has done", task)
        return next(results)

    return work
