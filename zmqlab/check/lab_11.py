"""Lab 11: ask again, and do it once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import zmq

from zmqlab.wire.faults import Fault, Faults
from zmqlab.wire.tap import Tap

from . import asking, retry, serving
from .asking import Question
from .call import Call
from .dispatch import Frames
from .judge import Scenario, judge
from .report import Finding, Report
from .retry import (
    a_copy_for_each_try,
    as_asked,
    asks_often_enough,
    done_once,
    ends,
    gives_up,
    has_the_form,
    leaves_nothing,
    outcomes,
    own_replies,
    returns_at_once,
    returns_its_reply,
    runs,
    uses_no_processor,
    waits_its_patience,
    waits_on,
)
from .serving import Began, Ended, Got, Outcome, Serving
from .serving import brief as in_words


def lab11(ask: Any, serve: Any) -> Report:
    """Check `ask(ctx, endpoint, request_id, body, patience, tries)`, `serve(ctx, endpoint, do)`.

    ask among servers of the check's: that answer, answer nothing, late, with another id, or over
    links that are cut. serve among clients that send copies, also while `do` runs and after it
    has raised. Then both together. Takes some seconds, at most 60.
    """
    functions = {
        "ask(ctx, endpoint, request_id, body, patience, tries)": ask,
        "serve(ctx, endpoint, do)": serve,
    }
    scenarios = [
        *(Scenario(play.title, partial(_alone, play, 0), again=True) for play in OF_ASK),
        *(Scenario(play.title, partial(_alone, play, 1), again=True) for play in OF_SERVE),
        Scenario("your ask with your serve", both, again=True),
    ]
    return judge("lab11", functions, scenarios)


def _alone(play: asking.Play | serving.Play, which: int, *functions: Any) -> list[Finding]:
    return play.perform(functions[which])


# ------------------------------------------------------------------ plays for ask


def reply(request_id: bytes, *frames: bytes, after: float = 0.0) -> asking.Plan:
    """Each copy is answered after so many seconds."""
    return lambda copy, tap: [(after, (b"", request_id, *frames))]


def silence(copy: int, tap: Tap) -> Iterator[tuple[float, Frames]]:
    """No copy is answered."""
    return iter(())


def late(request_id: bytes, after: float) -> asking.Plan:
    """The first copy is answered after so many seconds, the others at once."""
    answer = (b"", request_id, b"late, or not")
    return lambda copy, tap: [(after if copy == 1 else 0.0, answer)]


def cut(copy: int, tap: Tap) -> list[tuple[float, Frames]]:
    """The link is cut when the first copy has come; the others are answered."""
    if copy == 1:
        tap.cut()
        return []
    return [(0.0, (b"", b"cut", b"the link was"))]


def first(way: str) -> Callable[[int, str, int], Fault | None]:
    """The first message that goes this way is lost, with its link."""
    return lambda link, its, number: Fault("cut") if (link, its, number) == (1, way, 0) else None


def others(copy: int, tap: Tap) -> list[tuple[float, Frames]]:
    """Four copies get replies that are for somebody else; then comes the right one."""
    ids = [(b"mine?",), (b"", b"mine"), (b"min",), (b"mine ",)]
    odd: list[Frames] = [(b"", *frames, b"no") for frames in ids]
    if copy <= len(odd):
        return [(0.0, odd[copy - 1])]
    return [(0.0, (b"", b"mine", b"yes"))]


def stream(copy: int, tap: Tap) -> list[tuple[float, Frames]]:
    """The first copy is followed by replies for somebody else, without an end."""
    return [(0.06 * n, (b"", b"another", b"%d" % n)) for n in range(1, 100) if copy == 1]


ALL_BYTES = bytes(range(256))
KINDS: list[tuple[bytes, Frames, Frames]] = [  # id, body, reply
    (b"q1", (b"of one frame",), (b"yes",)),
    (b"\xff\xfe\x00", (b"\xff", b"two frames"), (b"\x00", b"\xff", b"three")),
    (b"\x00", (b"", b"empty ones", b""), (b"", b"", b"back")),
    (ALL_BYTES, (ALL_BYTES,), (ALL_BYTES[::-1],)),
    (b"READY", (b"large", bytes(300_000)), (bytes(300_000),)),
    (b"2", (b"",), ()),
]
FOUND = [has_the_form, runs, ends]
OF_ASK = [
    asking.Play(
        "ask: it is answered",
        [Question(i, body, reply(i, *frames), 2.0, 3) for i, body, frames in KINDS],
        [*FOUND, returns_its_reply, returns_at_once, leaves_nothing],
        [
            (retry.FORM, "each time"),
            (retry.OWN, f"{len(KINDS)} of {len(KINDS)}"),
            (retry.AT_ONCE, "each time"),
        ],
    ),
    asking.Play(
        "ask: nobody answers",
        [
            Question(b"n%d" % tries, (b"is anybody there?",), silence, patience, tries)
            for patience, tries in ((0.25, 3), (0.15, 5), (0.5, 1))
        ],
        [
            *FOUND,
            asks_often_enough,
            waits_its_patience,
            gives_up,
            uses_no_processor,
            leaves_nothing,
        ],
        [
            (retry.SAME, "each time"),
            (retry.TRIES, "1, 3 and 5 times"),
            (retry.PATIENT, "each time"),
            (retry.GIVES_UP, "each time"),
            (retry.WAITS, "each time"),
        ],
    ),
    asking.Play(
        "ask: lost, cut and late",
        [
            Question(b"request", (b"lost",), reply(b"request", b"a"), 0.4, 6, first("→")),
            Question(b"reply", (b"lost",), reply(b"reply", b"b"), 0.4, 6, first("←")),
            Question(b"cut", (b"in the middle",), cut, 0.4, 6),
            Question(b"late", (b"a reply",), late(b"late", 0.6), 0.4, 6),
        ],
        [*FOUND, asks_often_enough, returns_its_reply, leaves_nothing],
        [(retry.LOST, "4 of 4")],
    ),
    asking.Play(
        "ask: replies of others",
        [Question(b"mine", (b"whose?",), others, 0.2, 6)],
        [*FOUND, asks_often_enough, returns_its_reply, leaves_nothing],
        [],
    ),
    asking.Play(
        "ask: more and more of them",
        [Question(b"patient", (b"and no longer",), stream, 0.2, 3)],
        [*FOUND, asks_often_enough, waits_on, gives_up, leaves_nothing],
        [(retry.STRAYS, "it gave up in time")],
    ),
    asking.Play(
        "ask: nobody is there",
        [Question(b"nobody", (b"is there",), None, 0.1, 2)],
        [*FOUND, asks_often_enough, gives_up, leaves_nothing],
        [(retry.STAYS, "also where nobody ever was")],
    ),
]


# ------------------------------------------------------------------ plays for serve

RULES = [as_asked(retry.DONE), done_once(retry.ONCE), own_replies(retry.COPIES)]
BYTES = "Ids and frames are bytes, not text. Bodies and replies may have no frames, or empty ones."
SILENT = (
    "A copy says that its client has no reply yet. What becomes of it in your code if its id is "
    "known?"
)


def copies(stage: Serving) -> None:
    """Two clients: requests, copies of them later, one body under two ids."""
    stage.client("c1")
    stage.client("c2", zmq.REQ)
    stage.ask("c1", b"a", b"pay 5")
    stage.step()
    stage.promise = retry.COPIES
    for who, request_id in (("c1", b"a"), ("c1", b"b"), ("c2", b"a"), ("c1", b"a"), ("c2", b"b")):
        stage.ask(who, request_id, b"pay 5")
        stage.step(SILENT)
    for number in range(3):
        stage.ask("c1", b"a", b"pay 5")
        stage.ask("c1", b"c%d" % number, b"pay %d" % number)
    stage.step(SILENT)


def anything(stage: Serving) -> None:
    """Ids, bodies and replies of all kinds, each twice."""
    stage.client("c1")
    stage.client("c2", zmq.REQ, routing_id=b"\xff\x00")
    for number, (request_id, body, frames) in enumerate([*KINDS, (b"none", (), (b"",))]):
        stage.replies[request_id] = frames
        for who in ("c1", "c2")[:: 1 if number % 2 else -1]:
            stage.ask(who, request_id, *body)
            stage.step(BYTES)


def envelopes(stage: Serving) -> None:
    """A REQ with CORRELATE, and a client behind two proxies."""
    stage.client("c1", zmq.REQ, req_correlate=1)
    stage.client("c2")
    for _ in range(2):
        stage.ask("c1", b"correlated", b"one address more")
        stage.step(retry.WHOSE)
        stage.ask("c2", b"far away", b"two more", addresses=(b"\xfe\x01", b"proxy"))
        stage.step(retry.WHOSE)


def meanwhile(stage: Serving) -> None:
    """Copies of the client and of others while `do` runs; one of these leaves."""
    for number in range(1, 5):
        stage.client(f"c{number}")
    gate = stage.gates[b"slow"] = threading.Event()
    stage.ask("c1", b"slow", b"takes a while")
    if not stage.until(lambda: any(isinstance(event, Began) for event in stage.history)):
        stage.step()
    for who in ("c1", "c2", "c3", "c4"):
        stage.ask(who, b"slow", b"takes a while")
    stage.until(lambda: len(stage.subject.journal) >= 5, within=0.3)  # where it reads meanwhile
    stage.leave("c4")
    gate.set()
    stage.step(SILENT)
    stage.ask("c2", b"slow", b"takes a while")
    stage.step(SILENT)


TRY_AGAIN = "What does your server note before it calls do, and who takes that back?"


def raises(stage: Serving) -> None:
    """`do` raises for one id twice; others are served before, between and after."""
    stage.client("c1")
    stage.client("c2")
    stage.ask("c2", b"before", b"and known")
    stage.step()
    stage.raises[b"hard"] = 2

    def tried(times: int) -> Callable[[], bool]:
        return lambda: (
            sum(isinstance(e, Ended) and e.request_id == b"hard" for e in stage.history) >= times
        )

    for times in (1, 2, 3):
        for _ in range(10):  # a server may lose copies when it begins anew
            stage.ask("c1", b"hard", b"to do")
            if stage.until(tried(times), within=0.5) or stage.subject.over:
                break
        stage.judge()
        if not tried(times)():
            evidence = f"do had raised for {in_words((b'hard',))}, and copies that came after that "
            raise serving.Wrong(stage.trouble(f"{evidence}were not tried.", TRY_AGAIN, b"hard"))
    stage.until(lambda: any(isinstance(event, Got) for event in stage.history), within=1.0)
    stage.ask("c2", b"hard", b"to do")
    stage.ask("c2", b"easy", b"to do")
    stage.ask("c2", b"before", b"and known")
    stage.mark(serving.Left("c1"))  # some of its copies may be lost
    stage.step(SILENT)


def nonsense(stage: Serving) -> None:
    """Messages that are no requests; honest ones after each."""
    stage.client("c1")
    stage.client("c2")
    odd: list[Frames] = [
        (b"",),
        (b"no delimiter",),
        (b"\xff\xfe", b"\x00"),
        (b"", b""),
        (b"a", b"b", b"c", b""),
        (b"x",) * 40,
    ]
    for number, frames in enumerate(odd):
        stage.send("c1", *frames)
        stage.ask("c2", b"honest %d" % number, b"and a request")
        stage.step(f"Before that, c1 had sent {in_words(frames)}. {retry.FRAMES}")


def later(stage: Serving) -> None:
    """Many ids, a quiet while, then copies of the oldest."""
    stage.client("c1")
    for number in range(500):
        stage.ask("c1", b"id %d" % number, b"body")
    stage.step()
    stage.quiet(retry.QUIET, 1.6, 0.2)
    for number in (0, 1, 250, 499):
        stage.ask("c1", b"id %d" % number, b"body")
        stage.step(SILENT)


KEEP = "For how long, and for how many, does your server remember?"
OF_SERVE = [
    serving.Play(
        "serve: requests and copies",
        copies,
        retry.DONE,
        "9 of 9",
        RULES,
        [(retry.ONCE, "one, two and three copies"), (retry.COPIES, "to both clients")],
    ),
    serving.Play(
        "serve: ids, bodies and replies of all kinds",
        anything,
        retry.ANYTHING,
        f"{len(KINDS) + 1} of {len(KINDS) + 1}",
        [
            as_asked(retry.ANYTHING),
            done_once(retry.ONCE),
            own_replies(retry.ANYTHING),
        ],
    ),
    serving.Play(
        "serve: more addresses",
        envelopes,
        retry.ENVELOPE,
        "of clients and proxies",
        [*RULES[:2], own_replies(retry.ENVELOPE)],
    ),
    serving.Play("serve: copies while do runs", meanwhile, retry.MEANWHILE, "5 of 5", RULES),
    serving.Play(
        "serve: do raises",
        raises,
        retry.RAISES,
        "twice",
        [*RULES[:2], a_copy_for_each_try(retry.RAISES), own_replies(retry.COPIES, retry.RAISES)],
    ),
    serving.Play("serve: nonsense", nonsense, retry.NONSENSE, "6 of 6", RULES),
    serving.Play(
        "serve: many ids, and a quiet while",
        later,
        retry.LATER,
        "500 ids",
        [RULES[0], done_once(retry.LATER, KEEP), RULES[2]],
        [(retry.QUIET, "at work for less than 20%")],
    ),
]


# ------------------------------------------------------------------ both

SHARED, ALONE = (b"s1", b"s2", b"s3", b"slow"), (b"t1", b"t2", b"t3", b"t4")
SHORT = 0.2  # seconds of patience


def both(ask: Any, serve: Any) -> list[Finding]:
    """Three clients with ask, two of them with the same ids; links that are cut, by a seed."""

    def client(ctx: Any, stage: Serving, where: str, who: str, ids: Sequence[bytes]) -> None:
        for request_id in ids:
            call = Call("ask", ask)
            call(ctx, where, request_id, [b"of " + request_id], SHORT, 50)
            stage.mark(Outcome(who, request_id, call))
            if call.state != "returned":
                return

    def script(stage: Serving) -> None:
        stage.gates[b"slow"], stage.takes[b"slow"] = threading.Event(), 1.5 * SHORT
        faults = Faults(seed=11, cut=0.1)
        with Tap(stage.endpoint, faults=faults, journal=stage.others.journal) as tap:
            tasks = [
                stage.others.start(who, client, stage, tap.endpoint, who, ids)
                for who, ids in (("c1", SHARED), ("c2", SHARED), ("c3", ALONE))
            ]
            for _ in range(30):  # seconds
                if stage.until(lambda: all(task.done for task in tasks), within=1.0):
                    break
                stage.judge()
        stage.judge()
        if not all(task.done for task in tasks):
            raise serving.Wrong(stage.trouble("Not all calls of ask came to an end."))

    play = serving.Play("both", script, retry.BOTH, "12 of 12", [done_once(retry.BOTH), outcomes])
    return play.perform(serve)
