"""What the suite does with a broker over time: heartbeats, silence, expiry.

All that has to be silent for some intervals is so in one scene, at the same time.
"""

from __future__ import annotations

import statistics
import time
from itertools import pairwise

from .broker_commands import second_ready
from .broker_mmi import code_of
from .frames import DISCONNECT, HEARTBEAT, PARTIAL, Command
from .outcome import FAILED, PASSED, UNDECIDED
from .playing import STEP
from .scene import NO_WAY, Scene
from .stage import Peer, Stage, shown

SILENCE = 6  # intervals after which a worker is to be taken for dead
AT_MOST = 12  # intervals after which it has to be
GAPS = 3  # between the broker's heartbeats, that its interval is measured by
NOT_KNOWN = "the broker's interval is not known: give --heartbeat"
TIMED = ("7.B24", "7.B25", "7.B26", "7.B27", "7.B28", "7.B29", "7.B30", "7.B31", "8.B07")
TIMED_02 = ("18.B07", "18.B09")


def measured(stage: Stage) -> float | None:
    """Seconds between the heartbeats that an idle worker has been sent; None: too few.

    Of those that are taken in together, one counts: they have waited for the suite.
    """
    gaps = [after - before for before, after in pairwise(stage.metronome.beats)]
    apart = [gap for gap in gaps if gap > STEP]
    return statistics.median(apart) if len(apart) >= GAPS else None


def heartbeats(stage: Stage, discover: float) -> None:
    """An idle worker's heartbeats, which come all the time."""
    metronome = stage.metronome
    came = -1
    while measured(stage) is None and came != (came := len(metronome.beats)):
        stage.until(lambda: len(metronome.beats) > came, discover)  # as long as some come
    found = measured(stage)
    if found is None:
        verdict = FAILED if stage.given else UNDECIDED
        seen = f"an idle worker got {len(metronome.beats)} HEARTBEATs, and none for {discover:g} s"
        stage.say("7.B24", verdict, seen)
    else:
        bad = metronome.odd_beats
        stage.check("7.B24", not bad, f"a HEARTBEAT of another form: {shown(bad[:1])}")
        stage.interval = stage.interval or found


def regular(stage: Stage) -> None:
    """Whether an idle worker's heartbeats have come all the time, and how regularly.

    Where the suite's own came late by more than an interval, the machine may be the cause.
    """
    if (interval := stage.interval) is None or len(beats := stage.metronome.beats) <= GAPS:
        return
    verdict = UNDECIDED if stage.latest > interval else FAILED
    silent = time.monotonic() - beats[-1]
    if silent > SILENCE * interval:
        stage.say("7.B24", verdict, f"after {len(beats)} HEARTBEATs none came for {silent:.1f} s")
    gaps = [after - before for before, after in pairwise(beats)]
    middle = statistics.median(gaps)
    odd = sum(not middle / 2 <= gap <= 2 * middle for gap in gaps)
    if len(gaps) > 2 * SILENCE and odd > len(gaps) / 8:
        seen = f"{odd} of {len(gaps)} intervals are less than half of the middle one, or twice that"
        stage.say("7.B24", verdict, seen)


class Cast:
    """Who is on stage while the intervals pass, each with a service of its own.

    silent: idle, and says nothing. holder: has a request, and says nothing; spare serves the same.
    busy: has a request, and heartbeats. alone: as silent, for 8/MMI. talker: only ever replies.
    """

    def __init__(self, stage: Stage) -> None:
        self.silent, self.silent_for = self.hire(stage, heartbeats=False)
        self.holder, held_for = self.hire(stage)
        self.waits = stage.client()
        self.held = stage.asked(self.waits, self.holder, held_for, b"held")
        self.holder.silent()
        self.spare = stage.worker(held_for)
        self.busy, busy_for = self.hire(stage)
        self.patient = stage.client()
        self.long = stage.asked(self.patient, self.busy, busy_for, b"long")
        self.alone, self.alone_for = self.hire(stage, heartbeats=False)
        self.talker, self.talker_for = self.hire(stage, heartbeats=False)
        self.beats_before = len(self.busy.beats)

    def hire(self, stage: Stage, *, heartbeats: bool = True) -> tuple[Peer, bytes]:
        """A worker and its service."""
        service = stage.service()
        worker = stage.worker(service)
        worker.heartbeats = heartbeats
        return worker, service


def silence(stage: Stage) -> None:
    """Workers that are silent in one way or another, for six intervals."""
    if (interval := stage.interval) is None:
        for rule in TIMED:
            stage.say(rule, UNDECIDED, NOT_KNOWN)
        return
    cast, asks = Cast(stage), stage.client()
    end = time.monotonic() + SILENCE * interval + 0.3
    talks = True
    while time.monotonic() < end:
        request = talks and stage.asked(asks, cast.talker, cast.talker_for)
        if isinstance(request, Command):
            cast.talker.reply(request, b"still here")
            stage.answered(asks)
        else:
            talks = False
        stage.wait(interval / 2)
    talks = talks and stage.asked(asks, cast.talker, cast.talker_for) is not None
    stage.check("7.B28", talks, "a worker that only replies was given nothing more")
    given = ask_the_dead(stage, cast)
    if (code := code_of(stage, cast.alone_for)) is not None:
        evidence = f"its only worker was silent for {SILENCE} intervals; the answer: {code}"
        stage.check("8.B07", code == "404", evidence)
    of_the_evicted(stage, cast, given)
    of_the_living(stage, cast)


def ask_the_dead(stage: Stage, cast: Cast) -> bool:
    """Whether the worker that was silent is given a request; if so, another is silent longer."""
    stage.client().ask(cast.silent_for, b"are you there?")
    stage.canary()
    if not (given := stage.requests_to(cast.silent)):
        stage.say("7.B26", PASSED)
        return False
    assert stage.interval is not None
    again, service = cast.hire(stage, heartbeats=False)
    stage.wait(AT_MOST * stage.interval)
    stage.client().ask(service, b"and now?")
    stage.canary()
    late = stage.requests_to(again)
    seen = f"silent for {AT_MOST if late else SILENCE} intervals, and given {shown(late or given)}"
    stage.say("7.B26", FAILED if late else UNDECIDED, f"{seen}, beside a live worker of another")
    return True


def of_the_evicted(stage: Stage, cast: Cast, given: bool) -> None:
    """What evicted workers say, and what is said to them."""
    if given:
        stage.say("7.B29", UNDECIDED, "it was never evicted")
    else:
        cast.silent.take()
        cast.silent.command(HEARTBEAT)
        stage.until(lambda: cast.silent.news)
        came = cast.silent.news
        goodbye = stage.dialect.command(DISCONNECT)
        stage.check(
            "7.B29", came[:1] == [goodbye], f"HEARTBEAT of an evicted worker: {shown(came)}"
        )
    resent = [frames for frames in cast.spare.take() if frames[-1:] == (b"held",)]
    stage.say("7.B31", PASSED, "yes" if resent else "no")
    if cast.held is None:
        stage.say("7.B30", UNDECIDED, NO_WAY)
        return
    cast.holder.take()
    cast.holder.reply(cast.held, b"too late")
    stage.until(lambda: cast.holder.news)
    came = cast.holder.news
    reached = "got" if cast.waits.news else "did not get"
    evidence = f"REPLY of an evicted worker: {shown(came)}; the client {reached} it"
    if stage.check("7.B30", came[:1] == [stage.dialect.command(DISCONNECT)], evidence):
        stage.say("7.B30", PASSED)


def of_the_living(stage: Stage, cast: Cast) -> None:
    """Workers that heartbeat were not evicted; whether busy ones are sent heartbeats."""
    beats = len(cast.busy.beats) - cast.beats_before
    often = beats >= SILENCE // 2
    stage.say("7.B25", PASSED, "yes" if often else f"no: {beats} in {SILENCE} intervals")
    if cast.long is None:
        stage.say("7.B27", UNDECIDED, NO_WAY)
        return
    cast.busy.reply(cast.long, b"at last")
    came = stage.answered(cast.patient)
    told = cast.busy.news
    stage.check(
        "7.B27",
        came and not told,
        f"busy, with heartbeats: its reply came: {bool(came)}; it was sent {shown(told)}",
    )
    service = stage.service()
    idle = stage.worker(service)
    stage.wait((stage.interval or 0) * SILENCE / 2)
    stage.check("7.B24", idle.beats, "a second idle worker was sent no HEARTBEAT")
    kept = stage.asked(stage.client(), idle, service)
    stage.check(
        "7.B27", kept, f"idle, with heartbeats: it was given nothing; it got {shown(idle.news)}"
    )


def long_after(play: str, stage: Stage) -> None:
    """A worker is told to go, or goes; then some intervals pass."""
    if (interval := stage.interval) is None:
        stage.say("7.B16" if play == "goodbye" else "7.B12", UNDECIDED, NOT_KNOWN)
        return
    if play == "goodbye":
        worker = stage.worker(stage.service())
        stage.canary()
        worker.silent()
        worker.command(DISCONNECT)
        rule = "7.B16"
    else:
        second_ready(stage)
        worker, rule = stage.watched[-1].worker, "7.B12"
    stage.canary()
    worker.take()
    before = len(worker.beats)
    stage.wait((SILENCE + 1) * interval + 0.3)
    stage.canary()
    goodbye = stage.dialect.command(DISCONNECT)
    later = [frames for frames in worker.take() if frames != goodbye]
    later += [stage.dialect.command(HEARTBEAT)] if len(worker.beats) > before else []
    stage.check(rule, not later, f"some intervals later it got {shown(later)}")


def partials(stage: Stage) -> None:
    """0.2: a worker whose only sign of life are PARTIALs; one that dies after a PARTIAL."""
    if (interval := stage.interval) is None:
        for rule in TIMED_02:
            stage.say(rule, UNDECIDED, NOT_KNOWN)
        return
    service, other = stage.service(), stage.service()
    worker, client = stage.worker(service), stage.client()
    dies, waits = stage.worker(other), stage.client()
    request = stage.asked(client, worker, service, b"long")
    held = stage.asked(waits, dies, other, b"held")
    if request is None or held is None:
        for rule in TIMED_02:
            stage.say(rule, UNDECIDED, NO_WAY)
        return
    worker.silent()
    dies.silent()
    dies.reply(held, b"the beginning", kind=PARTIAL)
    spare = stage.worker(other)
    end = time.monotonic() + SILENCE * interval + 0.3
    while time.monotonic() < end:
        worker.reply(request, b"a part", kind=PARTIAL)
        stage.wait(interval / 2)
    worker.take()
    client.take()
    worker.reply(request, b"the end")
    came = stage.answered(client)
    stage.check("18.B07", came, f"its FINAL did not arrive; it was sent {shown(worker.news)}")
    stage.say("18.B09", PASSED, "yes" if spare.news else "no")


def expired(stage: Stage, expiry: float | None) -> None:
    """A request that has waited for longer than it may."""
    if expiry is None:
        stage.say("7.B08", UNDECIDED, "after how long? give --expiry")
        return
    service = stage.service()
    stage.client().ask(service, b"old")
    stage.wait(1.5 * expiry)
    given = stage.requests_to(stage.worker(service))
    evidence = f"{1.5 * expiry:g} s later a worker got {shown(given)}"
    stage.check("7.B08", not given, evidence)


SCENES = [
    Scene("silence", silence, TIMED, "7.B26"),
    Scene("partial replies over time", partials, TIMED_02, "18.B07"),
    Scene(
        "long after an idle worker's DISCONNECT",
        lambda s: long_after("goodbye", s),
        ("7.B16",),
        "7.B16",
    ),
    Scene("long after a second READY", lambda s: long_after("ready", s), ("7.B12",), "7.B12"),
]
