"""Lab 01: deal tasks out to workers once all of them are there."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import zmq

from zmqlab.envelope import show
from zmqlab.record.lens import Socket
from zmqlab.wire.tap import Tap

from .call import Call, said
from .cast import Act, Cast, Note, check, follow
from .pipeline import (
    History,
    Rule,
    closed_after_an_error,
    each_once,
    ended_well,
    failed_in_time,
    judged,
)
from .report import Finding, Report, failed, passed, undecided

PATIENT = 3.0  # seconds of patience where the workers do come
PATIENCE = 1.0  # and where one does not
TOO_LATE = 1.5  # times the patience: after that nobody can say that it was kept
SETTLED = 0.2  # seconds in which a feed that deals too soon has done so
NAMES = ("w1", "w2", "w3")
GRACE = 8.0  # seconds that a closed PUSH may linger

BINDS = "workers can connect to the endpoint"
ALL_THERE = "with all workers there, nobody times out"
PROMPT = "with all workers there, feed deals at once"
ARRIVES = "every task arrives, none twice"
EVEN = "every worker gets an even share"
LATE = ", though workers come late"
LINGERS = "no task is lost when the context ends"
FULL = "no task is lost when the queues are full"
RAISES = "too few workers: TimeoutError"
SAYS = "the error says how many came"
IN_TIME = "too few workers: it gives up when its patience is over"
NOTHING_SENT = "too few workers: nothing is sent"
NO_TASKS = "no tasks: nothing is sent"

NUMBER = r"(?<![\w.])(?:{})(?![\w]|\.\d)"  # a word of its own, and not the start of 1.5
WORDS = ["no|none|nobody|zero|0", "one|1", "two|2", "three|3"]


def lab01(feed: Any) -> Report:
    """Check `feed(ctx, endpoint, n_workers, tasks, patience)`.

    Deals to workers that are there before the bind, to workers that come late and over a slow
    link, to too few, to none, to workers that read only after `feed` has returned, and more
    tasks than the queues hold. Takes a few seconds, at most 50.
    """
    return check("lab01", {"feed(ctx, endpoint, n_workers, tasks, patience)": feed}, ACTS)


# ------------------------------------------------------------------ rules


def workers_can_connect(history: History) -> list[Finding]:
    """What is wrong if no worker was ever connected, and feed has had its time."""
    call = history.call
    ended_early = call.error is not None and not isinstance(call.error, TimeoutError)
    if history.when("connected") or not history.tasks or ended_early or _too_soon(history):
        return []
    evidence = f"No worker could connect: feed has {history.bound() or 'bound no socket'}."
    evidence += f"\nIt was at {call.where}" if call.where else ""
    hint = "A PUSH, bound at the endpoint that feed is given: PULL sockets connect to it."
    return failed_in_time(history, history.patience / 4, BINDS, evidence, hint)


def nobody_times_out(history: History) -> list[Finding]:
    """What is wrong if feed has raised a TimeoutError though all workers came."""
    call, margin = history.call, history.patience / 4
    if not isinstance(call.error, TimeoutError):
        return []
    if _too_soon(history):
        return patience_is_kept(history)
    wanted, here = len(history.when("came")), _connected(history, call.ended - margin)
    if here < wanted:
        return [undecided(ALL_THERE, f"Only {here} of the check's {wanted} workers were in time.")]
    evidence = f"All {wanted} workers were connected. Yet feed raised {said(call.error)}"
    hint = "How many did it count, and for how many did it wait? A worker may be there before you "
    hint += "bind, and is connected at once: does your count begin early enough to see it?"
    return failed_in_time(history, margin, ALL_THERE, evidence, hint)


def every_task_arrives(history: History, rule: str = ARRIVES) -> list[Finding]:
    """Each task arrived at one worker, as the one frame that it was."""
    return each_once(history, rule, [hop.frames for hop in history.received()])


def shares_are_even(history: History, rule: str = EVEN) -> list[Finding]:
    """No worker got more than one task more than another."""
    workers = history.when("came")
    got = {who: [h.frames[0] for h in history.received() if h.who == who] for who in workers}
    shares = [len(tasks) for tasks in got.values()]
    if max(shares) - min(shares) <= 1:
        return [passed(rule, f"{len(got)} workers, shares differ by one task at most")]
    told = ", ".join(f"{who} {len(tasks)}" for who, tasks in got.items())
    hint = "PUSH deals to the peers that it has at that moment. Which event tells that a peer can "
    hint += "be sent to, and how many of them did you wait for?"
    story = history.story(*(task for tasks in got.values() for task in tasks[:4]))
    senders = [hop.who for hop in story if hop.way == "sent"]
    lanes = list(dict.fromkeys([*senders, *workers])) if senders else []
    return [failed(rule, f"Tasks per worker: {told}.", hint, story, who=lanes)]


def deals_at_once(history: History) -> list[Finding]:
    """From the moment when all were connected, it took far less than the patience."""
    complete, patience = history.when("all connected").get("feed"), history.patience
    if complete is None:  # its sockets were of another kind
        return []
    seconds = history.call.ended - complete
    if seconds < patience / 2:
        return [passed(PROMPT, "it does not wait for its patience to end")]
    evidence = f"All workers were connected; feed returned {seconds:.1f} s later. Its patience was "
    hint = "Patience is how long feed may wait for a worker. What is there left to wait for?"
    too_late = seconds - patience / 2
    return failed_in_time(history, too_late, PROMPT, f"{evidence}{patience:g} s.", hint)


def waits_for_the_last_task(history: History) -> list[Finding]:
    """What is wrong if a PUSH was closed that waits less than for ever for its tasks to leave.

    Marked "linger": its ZMQ_LINGER then, milliseconds; -1, or all that the Context allows: no end.
    """
    short = [linger for linger in history.values("linger") if 0 <= linger < GRACE * 1000]
    if not short:
        return []
    evidence = f"feed closed its PUSH with a linger of {short[0]} ms: what the workers have not "
    hint = "How long may a worker be busy before it fetches its tasks? ZMQ_LINGER has a value "
    return [failed(LINGERS, f"{evidence}fetched by then is lost.", f"{hint}that does not guess.")]


def nothing_is_sent(history: History, rule: str = NOTHING_SENT) -> list[Finding]:
    """No message left the feed by the endpoint, and none reached a worker."""
    sent = [hop for hop in history.own if hop.way == "sent"] or history.received()
    if not sent:
        return [passed(rule, "no message")]
    evidence = f"{len(sent)} messages were sent, {show(sent[0].frames[:3], 'PUSH')} first."
    hint = "Know first that all are there; deal then."
    return [failed(rule, evidence, hint, history.story(sent[0].frames[0]))]


def gives_up(history: History, came: int = 3, wanted: int = 4) -> list[Finding]:
    """Too few came: a TimeoutError when the patience is over, that says how many came."""
    call, patience = history.call, history.patience
    if call.waited:
        evidence = f"feed had not given up after {call.waited:g} s; its patience was {patience:g} "
        evidence += f"s.\nIt was at {call.where}"
        hint = "What looks at the clock there, and how often?"
        return failed_in_time(history, call.waited / 4, IN_TIME, evidence, hint)
    if call.state == "returned":
        evidence = f"{came} of {wanted} workers came, and feed returned as if all was well."
        hint = "The caller cannot tell this from success: raise TimeoutError."
        return [failed(RAISES, evidence, hint)]
    if not isinstance(call.error, TimeoutError):
        return [history.problem or failed(RAISES, f"feed did not end: {call.state}.")]
    raised = passed(RAISES, f"raised when {came} of {wanted} workers came")
    return [raised, *judged(history, [patience_is_kept, partial(says_how_many, came=came)])]


def patience_is_kept(history: History) -> list[Finding]:
    """It waited as long as it was told: not less, and not half as long again."""
    seconds, patience = history.call.seconds, history.patience
    evidence = f"feed gave up after {seconds:.2f} s; its patience was {patience:g} s."
    if _too_soon(history):
        return [failed(IN_TIME, evidence, "`patience` is in seconds; poll takes milliseconds.")]
    too_late = seconds - max(TOO_LATE * patience, patience + 0.5)
    if too_late <= 0:
        return [passed(IN_TIME, "neither sooner nor much later")]
    hint = "One deadline for all: does your clock start again with every worker?"
    return failed_in_time(history, too_late, IN_TIME, evidence, hint)


def says_how_many(history: History, came: int = 3) -> list[Finding]:
    """The number of those who came stands in the error's text."""
    text, here = said(history.call.error or TimeoutError()), history.call.ended - 0.1
    if (surely := _connected(history, here)) < came:
        return [undecided(SAYS, f"Only {surely} of the check's {came} workers were in time.")]
    named = [n for n in range(came + 1) if re.search(NUMBER.format(WORDS[n]), text, re.I)]
    if came in named:
        return [passed(SAYS, f"it names {came}")]
    evidence = f"{came} workers came; the error was\n{text}"
    hint = "Who reads it wants to know whether nobody came or one is missing."
    if not named:
        return [failed(SAYS, evidence, hint)]
    return failed_in_time(history, 0.2, SAYS, evidence, hint)  # it may have seen fewer


def no_workers(history: History) -> list[Finding]:
    """The same where nobody came at all."""
    found = gives_up(history, came=0, wanted=2)
    return [replace(finding, rule=finding.rule.replace("too few", "no")) for finding in found]


def _too_soon(history: History) -> bool:
    call = history.call
    return isinstance(call.error, TimeoutError) and call.seconds < 0.95 * history.patience


def _connected(history: History, before: float) -> int:
    return sum(moment < before for moment in history.when("connected").values())


# ------------------------------------------------------------------ scripts


def pull(ctx: Any, note: Note, cast: Cast, endpoint: str, hwm: int = 0) -> None:
    """A worker: take tasks until the feed has gone. hwm: how many it takes before it reads."""
    with ctx.socket(zmq.PULL) as tasks:
        if hwm:
            tasks.rcvhwm, tasks.rcvbuf = hwm, 8192
        for _ in follow(tasks, endpoint, note, cast.reading):
            pass


def _deal(cast: Cast, feed: Any, *args: Any, socket_class: type[Socket] = Socket) -> Call:
    _, _, cast.tasks, cast.patience = args
    return cast.call("feed", feed, *args, socket_class=socket_class)


def early(cast: Cast, feed: Any) -> None:
    """Three workers that are there before the bind."""

    class Unhurried(Socket):
        """Comes back from bind when the workers have connected: one of many right orders."""

        def bind(self, addr: str) -> Any:
            bound = super().bind(addr)
            if cast.meets([addr]) and cast.until(lambda: len(cast.marked("connected")) == 3, 2):
                cast.mark("feed", "all connected")
            return bound

    endpoint = cast.endpoint()
    for name in NAMES:
        cast.come(name, pull, cast, endpoint)
    cast.until(lambda: len(cast.marked("tried")) == 3, 2)
    tasks = [b"task %d" % n for n in range(99)]
    call = _deal(cast, feed, endpoint, 3, tasks, PATIENT, socket_class=Unhurried)
    call.wait(PATIENT + 3)


def late(cast: Cast, feed: Any) -> None:
    """Three workers one by one, the last over a link on which a handshake takes its time."""
    endpoint = cast.endpoint()
    tasks = [b"", b" ", b"alike", b"alike", b"\r\n", *(b"\x00\xff%d" % n for n in range(95))]
    call = _deal(cast, feed, endpoint, 3, tasks, PATIENT)

    def deals_too_soon() -> bool:
        return call.done or len(cast.others.journal) > 0

    slow = cast.exits.enter_context(Tap(endpoint))
    slow.stall()
    for name, where in zip(NAMES, (endpoint, endpoint, slow.endpoint), strict=True):
        cast.until(deals_too_soon, SETTLED)
        cast.come(name, pull, cast, where)
    cast.until(lambda: slow.made or call.done, PATIENT)
    cast.until(deals_too_soon, SETTLED)
    slow.resume()
    call.wait(PATIENT + 3)


def one_missing(cast: Cast, feed: Any) -> None:
    """Three of four workers, two of them late."""
    endpoint = cast.endpoint()
    call = _deal(cast, feed, endpoint, 4, [b"task"] * 20, PATIENCE)
    for name, moment in zip(NAMES, (0.0, 0.4, 0.7), strict=True):
        cast.until(lambda: call.done, moment * PATIENCE - call.seconds)
        cast.come(name, pull, cast, endpoint)
    call.wait(3 * PATIENCE)


def nobody(cast: Cast, feed: Any) -> None:
    """Nobody comes at all."""
    _deal(cast, feed, cast.endpoint(), 2, [b"task"] * 20, 0.5).wait(3.0)


def slow_readers(cast: Cast, feed: Any) -> None:
    """Workers that begin to read when feed has returned: much is still in feed's own queues."""
    tasks = [b"task %d " % n + b"." * 500_000 for n in range(30)]
    # A feed that waits for its workers to read is served after four seconds.
    _unread(cast, feed, tasks, "tcp" if sys.platform == "win32" else "ipc", 4.0)


def full_queues(cast: Cast, feed: Any) -> None:
    """Workers that begin to read when all queues are full: by default, a thousand tasks each.

    Over tcp: over ipc, with libzmq 4.3.5, a PULL with a high-water mark of 1 lost 135 of 6000
    tasks when the PUSH closed while it was full; over tcp none.
    """
    _unread(cast, feed, [b"task %d " % n + b"." * 6000 for n in range(4000)], "tcp", 0.5)


def _unread(cast: Cast, feed: Any, tasks: Sequence[bytes], transport: str, seconds: float) -> None:
    """Deal to workers that read nothing for so long, or until feed has returned."""

    class Noting(Socket):
        """Notes how long it will linger, when it is closed."""

        def close(self, linger: int | None = None) -> None:
            if not self.closed and self.note is not None and cast.meets(self.note.bound):
                with contextlib.suppress(zmq.ZMQError):  # the Context is ending
                    cast.mark("feed", "linger", self.get(zmq.LINGER) if linger is None else linger)
            super().close(linger)

    cast.reading.clear()
    endpoint = cast.endpoint(transport)
    for name in NAMES:
        cast.come(name, pull, cast, endpoint, 1)
    call = _deal(cast, feed, endpoint, 3, tasks, PATIENT, socket_class=Noting)
    if not cast.until(lambda: call.done, seconds):
        cast.reading.set()
    call.wait(15.0)


def no_tasks(cast: Cast, feed: Any) -> None:
    """One worker and nothing to do."""
    endpoint = cast.endpoint()
    cast.come("w1", pull, cast, endpoint)
    _deal(cast, feed, endpoint, 1, [], PATIENT).wait(PATIENT + 3)


def _dealt(rule: str) -> list[Rule]:
    arrives = partial(every_task_arrives, rule=rule)
    return [workers_can_connect, nobody_times_out, ended_well, waits_for_the_last_task, arrives]


DEALT: list[Rule] = [*_dealt(ARRIVES), shares_are_even, deals_at_once]
DEALT_LATE: list[Rule] = [*_dealt(ARRIVES + LATE), partial(shares_are_even, rule=EVEN + LATE)]
TOO_FEW: list[Rule] = [gives_up, nothing_is_sent, closed_after_an_error]
NOTHING: list[Rule] = [nobody_times_out, ended_well, partial(nothing_is_sent, rule=NO_TASKS)]
ACTS = [
    Act("three workers that are there before the bind", early, DEALT),
    Act("three workers that come late, one over a slow link", late, DEALT_LATE),
    Act("three of four workers", one_missing, TOO_FEW),
    Act("nobody at all", nobody, [no_workers]),
    Act("workers that read only when feed has returned", slow_readers, _dealt(LINGERS), GRACE),
    Act("more tasks than the queues hold", full_queues, _dealt(FULL), GRACE),
    Act("no tasks", no_tasks, NOTHING),
]
