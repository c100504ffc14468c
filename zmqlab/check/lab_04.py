"""Lab 04: envelopes taken apart and put together, asked by hand and then with live peers.

The same functions get the same report everywhere: the stacks come from a fixed seed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import zmq

from zmqlab.record.journal import Journal
from zmqlab.record.stories import story
from zmqlab.run.threads import GaveUp, Stopped
from zmqlab.run.where import origin

from .call import Call, brief, said
from .judge import Scenario, Trial, judge
from .report import Finding, Report, failed, passed, undecided

LIMIT = 5.0  # seconds for all questions to one function
LIVE = 10.0  # seconds for the live peers to get their answers

Frames = tuple[bytes, ...]
Function = Callable[..., Any]


def lab04(unwrap: Function, wrap: Function) -> Report:
    """Judge `unwrap(frames)` -> (route, body) and `wrap(route, body)` -> frames.

    Some two hundred stacks of frames each, then clients that ask through up to three brokers.
    Takes a moment, at most 40 seconds.
    """
    return judge(
        "lab04",
        {"unwrap(frames)": unwrap, "wrap(route, body)": wrap},
        [
            Scenario("unwrap and wrap do what they promise", _asked),
            Scenario(EVERY_CLIENT, _live),
        ],
    )


# ------------------------------------------------------------------ the rules, in words

PARTS = "the route is all before the first empty frame, the body all after it"
LISTS = "unwrap gives two lists of frames, and a frame is bytes"
RAISES = "no empty frame: ValueError"
SHOWS = "the error shows the frames"
WRAPS = "wrap gives the route, an empty frame, the body"
ONE_LIST = "wrap gives one list of frames, and a frame is bytes"
INVERSE = "wrap takes what unwrap gives, and gives the frames back"
EVERY_CLIENT = "every client gets its own answer, through 0 to 3 brokers"

AUTOMATIC = bytes.fromhex("006b8b4567")  # an address as a ROUTER makes it up
LONG = bytes(70_000)  # more than two bytes can count

EXAMPLES: list[tuple[list[bytes], list[bytes]]] = [
    ([b"anna"], [b"hello"]),
    ([AUTOMATIC], [b"hello"]),
    ([b"broker", b"anna"], [b"hello"]),
    ([b"anna"], [b"hello", b"world"]),
    ([b"anna"], [b""]),  # a body of one empty frame
    ([b"anna"], [b"one", b"", b"two"]),
    ([b"anna"], [b"hello", b""]),
    ([b"anna"], [b"", b"hello"]),
    ([b"anna"], []),
    ([], [b"hello"]),  # an answer as a DEALER gets it
    ([], [b"", b""]),
    ([], []),
    ([b"anna", b"anna"], [b"anna"]),
    ([b" ", b"\0"], [b" ", b"\0"]),
    ([b"\0\0\0\0\0", b"\xff\xfe", b"c\0d"], [b"\xff", b"\0"]),
    ([b"r3", b"r2", b"r1", AUTOMATIC], [b"READY", b"<IDS|MSG>"]),
]
SHOWN = [
    [b"READY"],
    [AUTOMATIC, b"hello"],
    [b"broker-2", b"broker-1", b"client-7", b"part one", b"part two", b"part three"],
]
BARE = [*SHOWN, [], [b" "], [b"\0"], [b"\0\0\0\0\0", b" ", b"\n"]]


def stacks() -> list[tuple[list[bytes], list[bytes]]]:
    """Routes and bodies to ask about: the examples, simple ones first, and 200 drawn by chance."""
    dice = Random("lab04")

    def address() -> bytes:
        return dice.choice((AUTOMATIC, b"\0" + dice.randbytes(4), dice.randbytes(1), b"anna"))

    def content() -> bytes:
        return dice.choice((b"", b"", dice.randbytes(dice.randint(1, 9)), b"hello", LONG))

    drawn = [
        (
            [address() for _ in range(dice.randint(0, 6))],
            [content() for _ in range(dice.randint(0, 5))],
        )
        for _ in range(200)
    ]
    return EXAMPLES + drawn


# ------------------------------------------------------------------ asking


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
    name: str, function: Function, questions: Iterable[tuple[list[bytes], ...]], plain: Function
) -> tuple[list[Ask], Finding | None]:
    """The outcome of every question, and a finding if the function got stuck at one of them."""
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
        for asked in asks[: len(EXAMPLES)]:
            if asked.error is None and not isinstance(asked.at_once, Wrong):
                write_into(function(*map(list, asked.given)))
                asked.again = plain(function(*map(list, asked.given)))

    call = Call(name, all_of_them).run(within=LIMIT)
    problem = call.problem()
    if problem and len(asks) < len(questions):
        if begun - call.started > LIMIT / 2:  # it has been at this question for less than at others
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


def parts_are_right(asks: Sequence[Ask]) -> Finding:
    """The rule: each message is split at its first empty frame."""
    for asked in asks:
        frames = asked.given[0]
        at = frames.index(b"")
        expected = tuple(frames[:at]), tuple(frames[at + 1 :])
        if asked.at_once != expected:
            return failed(
                PARTS,
                f"{asked} returned {_pair_as_code(asked.at_once)}.\n"
                f"Asked for: {_pair_as_code(expected)}.",
                _likely(frames, asked.at_once),
            )
    return passed(PARTS, f"{len(asks)} messages, with 0 to 6 addresses and 0 to 5 frames of body")


def _pair_as_code(pair: tuple[Frames, Frames]) -> str:
    return f"({as_code(list(pair[0]))}, {as_code(list(pair[1]))})"


def _likely(frames: list[bytes], got: tuple[Frames, Frames]) -> str:
    """What may have gone wrong, as a question."""
    route, body = got
    at, last = frames.index(b""), len(frames) - 1 - frames[::-1].index(b"")
    before, after = tuple(frames[:at]), tuple(frames[at + 1 :])
    splits = [(tuple(frames[:n]), tuple(frames[n + 1 :])) for n in range(len(frames))]
    if (route, body) == (after, before):
        return "Which of the two comes first?"
    if (route, body) == (before[::-1], after):
        return "Outermost first: in the order in which they stand in the message."
    if last > at and (route, body) == splits[last]:
        return "A body may hold empty frames of its own. Which of them is the delimiter?"
    if b"" in after and body == tuple(frame for frame in after if frame):
        return "A body may hold empty frames of its own, and they belong to it."
    if (route, body) in splits[:at]:
        if frames[len(route)].strip(b"\0 \n"):
            return "Not every message has its delimiter in the same place: where is it here?"
        return "Empty is a frame of length 0; a blank or a zero byte is content."
    if b"" in route or body == (b"", *after):
        return "The delimiter stands between the two; it is part of neither."
    if len(before) > 1 and len(route) == 1:
        return "One ROUTER more on the way is one address more."
    if (route, body) == (before, after[:1]):
        return "A body may have any number of frames."
    return "Look for the first frame that is empty, and take all of it on either side."


def wrapped_right(asks: Sequence[Ask]) -> Finding:
    """The rule: addresses, delimiter and body, in this order and complete."""
    for asked in asks:
        route, body = asked.given
        expected = (*route, b"", *body)
        if asked.at_once != expected:
            return failed(
                WRAPS,
                f"{asked} returned {as_code(list(asked.at_once))}.\n"
                f"Asked for: {as_code(list(expected))}.",
                _likely_wrap(route, body, asked.at_once),
            )
    return passed(WRAPS, f"{len(asks)} messages, with 0 to 6 addresses and 0 to 5 frames of body")


def _likely_wrap(route: list[bytes], body: list[bytes], got: Frames) -> str:
    if b"" in body and got == (*route, b"", *(frame for frame in body if frame)):
        return "An empty frame in the body belongs to it."
    if got == (*route, *body):
        return "Where do the addresses end? Whoever gets this cannot tell."
    if got == (*body, b"", *route):
        return "Which of the two goes first?"
    if got == (*reversed(route), b"", *body):
        return "Outermost first: in the order in which they stand in the route."
    return "The addresses, then one empty frame, then the body: whatever is in them, or not."


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


def refuses(asks: Sequence[Ask]) -> Finding:
    """The rule: a message without an empty frame is a ValueError."""
    for asked in asks:
        if asked.error is None:
            hint = "Empty is a frame of length 0; a blank or a zero byte is content."
            if any(frame.strip(b"\0 \n") for frame in asked.given[0]) or not asked.given[0]:
                hint = "Without a delimiter nobody can tell where the addresses end: do not guess."
            return failed(RAISES, f"{asked} returned {brief(asked.answer)}.", hint)
        if not isinstance(asked.error, ValueError) or isinstance(asked.error, UnicodeError):
            return failed(
                RAISES,
                f"{asked} raised {said(asked.error)}\nat {asked.where}",
                "A caller that expects a ValueError catches nothing else.",
            )
    return passed(RAISES, f"{len(asks)} messages without one")


def shows(asks: Sequence[Ask]) -> Finding:
    """The rule: who reads the error sees which message it was."""
    for asked in asks:
        hidden = [frame for frame in asked.given[0] if not is_shown(frame, asked.text)]
        if hidden:
            text = " ".join(asked.text.split())[:200]
            return failed(
                SHOWS,
                f"The error of {asked} says: {text or 'nothing at all'}\n"
                f"No trace in it of {brief(hidden[0])}.",
                "Whoever reads this in a log at night wants to know what came. Put the frames "
                "into the message, as `repr` or as hex.",
            )
    return passed(SHOWS, "Every frame was in the message.")


def is_shown(frame: bytes, text: str) -> bool:
    """Whether a text shows this frame in any of the usual ways, with no byte left out."""
    decoded = {
        frame.decode(encoding, errors)
        for encoding in ("utf-8", "latin-1")
        for errors in ("replace", "backslashreplace")
    }
    as_text = {repr(frame)[2:-1], base64.b64encode(frame).decode(), *decoded}
    as_text |= {quoted(found)[1:-1] for found in decoded for quoted in (repr, ascii, json.dumps)}
    if any(found in text for found in as_text if found):
        return True
    numbers = re.findall(r"\d+", text)
    wanted = list(map(str, frame))
    if any(numbers[n : n + len(wanted)] == wanted for n in range(len(numbers))):
        return True
    return frame.hex() in re.sub(r"0x|\\x|[^0-9a-f]", "", text.lower())


# ------------------------------------------------------------------ asked by hand


def _asked(unwrap: Function, wrap: Function) -> list[Finding]:
    taken, of_unwrap = _unwrap(unwrap)
    findings = of_unwrap + _wrap(wrap)
    if all(finding.verdict == "passed" for finding in findings):
        findings.append(_inverse(taken, wrap))
    return findings


def _unwrap(unwrap: Function) -> tuple[list[Ask], list[Finding]]:
    """The calls of unwrap that are to be answered, and all findings on it."""
    questions = [([*route, b"", *body],) for route, body in stacks()]
    asks, problem = ask_all("unwrap", unwrap, questions, plain_pair)
    if hole := not_done(asks):
        return asks, [hole]
    bare: list[Ask] = []
    if not problem:
        bare, problem = ask_all("unwrap", unwrap, [(frames,) for frames in BARE], plain_pair)
    findings = _of_answers(asks, problem, LISTS, parts_are_right, refused=bare)
    if problem:
        return asks, findings
    findings.append(refuses(bare))
    if findings[-1].verdict == "passed":
        findings.append(shows(bare[: len(SHOWN)]))
    return asks, findings


def _wrap(wrap: Function) -> list[Finding]:
    asks, problem = ask_all("wrap", wrap, stacks(), plain_frames)
    if hole := not_done(asks):
        return [hole]
    return _of_answers(asks, problem, ONE_LIST, wrapped_right)


def _of_answers(
    asks: Sequence[Ask],
    problem: Finding | None,
    kind: str,
    right: Callable[[Sequence[Ask]], Finding],
    refused: Sequence[Ask] = (),
) -> list[Finding]:
    """Findings on calls that all should be answered: errors, kinds, contents, manners.

    A rule counts as kept only if every call was answered. `refused` are calls that are to raise:
    they, too, leave their arguments alone.
    """
    answered = [asked for asked in asks if asked.error is None]
    sound = [asked for asked in answered if not isinstance(asked.at_once, Wrong)]
    found = [finding for finding in (runs(asks), problem) if finding is not None]
    rules = [answers_are(answered, kind)] if answered else []
    rules += [right(sound)] if sound else []
    rules += [leaves_alone([*asks, *refused])] if asks else []
    rules += [answers_stay(sound)] if sound and not problem else []
    complete = not found and len(sound) == len(asks)
    return found + [rule for rule in rules if complete or rule.verdict != "passed"]


def _inverse(taken: Sequence[Ask], wrap: Function) -> Finding:
    """Whether wrap takes an answer of unwrap as it is, whatever kind of lists it is made of."""
    wrong: list[Finding] = []

    def all_of_them() -> None:
        for asked in taken:
            pair = pair_of(asked.answer)
            assert pair is not None
            frames = plain_frames(wrap(*pair))
            if frames != tuple(asked.given[0]):
                evidence = f"wrap(*{asked}) gave {brief(frames)}."
                wrong.append(failed(INVERSE, evidence, "What does wrap expect, and what gets it?"))
                return

    call = Call("wrap", all_of_them).run(within=LIMIT)
    if call.error is not None:
        return failed(
            INVERSE,
            f"Given an answer of unwrap, wrap raised {said(call.error)}\nat {call.where}",
            "Are the route and the body of the kind that wrap expects: lists, or tuples?",
        )
    if problem := call.problem():
        return problem
    return wrong[0] if wrong else passed(INVERSE, f"{len(taken)} messages there and back")


# ------------------------------------------------------------------ live


@dataclass
class Client:
    """A client, how it asks, and what came back."""

    name: str
    brokers: int  # that a question passes before it comes to the learner's ROUTER
    question: list[bytes]
    routing_id: bytes = b""
    correlate: bool = False
    answers: list[list[bytes]] = field(default_factory=list)


TIMES = 3  # questions of each client, one after the other


def clients() -> list[Client]:
    """One for each number of brokers, and one for each thing that has been got wrong before."""
    plain = [Client(f"client {n}", n, [b"question", b"%d" % n]) for n in range(4)]
    return [
        *plain,
        Client("empty body", 1, [b""]),
        Client("empty frames", 3, [b"", b"between", b""]),
        Client("odd name", 1, [b"named"], routing_id=b"c\0\xff"),
        Client("numbered", 2, [b"numbered"], correlate=True),  # a frame more before the delimiter
    ]


def _live(unwrap: Function, wrap: Function) -> Iterator[Finding]:
    asking = clients()
    with Trial("lab04") as lab:
        places = [lab.endpoint() for _ in range(4)]
        call = Call("your code", lambda ctx: _serve(ctx, places[0], unwrap, wrap))
        lab.start("your code", call)
        for n in range(1, 4):
            lab.start(f"broker {n}", _broker, places[n], places[n - 1])
        for client in asking:
            lab.start(client.name, _ask_live, places[client.brokers], client)
        with contextlib.suppress(GaveUp):
            lab.until(
                lambda: call.done or all(len(c.answers) == TIMES for c in asking), within=LIVE
            )
    if problem := call.raised():
        yield problem
        return
    yield everyone_got_its_answer(asking, lab.journal)


def _serve(ctx: zmq.Context[Any], endpoint: str, unwrap: Function, wrap: Function) -> None:
    """Answer every request with its own body, by the learner's functions."""
    with ctx.socket(zmq.ROUTER) as requests:
        requests.bind(endpoint)
        while True:
            answer = unwrap(requests.recv_multipart())
            pair = pair_of(answer)
            if pair is None:
                raise TypeError(f"unwrap returned {brief(answer)}")
            route, body = pair
            requests.send_multipart(wrap(route, [b"answer", *body]))


def _broker(ctx: zmq.Context[Any], front: str, back: str) -> None:
    with ctx.socket(zmq.ROUTER) as clients, ctx.socket(zmq.DEALER) as onward:
        clients.bind(front)
        onward.connect(back)
        zmq.proxy(clients, onward)


def _ask_live(ctx: zmq.Context[Any], endpoint: str, client: Client) -> None:
    with ctx.socket(zmq.REQ) as socket:
        if client.routing_id:
            socket.routing_id = client.routing_id
        if client.correlate:
            socket.req_correlate = True
        socket.connect(endpoint)
        for _ in range(TIMES):
            socket.send_multipart(client.question)
            client.answers.append(socket.recv_multipart())


def everyone_got_its_answer(asked: Sequence[Client], journal: Journal) -> Finding:
    """The rule: each client has had an answer to each question, and each time its own."""
    for client in asked:
        expected = [b"answer", *client.question]
        wrong = [answer for answer in client.answers if answer != expected]
        if wrong:
            return failed(
                EVERY_CLIENT,
                f"{client.name} asked {as_code(client.question)}, with {client.brokers} brokers "
                f"between, and got {as_code(wrong[0])}.",
                "Is the body that goes out the one that came in?",
                story(journal, client.question[-1]),
            )
    silent = [client for client in asked if len(client.answers) < TIMES]
    if silent:
        names = ", ".join(client.name for client in silent)
        return undecided(
            EVERY_CLIENT,
            f"No answer within {LIVE:g} s for: {names}.",
            "By hand all was well, so this may be a slow machine. Run it again.",
        )
    return passed(EVERY_CLIENT, f"{len(asked)} clients, {TIMES} questions each")
