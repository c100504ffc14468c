"""What the suite does with a broker: commands that are valid and not expected, or left open."""

from __future__ import annotations

from functools import partial

from .frames import DISCONNECT, HEARTBEAT, READY, REPLY, REQUEST, Command
from .outcome import PASSED, UNDECIDED
from .scene import NO_WAY, Scene
from .stage import Peer, Stage, shown


def second_ready(stage: Stage, *, busy: bool = False, other: bool = False) -> None:
    """A worker registers twice: idle or busy, for the same service or another."""
    service = stage.service()
    worker = stage.worker(service)
    if busy and stage.asked(stage.client(), worker, service) is None:
        stage.say("7.B12", UNDECIDED, NO_WAY)
        return
    worker.take()
    worker.silent()
    worker.ready(stage.service() if other else service)
    worker.silent()
    where = " for another service" if other else ""
    stage.told_to_go("7.B12", worker, f"second READY{where}, {'busy' if busy else 'idle'}")
    stage.client().ask(service, b"for whom?")


def heartbeat_first(stage: Stage) -> None:
    """HEARTBEAT of a stranger."""
    stranger = stage.newcomer()
    stranger.command(HEARTBEAT)
    stage.told_to_go("7.B13", stranger, "HEARTBEAT before READY")


def reply_first(stage: Stage, kind: str = REPLY, rule: str = "7.B14") -> None:
    """REPLY of a stranger, addressed to a client that is there."""
    service = stage.service()
    client, worker = stage.client(), stage.worker(service)
    request = stage.asked(client, worker, service)
    if request is None:
        stage.say(rule, UNDECIDED, NO_WAY)
        return
    worker.reply(request, b"honest")
    stage.answered(client)
    stranger = stage.newcomer()
    stranger.reply(request, b"forged", kind=kind)
    stage.told_to_go(rule, stranger, f"{kind} before READY")
    stage.canary()
    stage.check(rule, not client.news, f"a client got it: {shown(client.news)}")


def reply_unasked(stage: Stage, kind: str = REPLY, rule: str = "7.B15") -> None:
    """A second REPLY to one request."""
    service = stage.service()
    client, worker = stage.client(), stage.worker(service)
    request = stage.asked(client, worker, service)
    if request is None:
        stage.say(rule, UNDECIDED, NO_WAY)
        return
    worker.reply(request, b"once")
    stage.answered(client)
    worker.silent()
    worker.reply(request, b"once more", kind=kind)
    stage.told_to_go(rule, worker, f"a {kind} after the REPLY")
    stage.canary()
    stage.check(rule, not client.news, f"the client got a second reply: {shown(client.news)}")


def goodbye_idle(stage: Stage) -> None:
    """An idle worker sends DISCONNECT."""
    service = stage.service()
    worker = stage.worker(service)
    stage.canary()
    worker.silent()
    worker.command(DISCONNECT)
    stage.canary()
    worker.take()
    stage.client().ask(service, b"for whom?")
    stage.canary()
    stage.check("7.B16", not worker.news, f"after its DISCONNECT it got {shown(worker.news)}")
    stage.watch("7.B16", worker)


def goodbye_busy(stage: Stage) -> None:
    """A busy worker sends DISCONNECT."""
    service = stage.service()
    worker, client = stage.worker(service), stage.client()
    if stage.asked(client, worker, service) is None:
        stage.say("7.B17", UNDECIDED, NO_WAY)
        return
    worker.silent()
    worker.command(DISCONNECT)
    stage.canary()
    worker.take()
    client.ask(service, b"the next")
    stage.canary()
    stage.check("7.B17", not worker.news, f"after its DISCONNECT it got {shown(worker.news)}")
    stage.watch("7.B17", worker)


def goodbye_first(stage: Stage) -> None:
    """DISCONNECT of a stranger."""
    stranger = stage.newcomer()
    stranger.command(DISCONNECT)
    stage.canary()
    stage.check("7.B18", not stranger.news, f"it was answered: {shown(stranger.news)}")
    stage.watch("7.B18", stranger)


# ------------------------------------------------------------------ what the RFC leaves open


def said_of(stage: Stage, worker: Peer) -> str:
    """Whether a worker was given a request, or what came in place of that."""
    came = worker.take()
    commands = [stage.dialect.with_worker(frames) for frames in came]
    if any(isinstance(command, Command) and command.kind == REQUEST for command in commands):
        return "taken"
    return f"refused: {shown(came)}" if came else "ignored"


def fifth_frame(stage: Stage) -> None:
    """READY with something behind the service."""
    service = stage.service()
    worker, client = stage.newcomer(), stage.client()
    worker.command(READY, service, b"extra")
    client.ask(service, b"x")
    stage.canary()
    stage.say("7.B21", PASSED, said_of(stage, worker))


def wrong_way(stage: Stage) -> None:
    """REQUEST, sent by a worker."""
    worker = stage.worker(stage.service())
    stage.canary()
    worker.take()
    worker.command(REQUEST, b"c", b"", b"x")
    stage.canary()
    answer = f"answered: {shown(worker.news)}" if worker.news else "ignored"
    stage.say("7.B22", PASSED, answer)


def correlated(stage: Stage) -> None:
    """A REQ with REQ_CORRELATE: its number stands before the empty frame."""
    service = stage.service()
    worker, client = stage.worker(service), stage.client()
    client.send(b"\0\0\0\x01", *stage.dialect.ask(service, (b"numbered",)))
    stage.canary()
    served = worker.news and stage.given_to(worker)
    stage.say("7.B33", PASSED, "served" if served else "dropped")


def other_client(stage: Stage) -> None:
    """REPLY to another client than the one who asked."""
    service = stage.service()
    worker, spare = stage.worker(service), stage.service()
    other, helper = stage.client(), stage.worker(spare)
    first = stage.asked(other, helper, spare)
    asker = stage.client()
    held = stage.asked(asker, worker, service)
    if first is None or held is None:
        stage.say("7.B34", UNDECIDED, NO_WAY)
        return
    worker.reply(first, b"for somebody else")
    stage.canary()
    if other.news:
        said = "forwarded to the client that it names"
    elif asker.news:
        said = "given to the client that asked"
    else:
        said = f"dropped; the worker got {shown(worker.news)}"
    stage.say("7.B34", PASSED, said)


def ready_again(stage: Stage) -> None:
    """READY on a connection that was told to go."""
    service = stage.service()
    worker, client = stage.newcomer(), stage.client()
    worker.command(HEARTBEAT)
    stage.until(lambda: worker.news)
    worker.take()
    worker.ready(service)
    client.ask(service, b"x")
    stage.canary()
    said = said_of(stage, worker)
    worker.silent()
    old = stage.newcomer(stage.service(), routing_id=b"comes-back-" + service)
    stage.canary()
    old.close()
    another = stage.service()
    new = stage.newcomer(another, routing_id=b"comes-back-" + service)
    stage.canary()
    stage.client().ask(another, b"x")
    stage.canary()
    anew = said_of(stage, new)
    stage.say("7.B35", PASSED, f"{said}; with its routing id on a new socket: {anew}")
    new.silent()


def no_name(stage: Stage) -> None:
    """READY for a service whose name is empty."""
    worker = stage.newcomer(b"")
    stage.canary()
    stage.say("7.B36", PASSED, f"refused: {shown(worker.news)}" if worker.news else "taken")
    worker.silent()


SCENES = [
    Scene("HEARTBEAT first", heartbeat_first, ("7.B13",), "7.B13"),
    Scene("REPLY first", reply_first, ("7.B14",), "7.B14"),
    Scene("DISCONNECT first", goodbye_first, ("7.B18",), "7.B18"),
    Scene("a second REPLY", reply_unasked, ("7.B15",), "7.B15"),
    Scene("a second READY", second_ready, ("7.B12",), "7.B12"),
    Scene("a busy worker's READY", partial(second_ready, busy=True), ("7.B12",), "7.B12"),
    Scene("READY for another service", partial(second_ready, other=True), ("7.B12",), "7.B12"),
    Scene("READY with a fifth frame", fifth_frame, ("7.B21", "7.B19")),
    Scene("REQUEST from a worker", wrong_way, ("7.B22", "7.B19")),
    Scene("REPLY to another client", other_client, ("7.B34", "7.B19")),
    Scene("a numbered request", correlated, ("7.B33", "7.B19")),
    Scene("READY after DISCONNECT", ready_again, ("7.B35", "7.B19")),
    Scene("READY for no service", no_name, ("7.B36", "7.B19")),
]
GOODBYES = [
    Scene("DISCONNECT of a busy worker", goodbye_busy, ("7.B17",), "7.B17"),
    Scene("DISCONNECT of an idle worker", goodbye_idle, ("7.B16",), "7.B16"),
]
