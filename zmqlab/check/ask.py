"""A plain function on frames, asked many questions: its answers, and rules for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zmqlab.run.threads import Stopped
from zmqlab.run.where import origin

from .call import Call, brief, said
from .report import Finding, failed, passed

Frames = tuple[bytes, ...]
Function = Callable[..., Any]


@dataclass
class Ask:
    """One call of a function with plain arguments, and all that can be told of it."""

    name: str
    given: tuple[list[bytes], ...]  # the arguments, each a list of frames
    left: tuple[list[bytes], ...] = ()  # what the function left of them
    answer: Any = None
    at_once: Any = None  # the answer in plain values, when it was given
    later: Any = None  # and after all the other calls
    error: BaseException | None = None
    text: str = field(default="", repr=False)  # the error's message, with its notes
    where: str = ""
    again: Any = None  # the same asked again, once the caller has written into an answer

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(as_code, self.given))})"


@dataclass(frozen=True)
class Wrong:
    """A value that is not what was asked for, and why not."""

    why: str


def as_code(value: object) -> str:
    """A value as one could type it, if it is not too long."""
    text = brief(value)
    if isinstance(value, (list, tuple)) and len(value) <= 8:
        inside = ", ".join(map(brief, value))
        text = f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return text


def ask(name: str, function: Function, given: tuple[list[bytes], ...], plain: Function) -> Ask:
    """Call the function with copies of what is given, and note the outcome."""
    asked = Ask(name, given)
    asked.left = tuple(list(argument) for argument in given)
    try:
        asked.answer = function(*asked.left)
        asked.at_once = plain(asked.answer)
    except Stopped:
        raise
    except BaseException as error:
        asked.error, asked.where = error, origin(error)
        asked.text = _message(error)
    return asked


def write_into(answer: Any) -> None:
    """Put a frame into the lists of an answer, as a caller may do with what is its own."""
    pair = pair_of(answer)
    for each in (answer,) if pair is None else pair:
        if isinstance(each, MutableSequence):
            each.append(b"the caller's")


def _message(error: BaseException) -> str:
    try:
        return "\n".join([str(error), *map(str, getattr(error, "__notes__", ()))])
    except Exception:
        return ""


def ask_all(
    name: str,
    function: Function,
    questions: Iterable[tuple[list[bytes], ...]],
    plain: Function,
    *,
    within: float,
    again: int = 0,
) -> tuple[list[Ask], Finding | None]:
    """The outcome of every question, and a finding if the function got stuck at one of them.

    plain: an answer of the function → the same in plain values, or Wrong. within: seconds for all
    questions. again: so many of them are asked twice more, the first answer written into.
    """
    asks: list[Ask] = []
    questions = list(questions)
    begun = 0.0

    def all_of_them() -> None:
        nonlocal begun
        for question in questions:
            begun = time.monotonic()
            asks.append(ask(name, function, question, plain))
            if isinstance(asks[-1].error, NotImplementedError):
                return
        for asked in asks:
            if asked.error is None:
                asked.later = plain(asked.answer)
        for asked in asks[:again]:
            if asked.error is None and not isinstance(asked.at_once, Wrong):
                write_into(function(*map(list, asked.given)))
                asked.again = plain(function(*map(list, asked.given)))

    call = Call(name, all_of_them).run(within=within)
    problem = call.problem()
    if problem and len(asks) < len(questions):
        if (
            begun - call.started > within / 2
        ):  # it has been longer at others than at this
            return asks, _slow(call, len(asks), len(questions))
        asked = Ask(name, questions[len(asks)])
        problem = replace(problem, evidence=f"{problem.evidence}\nIt was asked {asked}.")
    return asks, problem


def _slow(call: Call, answered: int, of: int) -> Finding:
    return failed(
        f"{call.name} answers at once",
        f"In {call.waited:g} s it answered {answered} of {of} questions.\nIt was at {call.where}",
        "What does that line do that the frames do not already tell?",
    )


# ------------------------------------------------------------------ answers in plain values


def plain_frames(value: Any) -> Frames | Wrong:
    """A list (tuple, deque …) of bytes as a tuple of bytes."""
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        return Wrong(f"{brief(value)} is one {type(value).__name__}, not a list of frames")
    if not isinstance(value, Sequence):
        return Wrong(f"{brief(value)} is a {type(value).__name__}, not a list")
    found = []
    for item in value:
        if not isinstance(item, bytes):
            return Wrong(f"{brief(item)} in it is a {type(item).__name__}, not bytes")
        found.append(bytes(item))
    return tuple(found)


def plain_pair(value: Any) -> tuple[Frames, Frames] | Wrong:
    """A pair of lists of frames in plain values."""
    pair = pair_of(value)
    if pair is None:
        return Wrong(f"{brief(value)} is a {type(value).__name__}, not a pair (route, body)")
    route, body = map(plain_frames, pair)
    if isinstance(route, Wrong):
        return Wrong(f"the route: {route.why}")
    if isinstance(body, Wrong):
        return Wrong(f"the body: {body.why}")
    return route, body


def pair_of(value: Any) -> tuple[Any, Any] | None:
    """The route and the body in an answer of unwrap, as they are; None if it is no pair.

    Callers write `route, body = unwrap(frames)`: an object has to allow that.
    """
    if isinstance(value, (tuple, list)):
        return (value[0], value[1]) if len(value) == 2 else None
    if isinstance(value, Iterable) and hasattr(value, "route") and hasattr(value, "body"):
        return value.route, value.body
    return None


# ------------------------------------------------------------------ rules


def not_done(asks: Sequence[Ask]) -> Finding | None:
    """The finding for a hole that is still open."""
    for asked in asks:
        if isinstance(asked.error, NotImplementedError):
            return failed(f"{asked.name} is written", f"{asked.name} is not done yet.")
    return None


def runs(asks: Sequence[Ask]) -> Finding | None:
    """The finding for a call that raised though nothing was wrong with its arguments."""
    asked = next((asked for asked in asks if asked.error is not None), None)
    if asked is None:
        return None
    assert asked.error is not None
    hint = "Which part of the message does that line take for granted?"
    if isinstance(asked.error, UnicodeError):
        hint = "An address is bytes, and need not be text: is there any need to decode it?"
    elif not isinstance(asked.error, Exception):
        hint = "That would end the whole program: what is the caller to do with this message?"
    return failed(
        f"{asked.name} runs without an error",
        f"{asked} raised {said(asked.error)}\nat {asked.where}",
        hint,
    )


def answers_are(asks: Sequence[Ask], rule: str) -> Finding:
    """The rule: what comes back is of the right kind."""
    for asked in asks:
        if isinstance(asked.at_once, Wrong):
            hint = "Address and body go back as they came: as bytes, in lists."
            if asked.answer is None:
                hint = "Is there a way through your code without a `return`?"
            evidence = f"{asked} returned {brief(asked.answer)}.\n{asked.at_once.why}."
            return failed(rule, evidence, hint)
    return passed(rule, f"All {len(asks)} answers were.")


def leaves_alone(asks: Sequence[Ask]) -> Finding:
    """The rule: the lists that were handed in are the caller's."""
    name = asks[0].name
    names = ("frames",) if name == "unwrap" else ("route", "body")
    rule = f"{name} leaves {' and '.join(names)} as they were"
    for asked in asks:
        for argument, before, after in zip(names, asked.given, asked.left, strict=True):
            if before != after:
                return failed(
                    rule,
                    f"After {asked} the caller's {argument} was {as_code(after)}.",
                    "The caller may still need it, to write it down or to send it on. A slice or "
                    "a new list leaves it alone; `pop`, `remove`, `append` and `+=` do not.",
                )
    return passed(rule, "The lists were unchanged after each call.")


def answers_stay(asks: Sequence[Ask]) -> Finding:
    """The rule: a later call does not change an earlier answer."""
    rule = f"{asks[0].name} gives a new answer each time"
    for asked in asks:
        if asked.later != asked.at_once:
            return failed(
                rule,
                f"{asked} returned what was asked for, and after later calls the same lists held "
                f"{brief(asked.answer)}.",
                "Is there a list that lives longer than one call?",
            )
        if asked.again is not None and asked.again != asked.at_once:
            return failed(
                rule,
                f"{asked} was called, its caller put a frame into the lists that it got, and the "
                "next such call gave them back with that frame in them.",
                "Is there a list that lives longer than one call?",
            )
    return passed(rule, "No later call changed an earlier answer.")
