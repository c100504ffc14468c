"""Plays for a worker that heartbeats: it serves, waits, works for long, and loses its queue.

Each is a script for `hired.Hired`; the sentences of the contract that it can find broken stand
here, and what to look at then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

from . import evictions, hired, plays
from .heartbeats import HEARTBEAT, READY
from .hired import Hired
from .labour import HELD, LONG, PLAIN
from .report import Finding
from .rules import Rule
from .stage import Wrong

FIRST = "a worker says [01] first on each socket, and once"
REPLY = "each request is worked on once, and gets one reply: its envelope, and what work returned"
BODY = "work gets the body, frame by frame"
SINGLE = "work is called for one request at a time"
IDLE = "a worker that waits sends [02] once per interval"
CALLS = "a work that calls beat now and then sends [02] once per interval"
SILENT = "while work does not come back and does not call beat, nothing is sent"
ANEW = "a worker whose queue is silent comes back on a new socket, again and again"
STAYS = "a worker whose queue is heard of stays on its socket"
UNREAD_BEATS = "heartbeats that came while it worked are signs of life: read before you judge"

ITS_OWN = "Who sends heartbeats while work runs? They say that the loop goes round that sends them."
WAITS = "What does the worker do while it waits, and until when does it wait?"
AS_IT_CAME = "Which frames of the request are the work's affair, and which are only to go back?"
NEW = "The queue has forgotten that socket, or never knew it. What does the next one say first?"
READ_FIRST = "What has come by then, and what of it had been read when the worker judged?"


def of_worker(interval: float) -> list[Rule]:
    """What holds for every worker, in the order of blame."""
    hints = {IDLE: WAITS, CALLS: ITS_OWN, SILENT: ITS_OWN}
    return [
        hired.ready_first(FIRST, NEW),
        hired.one_at_a_time(SINGLE, BODY, AS_IT_CAME),
        hired.one_answer_each(REPLY, AS_IT_CAME),
        evictions.once_per_interval(hints, interval, "sent"),
    ]


ENVELOPES: list[tuple[bytes, ...]] = [
    (b"c1", b""),
    (b"\x00\xff\xfe", b"\x00\x00\x00\x07", b""),  # of a REQ that counts its questions
    (b"\x01", b"\x02", b"\x03", b""),
]
BODIES = [
    *(case.body for case in plays.CASES if max(map(len, case.body)) < 999),
    (READY,),
    (HEARTBEAT,),
]


def serve(stage: Hired) -> Iterator[Finding]:
    """Envelopes and bodies of all kinds, one after the other, then three requests at once."""
    stage.open(FIRST)
    (desk,) = stage.desks.values()
    lap = stage.watch.lap(stage.subject.threads() or None)
    stage.pass_time(plays.QUIET / 6)
    yield plays.waited(stage, lap, lap.seconds, "no request comes")
    for number, body in enumerate(BODIES):
        desk.give(*ENVELOPES[number % len(ENVELOPES)], *body)
        stage.answered(REPLY, AS_IT_CAME)
    for number in range(3):
        desk.give(b"c%d" % number, b"", HELD + b" %d" % number)
    stage.begun(REPLY, AS_IT_CAME, desk)
    stage.pass_time(0.1)
    desk.work.release()
    stage.answered(REPLY, AS_IT_CAME)


def at_work(stage: Hired) -> None:
    """Four workers: one idle, then held up; one with long work; one without a queue; one busy.

    The last gets requests and no heartbeats. All have their time together.
    """
    stage.open(FIRST)
    held, long, alone, busy = stage.desks.values()
    alone.talks = busy.talks = False
    number, pulse = count(1), stage.pulse

    def spend(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            busy.give(b"c9", b"", PLAIN + b" %d" % next(number))
            stage.pass_time(min(left, 2 * pulse.interval))

    began = time.monotonic()
    spend(6 * pulse.interval)
    stage.count(IDLE, began, time.monotonic(), *held.who, *long.who)
    for desk, kind in (held, HELD), (long, LONG):
        desk.give(b"c1", b"", kind)
    stage.begun(REPLY, AS_IT_CAME, held, long)
    began = time.monotonic()
    spend(1.4 * pulse.patience)
    stage.count(SILENT, began, time.monotonic(), *held.who, silent=True)
    stage.count(CALLS, began, time.monotonic(), *long.who)
    stage.stays(STAYS, READ_FIRST, busy)
    for desk in held, long:
        desk.work.release()
    stage.answered(REPLY, AS_IT_CAME)
    spend(3 * pulse.interval)
    stage.stays(UNREAD_BEATS, READ_FIRST, held)
    stage.stays(UNREAD_BEATS, READ_FIRST, long)
    if not stage.until(lambda: len(alone.known) > 2, within=4 * pulse.patience):
        came = f"Its queue said nothing, and the worker has come {len(alone.known)} times."
        raise Wrong(stage.trouble(ANEW, came, NEW, *alone.known))
    alone.talks = True
    alone.give(b"c1", b"", PLAIN)
    stage.answered(ANEW, NEW)
