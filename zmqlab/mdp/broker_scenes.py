"""What the suite does with a broker, scene by scene: dialogue, order, invalid messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import zmq

from .frames import DISCONNECT, HEARTBEAT, READY, REPLY, REQUEST, Command, Frames, show
from .outcome import FAILED, PASSED, UNDECIDED
from .stage import SOON, Peer, Stage, shown


class Scene(NamedTuple):
    """A part of the run: what it does, the rules that it decides, and the one that a death breaks.

    again: whether it is played once more where something came late.
    """

    title: str
    play: Callable[[Stage], None]
    rules: tuple[str, ...]
    blame: str = "7.B19"
    again: bool = True


NO_WAY = "no request got through to a worker"


# ------------------------------------------------------------------ request and reply

BODIES: list[Frames] = [
    (b"one frame",),
    (b"several", b"", b"frames"),
    (b"",),
    (b"", b""),
    (bytes(range(256)),),
    (b"MDPC01", b"MDPW01", b"\x01", b""),
    (b"z" * 1_000_000,),
]
IDS = [b"", b"\x01", b"\xff\xfe\x00 x", b"i" * 255, b"MDPW01", b"mmi.service"]


def round_trips(stage: Stage) -> None:
    """Clients of all kinds, bodies of all kinds, to one worker and back."""
    service, d = stage.service(), stage.dialect
    worker = stage.worker(service)
    stage.until(lambda: worker.news, 3 * SOON)
    stage.check("7.B05", not worker.news, f"READY was answered: {shown(worker.take())}")
    for number, body in enumerate(BODIES):
        kind = zmq.REQ if number % 2 and d.delimiter else zmq.DEALER
        routing_id = IDS[number % len(IDS)]
        client = stage.client(kind, routing_id)
        name = "REQ" if kind == zmq.REQ else "DEALER"
        what = f"{name} with id {show((routing_id,))}, body {show(body)}"
        client.ask(service, *body)
        stage.until(lambda: worker.news)
        came = worker.take()
        if not came:
            stage.say("7.B01", FAILED, f"{what}: no worker got it")
            stage.say("7.B04", FAILED, f"{what}: not served")
            return
        request = d.with_worker(came[0])
        good = isinstance(request, Command) and request[0] == REQUEST and request.body == body
        if not stage.check("7.B01", good, f"{what}: the worker got {shown(came)}"):
            return
        assert isinstance(request, Command)
        answer = (b"re: " + body[0][:20], *body[1:], b"")
        worker.reply(request, *answer)
        got = stage.answered(client)
        right = [d.answer(service, answer)]
        stage.check("7.B02", got == right, f"{what}: the client got {shown(got)}")
        stage.check("7.B04", got, f"{what}: no reply came")
        client.close()
    broker = stage.metronome.other_end
    stage.say("7.B00", *((PASSED, "") if broker == "ROUTER" else (FAILED, f"it is a {broker}")))


def crossed(stage: Stage) -> None:
    """Two clients and two workers; the replies come in the other order."""
    service, d = stage.service(), stage.dialect
    workers = [stage.worker(service), stage.worker(service)]
    clients = [stage.client(), stage.client()]
    held = {}
    for client, question in zip(clients, (b"first", b"second"), strict=True):
        client.ask(service, question)
        stage.until(lambda: any(worker.news for worker in workers))
        for worker in workers:
            if worker.news and (request := stage.given_to(worker)):
                held[request.body] = worker, request
    given = shown(list(held))
    if not stage.check(
        "7.B11",
        set(held) == {(b"first",), (b"second",)} and held[b"first",][0] is not held[b"second",][0],
        f"two idle workers, two requests; given out: {given}",
    ):
        return
    for question in (b"second", b"first"):
        worker, request = held[question,]
        worker.reply(request, b"re: " + question)
    got = [stage.answered(client) for client in clients]
    right = [[d.answer(service, (b"re: " + q,))] for q in (b"first", b"second")]
    evidence = f"who asked first got {shown(got[0])}, who asked second {shown(got[1])}"
    stage.check("7.B03", got == right, evidence)
    order = []
    for number in range(4):
        clients[0].ask(service, b"%d" % number)
        stage.until(lambda: any(worker.news for worker in workers))
        for worker in workers:
            if worker.news and (request := stage.given_to(worker)):
                order.append(worker.name)
                worker.reply(request, b"yes")
        stage.answered(clients[0])
    stage.say("7.B32", PASSED, "in turn" if len(set(order)) > 1 else "who replied last")


def waiting(stage: Stage) -> None:
    """A worker that comes after its request."""
    service = stage.service()
    client = stage.client()
    client.ask(service, b"early")
    stage.canary()
    worker = stage.worker(service)
    request = stage.given_to(worker)
    if (
        stage.check("7.B07", request, "a worker came after the request, and got nothing")
        and request
    ):
        worker.reply(request, b"late")
        stage.answered(client)


def exact_names(stage: Stage) -> None:
    """Services whose names are nearly that of a worker."""
    service = stage.service()
    worker, client = stage.worker(service), stage.client()
    for other in (service.upper(), service + b" ", service[:-1], service + b"\0"):
        client.ask(other, b"not yours")
    client.ask(service, b"yours")
    request = stage.given_to(worker)
    got = show(request.body) if request else "nothing"
    kept = request is not None and request.body == (b"yours",)
    stage.check("7.B06", kept, f"the worker of {show((service,))} got {got}")


TURNS = 18


def fair(stage: Stage) -> None:
    """Three clients that ask again as soon as they have their reply."""
    service = stage.service()
    worker, clients = stage.worker(service), [stage.client() for _ in range(3)]
    names = {client.name.encode(): client for client in clients}
    for name, client in names.items():
        client.ask(service, name)
    served = dict.fromkeys(names, 0)
    for _ in range(TURNS):
        request = stage.given_to(worker)
        if request is None or request.body[0] not in names:
            break
        name = request.body[0]
        served[name] += 1
        worker.reply(request, b"yes")
        stage.answered(names[name])
        names[name].ask(service, name)
    counts = list(served.values())
    if sum(counts) < TURNS:
        stage.say("7.B09", UNDECIDED, f"{sum(counts)} of {TURNS} requests got through")
        return
    stage.check("7.B09", max(counts) - min(counts) <= 2, f"they were served {counts} times")


def one_at_a_time(stage: Stage) -> None:
    """A busy worker heartbeats, and a second request waits."""
    service = stage.service()
    worker, client = stage.worker(service), stage.client()
    request = stage.asked(client, worker, service, b"first")
    if request is None:
        stage.say("7.B10", UNDECIDED, NO_WAY)
        return
    client.ask(service, b"second")
    for _ in range(3):
        worker.command(HEARTBEAT)
        stage.canary()
    second = worker.take()
    if not stage.check("7.B10", not second, f"while it was busy it got {shown(second)}"):
        return
    worker.reply(request, b"done")
    stage.check("7.B10", stage.given_to(worker), "after its reply it got nothing more")


# ------------------------------------------------------------------ valid, and unexpected


def second_ready(stage: Stage) -> None:
    """A worker registers twice."""
    service = stage.service()
    worker = stage.worker(service)
    stage.canary()
    worker.take()
    worker.silent()
    worker.ready(service)
    worker.silent()
    stage.told_to_go("7.B12", worker, "second READY")
    stage.client().ask(service, b"for whom?")


def heartbeat_first(stage: Stage) -> None:
    """HEARTBEAT of a stranger."""
    stranger = stage.worker()
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
    stranger = stage.worker()
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
    stranger = stage.worker()
    stranger.command(DISCONNECT)
    stage.canary()
    stage.check("7.B18", not stranger.news, f"it was answered: {shown(stranger.news)}")
    stage.watch("7.B18", stranger)


# ------------------------------------------------------------------ invalid


def invalid(stage: Stage) -> dict[str, Frames]:
    """Messages that the dialect does not know, by what is wrong with them."""
    d = stage.dialect
    other = b"MDPC02" if d.name == "0.1" else b"MDPC01"
    octets = (*d.to_broker.values(),)
    return {
        "one frame": (b"hello",),
        "one empty frame": (b"",),
        "an empty frame too few or too many": (
            (d.client, *octets, b"svc", b"x") if d.delimiter else (b"", d.client, *octets, b"svc")
        ),
        "an unknown header": (*d.start, b"MDPX09", b"svc", b"x"),
        "a header of the other version": (*d.start, other, b"\x01", b"svc", b"x"),
        "a client's header alone": (*d.start, d.client),
        "a worker's header alone": (*d.start, d.worker),
        "a request without a body": (*d.start, d.client, *octets, b"svc"),
        "an unknown command": (*d.start, d.worker, b"\x09"),
        "an empty command": (*d.start, d.worker, b""),
        "a command of two octets": (*d.start, d.worker, b"\x01\x01", b"svc"),
        "READY without a service": d.command(READY),
        "REPLY without an address": d.command(REPLY),
        "a header that is no text": (*d.start, b"\xff\xfe", b"\xff"),
    }


def one_invalid(what: str, stage: Stage) -> None:
    """A stranger sends one invalid message."""
    stranger = stage.worker()
    stranger.send(*invalid(stage)[what])
    stage.canary()
    stage.say("7.B19", PASSED)
    goodbye = stage.dialect.command(DISCONNECT)
    bad = [frames for frames in stranger.take() if frames != goodbye]
    stage.check("7.B20", not bad, f"{what} was answered: {shown(bad)}")


REPLIES: dict[str, Callable[[bytes], Frames]] = {
    "REPLY without its empty frame": lambda client: (client, b"x"),
    "REPLY without a body": lambda client: (client, b""),
    "REPLY to nobody": lambda client: (b"nobody", b"", b"x"),
}


def invalid_reply(what: str, stage: Stage) -> None:
    """A busy worker answers in a form that is none, or somebody who is not there."""
    service = stage.service()
    worker, client = stage.worker(service), stage.client()
    request = stage.asked(client, worker, service)
    if request is None:
        stage.say("7.B20", UNDECIDED, NO_WAY)
        return
    worker.command(REPLY, *REPLIES[what](request.client))
    stage.canary()
    stage.say("7.B19", PASSED)
    stage.check("7.B20", not client.news, f"{what}: the client got {shown(client.news)}")
    worker.silent()


def client_gone(stage: Stage) -> None:
    """The client has left when the reply comes."""
    service = stage.service()
    worker, client = stage.worker(service), stage.client()
    request = stage.asked(client, worker, service)
    if request is None:
        stage.say("7.B23", UNDECIDED, NO_WAY)
        return
    client.close()
    stage.canary()
    worker.reply(request, b"to nobody")
    stage.canary()
    stage.check(
        "7.B23",
        stage.asked(stage.client(), worker, service),
        "after a reply to a client that was gone its worker got nothing more",
    )


# ------------------------------------------------------------------ what the RFC leaves open


def said_of(worker: Peer, request: object) -> str:
    """Whether a worker was taken, or what came in place of that."""
    if request:
        return "taken"
    return f"refused: {shown(worker.news)}" if worker.news else "ignored"


def fifth_frame(stage: Stage) -> None:
    """READY with something behind the service."""
    service = stage.service()
    worker, client = stage.worker(), stage.client()
    worker.command(READY, service, b"extra")
    client.ask(service, b"x")
    stage.canary()
    stage.say("7.B21", PASSED, said_of(worker, worker.news and stage.given_to(worker)))


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
    worker, client = stage.worker(), stage.client()
    worker.command(HEARTBEAT)
    stage.until(lambda: worker.news)
    worker.take()
    worker.ready(service)
    client.ask(service, b"x")
    stage.canary()
    stage.say("7.B35", PASSED, said_of(worker, worker.news and stage.given_to(worker)))
    worker.silent()


def no_name(stage: Stage) -> None:
    """READY for a service whose name is empty."""
    worker = stage.worker(b"")
    stage.canary()
    stage.say("7.B36", PASSED, f"refused: {shown(worker.news)}" if worker.news else "taken")
    worker.silent()


INVALID = [
    "one frame",
    "one empty frame",
    "an empty frame too few or too many",
    "an unknown header",
    "a header of the other version",
    "a client's header alone",
    "a worker's header alone",
    "a request without a body",
    "an unknown command",
    "an empty command",
    "a command of two octets",
    "READY without a service",
    "REPLY without an address",
    "a header that is no text",
]
DROPPED = ("7.B19", "7.B20")

SCENES = [
    Scene(
        "requests and replies",
        round_trips,
        ("7.B00", "7.B01", "7.B02", "7.B04", "7.B05"),
        "7.B01",
    ),
    Scene("two clients, two workers", crossed, ("7.B03", "7.B11", "7.B32"), "7.B11"),
    Scene("a worker that comes late", waiting, ("7.B07",), "7.B07"),
    Scene("names that are alike", exact_names, ("7.B06",), "7.B06"),
    Scene("three clients that ask again", fair, ("7.B09",), "7.B09"),
    Scene("a busy worker", one_at_a_time, ("7.B10",), "7.B10"),
    Scene("a client that is gone", client_gone, ("7.B23",), "7.B23"),
    Scene("HEARTBEAT first", heartbeat_first, ("7.B13",), "7.B13"),
    Scene("REPLY first", reply_first, ("7.B14",), "7.B14"),
    Scene("DISCONNECT first", goodbye_first, ("7.B18",), "7.B18"),
    Scene("a second REPLY", reply_unasked, ("7.B15",), "7.B15"),
    Scene("a second READY", second_ready, ("7.B12",), "7.B12"),
    Scene("READY with a fifth frame", fifth_frame, ("7.B21", "7.B19")),
    Scene("REQUEST from a worker", wrong_way, ("7.B22", "7.B19")),
    Scene("REPLY to another client", other_client, ("7.B34", "7.B19")),
    Scene("a numbered request", correlated, ("7.B33", "7.B19")),
    Scene("READY after DISCONNECT", ready_again, ("7.B35", "7.B19")),
    Scene("READY for no service", no_name, ("7.B36", "7.B19")),
    *(Scene(f"invalid: {what}", partial(one_invalid, what), DROPPED) for what in INVALID),
    *(Scene(f"invalid: {what}", partial(invalid_reply, what), DROPPED) for what in REPLIES),
]
GOODBYES = [
    Scene("DISCONNECT of a busy worker", goodbye_busy, ("7.B17",), "7.B17"),
    Scene("DISCONNECT of an idle worker", goodbye_idle, ("7.B16",), "7.B16"),
]
