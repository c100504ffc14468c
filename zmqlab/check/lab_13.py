"""Lab 13: a server that keeps what it has promised, whenever it is killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count, islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from zmqlab.run import Lives
from zmqlab.run.steps import Step

from . import plays, ready, storing
from .call import said
from .desk import Desk, reading
from .judge import Scenario, judge
from .lab import Lab, Play
from .living import Living
from .promises import (
    ANSWERED,
    CLOSED,
    FETCHED,
    FINISHED,
    FIRST,
    GIVEN,
    HOLDER,
    KEPT,
    ONCE,
    OTHER,
    STRANGER,
    TAKEN,
    kept,
)
from .report import Finding, Report, failed, passed, undecided
from .stage import IN_TIME, Wrong
from .subject import Function, Subject

LIMIT = 90.0  # seconds for the whole check

ENDS = "the server ends with its context and closes its sockets"
GOES_ON = "the server is there until its context ends"
ANYBODY = "any id, any body and any reply, of any client"
ANYTHING = "what is no message of the table ends nothing"
ELSEWHERE = "server can be taken to a process of its own"
SAFE = "safe means: a power cut, too"


def lab13(server: Any) -> Report:
    """Check `server(ctx, frontend, backend, path)`.

    First a dialogue with clients and workers that the check plays. Then the server runs in
    processes of its own: it is killed while it has nothing to do, asked how safe its file is, and
    killed before each of its steps with two requests. Takes some 15 seconds, at most 90.
    """
    deadline = time.monotonic() + LIMIT
    scenarios = [
        *(Scenario(play.title, partial(in_a_thread, play, deadline)) for play in DIALOGUE),
        *(Scenario(play.title, partial(in_a_process, play, deadline)) for play in LIVES),
        Scenario("killed before each of its steps", partial(killed, deadline)),
    ]
    return judge("lab13", {LAB.contract: server}, scenarios)


# ------------------------------------------------------------------ how safe its file is


def power(stage: Desk) -> None:
    """The story without a death; then, what its steps say of the file. Wrong: that is not safe."""
    storing.story(stage)
    assert isinstance(stage.subject, Living)
    if finding := on_disk(stage.subject.life.steps, stage.bound["frontend"]):
        raise Wrong(finding)


def on_disk(steps: Sequence[Step], frontend: str) -> Finding | None:
    """What is wrong with how a store writes, by the steps of a story; None if nothing is."""
    answered, synced = 0, False
    for step in steps:
        if step.kind == "fsync":
            synced = True
        if step.endpoint != frontend:
            continue
        if step.kind == "receive":
            synced = False
            continue
        for synchronous, journal in step.stores:
            if why := careless(synchronous, journal):
                level = SYNCHRONOUS.get(synchronous, str(synchronous))
                return failed(
                    SAFE,
                    f"When it answered, its connection had journal_mode = {journal.upper()} and "
                    f"synchronous = {level}: {why}.",
                    "kill -9 leaves to the system what was written; a power cut does not. When "
                    "does your connection ask for it to reach the disk?",
                )
        answered += 1
        if answered <= 2 and not step.stores and not synced:  # the two REQUESTs come first
            return failed(
                SAFE,
                "From a REQUEST to its [200, id] no connection of sqlite3 had written, and "
                "os.fsync was not called.",
                "What was written to a file is in the memory of the system. Who asks for it to "
                "reach the disk, and when?",
            )
    return None


SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


def careless(synchronous: int, journal: str) -> str:
    """Why a power cut may take what such a connection has committed; "" if it may not."""
    if synchronous == 0:
        return "nothing that it writes is told to reach the disk"
    if journal.lower() in ("off", "memory"):
        return "cut in the middle of a commit, the file is broken"
    if synchronous == 1 and journal.lower() == "wal":
        return "a commit may be gone that was not told to reach the disk"
    return ""


# ------------------------------------------------------------------ how they are played


def perform(play: Play, deadline: float, make: Callable[[], Subject]) -> list[Finding]:
    """The findings of one play, with a path of its own."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = str(Path(folder, "store"))
        found = replace(LAB, more=lambda stage: (path,)).perform(play, make, deadline)
    return [out_of_time() if finding.rule == IN_TIME else finding for finding in found]


def in_a_thread(play: Play, deadline: float, server: Any) -> list[Finding]:
    """With the server in a thread of this process."""
    return perform(play, deadline, lambda: Function("server", server))


def in_a_process(play: Play, deadline: float, server: Any) -> list[Finding]:
    """With the server in processes of its own."""
    lives = taken_along(server)
    if isinstance(lives, Finding):
        return [lives]
    with lives:
        return perform(play, deadline, lambda: Living("server", lives))


def taken_along(server: Any) -> Lives | Finding:
    """The server for other processes; why it cannot be taken there, if it cannot."""
    try:
        return Lives(server)
    except Exception as error:
        return failed(
            ELSEWHERE,
            f"server could not be copied: {said(error)}",
            "Connections, locks, sockets and contexts stay in the process that made them. Let the "
            "server make for itself what it needs.",
        )


def killed(deadline: float, server: Any) -> list[Finding]:
    """The story once for each step, killed before it; then all goes on."""
    lives = taken_along(server)
    if isinstance(lives, Finding):
        return [lives]
    with lives, ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="play") as pool:
        steps = iter(count(1) if lives.forks else next_to_a_promise(lives, deadline))
        while numbers := list(islice(steps, AT_A_TIME)):
            deaths = pool.map(lambda number: dies_before(number, lives, deadline), numbers)
            for number, (found, died) in zip(numbers, deaths, strict=True):
                if any(finding.rule == IN_TIME for finding in found):
                    return [out_of_time(number)]
                if any(finding.verdict != "passed" for finding in found):
                    return found
                if not died:  # there was no such step
                    return [passed(KEPT, EACH), passed(FINISHED, EACH)]
    return [passed(KEPT, EACH), passed(FINISHED, EACH)]


def dies_before(
    number: int, lives: Lives, deadline: float, tries: int = 2
) -> tuple[list[Finding], bool]:
    """What is found when it is killed before this step, and whether it was."""
    server = Living("server", lives, number)
    found = perform(STORY, deadline, lambda: server)
    if tries > 1 and all(finding.verdict == "undecided" for finding in found):
        return dies_before(number, lives, deadline, tries - 1)
    return found, server.lived > 1


AT_A_TIME = min(2, os.cpu_count() or 1)  # most of the time each of them waits
EACH = "two requests, and killed before each step that the server took for them"


def next_to_a_promise(lives: Lives, deadline: float) -> Iterator[int]:
    """The steps that are tried where each costs a process that imports anew."""
    server = Living("server", lives)
    perform(STORY, deadline, lambda: server)
    return next_to(server.life.steps)


def next_to(steps: Sequence[Step]) -> Iterator[int]:
    """The numbers of those before and behind which a message is sent, or something is kept."""

    def matters(step: Step) -> bool:
        statement = step.what if isinstance(step.what, str) else ""
        keeps = statement.lstrip().upper().startswith(COMMITS)
        return keeps or step.kind in ("send", "fsync")

    marks = [False, *map(matters, steps), False]
    for number, (before, behind) in enumerate(pairwise(marks), 1):
        if before or behind:
            yield number


COMMITS = ("COMMIT", "END", "INSERT", "UPDATE", "DELETE", "REPLACE")


def out_of_time(number: int = 1) -> Finding:
    """Nothing is known of what was not tried: of this step, and those behind it."""
    tried = f"Killed before each of its first {number - 1} steps, it kept what it had promised. "
    return undecided(
        IN_TIME,
        f"{tried if number > 1 else ''}The {LIMIT:g} s of the check are over.",
        "Every message took long. This may be the machine: run it again when it has less to do.",
    )


# ------------------------------------------------------------------ all plays


ALL = f"{len(storing.CASES)} of {len(storing.CASES)}"
ALL_ODD = f"{len(storing.OF_CLIENTS)} of {len(storing.OF_CLIENTS)}"
DIALOGUE = [
    Play(
        "one client, one worker",
        storing.answers,
        TAKEN,
        "before a worker was there, while it worked, and afterwards",
        [kept],
        {
            ANSWERED: "all of them",
            OTHER: "other frames, and the same octets in other frames",
            FETCHED: "three times",
            STRANGER: "before it was known, and after it was closed",
            GIVEN: "as soon as it was there",
            ENDS: "and not before",
        },
    ),
    Play("all kinds of ids and bodies", storing.anybody, ANYBODY, ALL, [kept]),
    Play("closed in between", storing.closes, CLOSED, "waiting, held and finished", [kept]),
    Play(
        "replies that nobody waits for",
        storing.strangers,
        HOLDER,
        "of another worker, and for another id",
        [kept],
        {FIRST: "the second was another one"},
    ),
    Play("many at once", storing.many, ONCE, "four clients, two workers", [kept]),
    Play("nonsense", storing.nonsense, ANYTHING, ALL_ODD, [kept]),
    Play("a quiet while", storing.quiet, GOES_ON, "also after a quiet while", [kept]),
]
LIVES = [
    Play("started again", storing.again, KEPT, "killed twice, with nothing to do", [kept]),
    Play("how safe its file is", power, SAFE, "what it answers by is on the disk", [kept]),
]
STORY = Play("killed before a step", storing.story, KEPT, EACH, [kept])

LAB = Lab(
    name="lab13",
    contract="server(ctx, frontend, backend, path)",
    ends={"client": "frontend", "worker": "backend"},
    reading=reading,
    says=ready.SAYS,
    reply=ready.reply,
    makes_do=lambda frames: None,
    work=plays.work,
    plays=[STORY],  # ENDS is told by the first of DIALOGUE
    stage=Desk,
)
