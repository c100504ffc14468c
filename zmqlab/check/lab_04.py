"""Lab 04: envelopes taken apart and put together, asked by hand and then with live peers.

The same functions get the same report everywhere: the stacks come from a fixed seed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import zmq

from zmqlab.record.journal import Journal
from zmqlab.record.stories import story
from zmqlab.run.threads import GaveUp

from .ask import (
    Ask,
    Function,
    Wrong,
    answers_are,
    answers_stay,
    as_code,
    ask_all,
    leaves_alone,
    not_done,
    pair_of,
    plain_frames,
    plain_pair,
    runs,
)
from .call import Call, brief, said
from .envelopes import parts_are_right, refuses, shows, wrapped_right
from .judge import Scenario, Trial, judge
from .report import Finding, Report, failed, passed, undecided

LIMIT = 5.0  # seconds for all questions to one function
LIVE = 10.0  # seconds for the live peers to get their answers


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

LISTS = "unwrap gives two lists of frames, and a frame is bytes"
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
    asks, problem = ask_all(
        "unwrap", unwrap, questions, plain_pair, within=LIMIT, again=len(EXAMPLES)
    )
    if hole := not_done(asks):
        return asks, [hole]
    bare: list[Ask] = []
    if not problem:
        refused = [(frames,) for frames in BARE]
        bare, problem = ask_all("unwrap", unwrap, refused, plain_pair, within=LIMIT)
    findings = _of_answers(asks, problem, LISTS, parts_are_right, refused=bare)
    if problem:
        return asks, findings
    findings.append(refuses(bare))
    if findings[-1].verdict == "passed":
        findings.append(shows(bare[: len(SHOWN)]))
    return asks, findings


def _wrap(wrap: Function) -> list[Finding]:
    asks, problem = ask_all("wrap", wrap, stacks(), plain_frames, within=LIMIT, again=len(EXAMPLES))
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
                story(journal, *wrong[0], *client.question),
                wrong[0],
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
