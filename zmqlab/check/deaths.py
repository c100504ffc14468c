"""Plays for a queue that notices dead workers: whose turn it is, a quiet while, deaths.

Each is a script for `heartbeats.Beating`; the sentences of the contract that it can find broken
stand here, and what to look at then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import count
from random import Random
from typing import Any

import zmq

from . import plays
from .dispatch import Dead, Frames, Given, Silent
from .heartbeats import HEARTBEAT, READY, Beating
from .report import Finding

CARRIED = "a request goes to an idle worker as it came, and its reply to the client"
ONE = "a worker that has a request is given no other before it has replied: no heartbeat ends that"
LONGEST = "of several idle workers, the one that has been idle longest is given the request"
UNREAD = "with nobody idle, requests stay unread in the frontend"
STRANGER = "who has not said [01] is no worker: it is given nothing and sent nothing"
ANYBODY = "any client, any envelope, any body and any reply"
ANYTHING = "what is no request and no reply ends nothing, and nobody gets it"
LEAVERS = "clients that leave before their reply end nothing"
BEATS = "every worker, idle or busy, gets [02] once per interval, whatever else goes on"
LIVES = "a worker that is heard of in time is not evicted"
DEAD = "who was silent for too long is given nothing and sent nothing until it says [01] again"
HANDED = "the request of a dead worker goes to the next idle one, before all others"
LATE = "a client gets exactly one reply: what comes from somebody else goes to nobody"
BACK = "an evicted worker that says [01] is idle again"
READS = "what has come and is not read yet is a sign of life: read before you judge"

FORM = "Everything up to the first empty frame is the way back, however many frames that are."
WHOSE = "The envelope of a reply says whose it is. Does this worker hold that request now?"
STATE = "What does [02] say of a worker, and what does it not say? Who may change what it holds?"
LINE = "At which two messages does a worker become idle? Which others move it in your queue?"
READ_LATE = "How does the queue know that somebody is idle, before it looks at the frontend?"
KNOWN = "Which message makes a worker known, and what takes that back?"
SENT = "When is the next heartbeat due, and what wakes your queue then if nothing comes?"
ALIVE = "When was this worker heard of last, and what do you compare that with?"
ENDED = "A worker is dead: go through all that you keep of it, whether it is idle or busy."


def turns(stage: Beating) -> None:
    """Three workers; requests, answers, heartbeats and [01] again, one step at a time."""
    names, chance, number = ["w1", "w2", "w3"], Random(10), count(1)
    stage.hire(*names)
    stage.hush()  # here they heartbeat when they are told to
    client, stranger = stage.client("c1"), stage.peer("worker", "stranger")

    def says(peer: Any, *what: bytes) -> None:
        peer.send(*what)
        stage.calm(lambda: not stage.ledger.unread)

    def ask() -> None:
        client.ask(b"request %d" % next(number))
        stage.step()

    for frames in (HEARTBEAT,), (READY, b"service"), (b"\x03",):
        for who in chance.sample(names, 3):
            says(stage.named(who), HEARTBEAT)  # each has a request to come: it stays where it was
        says(stage.named(chance.choice(names)), READY)
        says(stranger, *frames)
        for _ in names:
            ask()
            for who in [*stage.ledger.busy]:
                says(stage.named(who), HEARTBEAT)
        client.ask(b"everybody is busy, %d" % next(number))
        for who in names:
            says(stage.named(who), chance.choice([HEARTBEAT, READY]))
        stage.calm()
        for who in chance.sample(names, 3):
            stage.answer(who)
            stage.step()
        stage.answer_all()
        stage.step()


def nobody_idle(stage: Beating) -> Iterator[Finding]:
    """Requests with no worker there, then with all of them busy; a stranger heartbeats."""
    clients = [stage.client(f"c{n}", zmq.REQ) for n in range(1, 5)]
    for client in clients:
        client.ask(client.name.encode())
    yield plays.waits(stage, plays.QUIET / 8, "requests wait, and no worker is there")
    stage.peer("worker", "stranger").send(HEARTBEAT)
    stage.calm()
    stage.hire("w1", "w2")
    stage.step()
    yield plays.waits(stage, plays.QUIET / 8, "requests wait, and all workers are busy")
    while stage.ledger.busy:
        stage.answer(next(iter(stage.ledger.busy)))
        stage.step()
    plays.fill(stage, UNREAD)


def odd(stage: Beating, of_clients: Sequence[Frames], of_workers: Sequence[Frames]) -> None:
    """Messages that are no requests and no replies, of a worker while it is busy and while idle.

    Beside each goes a request that another worker answers.
    """
    stage.hire("w1", "w2")
    client, other, babbler = (stage.client(name) for name in ("c1", "c2", "c3"))
    worker = stage.named("w1")
    for busy in True, False:
        if busy:
            client.ask(b"w1 is at that")
            stage.step()
        of_both = [
            *((babbler, odd) for odd in of_clients if busy),
            *((worker, odd) for odd in of_workers),
        ]
        for number, (says, frames) in enumerate(of_both):
            says.send(*frames)
            said = stage.last
            other.ask(b"c2 asks, %d, %d" % (busy, number))
            stage.last = said
            stage.step()
            stage.answer([*stage.ledger.busy][-1])
            stage.last = said
            stage.step()
        stage.calm()
        stage.answer_all()
        stage.step()
    babbler.ask(b"c3 asks, too")
    plays.round_trip(stage)


def quiet(stage: Beating) -> Iterator[Finding]:
    """A busy and an idle worker, and nothing comes for some intervals, though not for too many."""
    stage.hire("w1", "w2")
    client = stage.client("c1")
    client.ask(b"before the quiet")
    stage.step()
    stage.hush()
    lap, began = stage.watch.lap(stage.subject.threads() or None), time.monotonic()
    stage.pass_time(12 * stage.pulse.interval)
    ended = time.monotonic()
    yield plays.waited(stage, lap, lap.seconds, "a worker is busy, one is idle, nothing comes")
    stage.speak("w1", "w2")
    for n in range(2):
        stage.answer_all()
        client.ask(b"after the quiet, %d" % n)
        stage.step(LIVES, ALIVE)
    stage.answer_all()
    stage.step(LIVES, ALIVE)
    stage.count(BEATS, began, ended, "w1", "w2")


SIGNS = 3 * (READY,) + 3 * (b"\x03",)  # without those of one kind a worker is silent for too long


def die(stage: Beating) -> None:
    """Two busy workers die, and an idle one; one lives, a stranger heartbeats all the while."""
    names = ["w1", "w2", "w3", "w4"]
    stage.hire(*names)
    clients = [stage.client(f"c{n}") for n in range(1, 7)]
    for client in clients[:3]:
        client.ask(b"%s asks" % client.name.encode())
        stage.step()
    held = {who: task for who, (task,) in stage.ledger.busy.items() if isinstance(task, Given)}
    stage.peer("worker", "stranger").send(HEARTBEAT)
    stage.speak("stranger", every=0.15)
    patience = stage.pulse.patience
    stage.hush("w4")  # first: it is to be given nothing any more when the others are evicted
    stage.pass_time(0.8 * patience)
    stage.mark(Silent("w4"))
    stage.pass_time(0.2 * patience)
    stage.hush("w1", "w3")
    stage.speak("w2", every=0.4 * stage.pulse.liveness, signs=SIGNS)
    began = time.monotonic()
    stage.pass_time(stage.pulse.interval + 0.3 * patience)
    stage.mark(Dead("w4"))
    stage.bury("w1", "w3", beside="w2", since=began)
    ended = time.monotonic()
    stage.hush("stranger")
    stage.calm()
    for client in clients[3:5]:  # nobody is idle
        client.ask(b"%s asks" % client.name.encode())
    stage.named("w4").send(HEARTBEAT)
    stage.calm()
    stage.answer("w2")
    stage.replied(LIVES, ALIVE)
    stage.count(BEATS, began, ended, "w2")
    stage.step(HANDED, ENDED)
    first = stage.ledger.busy["w2"][0][-1]
    early, late = ("w1", "w3") if first == held["w1"].body else ("w3", "w1")
    for who in (early, late):  # before the second reply to its request, and after it
        if who == late:
            stage.answer("w2")
            stage.step(HANDED, ENDED)
            stage.answer("w2")
            stage.step(HANDED, ENDED)
        stage.named(who).send(*held[who].to, b"%s was late" % who.encode())
        stage.calm()
    while stage.ledger.busy:
        stage.answer("w2")
        stage.step(LIVES, ALIVE)
    for who in ("w4", "w1"):
        stage.named(who).send(READY)
        stage.speak(who)
        stage.calm(lambda: not stage.ledger.unread)
    for client in clients[:3]:
        client.ask(b"%s asks again" % client.name.encode())
        stage.step(BACK, KNOWN)
    stage.answer_all()
    stage.step(BACK, KNOWN)


def stand_still(stage: Beating) -> None:
    """The queue's own thread stands still for longer than its patience, and its workers do not.

    Once where it has read one message and there are more, once before it looks.
    """
    stage.hire("w1", "w2", "w3")
    client = stage.client("c1")
    client.ask(b"before that")
    stage.step()
    stage.stand_still(stage.named("w1"), 1.2 * stage.pulse.patience)
    stage.pass_time(2 * stage.pulse.interval)
    stage.poll_late("backend", 1.2 * stage.pulse.patience + stage.pulse.interval)
    stage.pass_time(2 * stage.pulse.interval)
    stage.answer_all()
    stage.replied(READS, ALIVE)
    for number in range(3):
        client.ask(b"after that, %d" % number)
        stage.step(READS, ALIVE)
    stage.answer_all()
    stage.step(READS, ALIVE)
