"""Run a learner's code so that whatever it does becomes a finding, within a limit.

A checker is a list of scenarios. Each runs the learner's functions in threads of an Experiment,
collects plain data and asks pure rules about it:

    def lab01(feed): return judge("lab01", {"feed(ctx, endpoint, …)": feed}, SCENARIOS)

    def _three_workers(feed):                        # one scenario
        call = Call("feed", feed)
        with Trial("lab01") as lab:
            lab.start("feed", call, lab.endpoint(), 3, tasks, 5.0)     # feed(lab.ctx, …)
            call.wait(10)
        if problem := call.problem():
            return [problem]
        return [rule_one(lab.journal), rule_two(call.value)]

The first scenario that does not pass is the last that runs: the rest is reported as not tried.
That keeps a report short and its time bounded.
"""

from __future__ import annotations

import inspect
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zmqlab.learn import progress
from zmqlab.record.journal import Journal
from zmqlab.record.stories import story
from zmqlab.run.experiment import Experiment
from zmqlab.run.interrupt import WholeWiths
from zmqlab.run.threads import stop
from zmqlab.run.where import is_library, origin, place

from .call import HOLE, MOMENT, brief, not_plain, said, unwritten
from .printed import captured
from .report import Finding, Report, failed, undecided


class Trial(Experiment):
    """An experiment with a learner's code in it.

    Its sockets linger as libzmq's do, though at most `grace` seconds. What is stuck in it is for
    the findings to say.
    """

    def __init__(self, name: str, *, grace: float = 1.0, linger: int = -1) -> None:
        super().__init__(name, grace=grace, linger=linger)

    def end(self) -> None:
        """End everything, and say nothing of it."""
        super().end()
        self.stuck.clear()


@dataclass(frozen=True)
class Scenario:
    """One situation: `run` gets the learner's functions and gives findings."""

    title: str  # shown as not tried when an earlier scenario has not passed
    run: Callable[..., Iterable[Finding]]
    again: bool = False  # run once more where nothing failed and something is undecided


def judge(lab: str, functions: Mapping[str, Any], scenarios: Sequence[Scenario]) -> Report:
    """Run the scenarios as long as they pass and report; a pass is noted as progress.

    functions: the contract of each, "feed(ctx, endpoint)", and what the learner handed in for it.
    """
    before = set(threading.enumerate())
    with WholeWiths(), captured() as printed:
        findings = [f for item in functions.items() if (f := uncallable(*item))]
        findings = findings or _all_unwritten(functions)
        if not findings:
            findings = list(_as_long_as_they_pass(scenarios, list(functions.values())))
        findings += threads_left(before)
    report = Report(lab, tuple(findings), printed.text())
    return replace(report, notice=_note_pass(lab)) if report else report


def _all_unwritten(functions: Mapping[str, Any]) -> list[Finding]:
    """A finding for each function if all are holes as the lab ships them, else none.

    A hole does nothing but raise NotImplementedError with words that the lab's builder put there.
    """
    for function in functions.values():
        code = getattr(function, "__code__", None)
        words = [const for const in getattr(code, "co_consts", ()) if isinstance(const, str)]
        if not code or code.co_names != ("NotImplementedError",) or HOLE not in "".join(words):
            return []
    return [unwritten(contract.partition("(")[0]) for contract in functions]


def _as_long_as_they_pass(scenarios: Sequence[Scenario], functions: list[Any]) -> Iterator[Finding]:
    for n, scenario in enumerate(scenarios, 1):
        findings = _findings(scenario, functions)
        yield from findings
        if any(finding.verdict != "passed" for finding in findings):
            if rest := "\n".join(left.title for left in scenarios[n:]):
                yield undecided("not tried yet", rest)
            return


def _findings(scenario: Scenario, functions: list[Any]) -> list[Finding]:
    try:
        found = list(scenario.run(*functions))
        verdicts = {finding.verdict for finding in found}
        if scenario.again and "undecided" in verdicts and "failed" not in verdicts:
            found = list(scenario.run(*functions))
        return found
    except Exception as error:  # ours, not the learner's: say so, and judge nothing by it
        return [
            undecided(
                scenario.title,
                f"The check itself failed: {said(error)}\nat {origin(error)}",
                "This says nothing about your code. Run it again.",
            )
        ]


def together(*journals: Journal, frames: Sequence[bytes] = ()) -> Journal:
    """What several Contexts saw: the stories of these frames; with none given, all."""
    return story(Journal.joined(*journals), *frames)


def uncallable(contract: str, function: Any) -> Finding | None:
    """Why this cannot be called as its contract says; None if it can."""
    name, _, parameters = contract.rstrip(")").partition("(")
    if function is ... or function is None or not callable(function):
        return failed(
            f"{name} is a function",
            f"{brief(function)} ({type(function).__name__}) was handed in for {name}.",
            "Hand in the function itself: its name, without brackets after it.",
        )
    if (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    ):
        return not_plain(name, f"{name} is a coroutine or a generator function")
    try:
        signature = inspect.signature(function)
    except Exception:  # some callables tell nothing
        return None
    try:
        signature.bind(*parameters.split(", "))
    except TypeError as error:
        return failed(
            f"{name} can be called as {contract}",
            f"{name}{signature} cannot: {error}",
            "The check gives the arguments by position, in that order.",
        )
    return None


def threads_left(before: set[threading.Thread]) -> list[Finding]:
    """Findings for threads of the learner that came since and still run. They are stopped."""
    deadline = time.monotonic() + MOMENT
    while (left := learners_threads(before)) and time.monotonic() < deadline:
        left[0].join(0.02)
    if not left:
        return []
    frames = sys._current_frames()
    where = {thread: place(frames.get(thread.ident or 0)) for thread in left}
    stop(left)
    lines = [
        f"The thread {thread.name} "
        f"{'could not be stopped' if thread.is_alive() else 'had to be stopped'}. It was at {line}"
        for thread, line in where.items()
    ]
    shown, more = lines[:3], len(lines) - 3
    if more > 0:
        shown.append(f"… and {more} more")
    return [
        failed(
            "no thread is left running",
            "\n".join(shown),
            "A thread ends when its function does: what is it waiting for?",
        )
    ]


def learners_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    """Live threads that are new and have code of the learner on their stack."""
    frames = sys._current_frames()
    return [
        thread
        for thread in threading.enumerate()
        if thread not in before and _has_learners_code(frames.get(thread.ident or 0))
    ]


def _has_learners_code(frame: Any) -> bool:
    while frame is not None:
        if not is_library(frame.f_code.co_filename):
            return True
        frame = frame.f_back
    return False


def _note_pass(lab: str) -> str:
    """Note the pass in the learner's progress; what has to be said of that. No report fails."""
    try:
        return progress.record(lab)
    except Exception as error:
        return f"This pass could not be noted: {said(error)}."
