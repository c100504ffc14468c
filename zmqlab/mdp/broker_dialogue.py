"""What the suite does with a broker: requests and replies, services, turns."""

from __future__ import annotations

import zmq

from .frames import HEARTBEAT, REQUEST, Command, Frames, show
from .outcome import FAILED, PASSED, UNDECIDED
from .scene import NO_WAY, Scene
from .stage import Stage, shown

BODIES: list[Frames] = [
    (b"one frame",),
    (b"several", b"", b"frames"),
    (b"",),
    (b"", b""),
    (bytes(range(256)),),
    (b"MDPC01", b"MDPW01", b"\x01", b""),
    (b"z" * 2_500_000,),
    tuple(b"%d of 20" % number for number in range(20)),
]
IDLE_LONGEST, IDLE_LAST = "who has been idle longest", "who became idle last"
IDS = [b"", b"\x01", b"\xff\xfe\x00 x", b"i" * 255, b"MDPW01", b"mmi.service"]


def round_trips(stage: Stage) -> None:
    """Clients of all kinds, bodies of all kinds, to one worker and back."""
    service, d = stage.service(), stage.dialect
    worker = stage.worker(service)
    stage.check("7.B05", not worker.news, f"READY was answered: {shown(worker.take())}")
    for number, body in enumerate(BODIES):
        kind = zmq.REQ if number % 2 and d.delimiter else zmq.DEALER
        routing_id = IDS[number] if number < len(IDS) else b""  # each id is of one client
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
    broker = worker.other_end
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


def turns(stage: Stage) -> None:
    """Three workers, some of them busy at a time, that reply in another order."""
    service = stage.service()
    idle = [stage.worker(service) for _ in range(3)]  # who has been idle longest stands first
    client, longest, newest = stage.client(), True, True  # which of them was chosen, always
    for requests in (3, 2, 1, 3, 2):
        idle[0].command(HEARTBEAT)  # which changes no turn
        stage.canary()
        held = []
        for _ in range(requests):
            client.ask(service, b"whose turn?")
            stage.until(lambda: any(worker.news for worker in idle))
            chosen = next((worker for worker in idle if worker.news), idle[0])
            if (request := stage.given_to(chosen, 0)) is None:
                stage.say("7.B32", UNDECIDED, NO_WAY)
                return
            longest, newest = longest and chosen is idle[0], newest and chosen is idle[-1]
            idle.remove(chosen)
            held.append((chosen, request))
        for worker, request in reversed(held):
            worker.reply(request, b"mine")
            stage.answered(client)
            idle.append(worker)
    chosen_was = IDLE_LONGEST if longest else IDLE_LAST if newest else "another"
    stage.say("7.B32", PASSED, chosen_was)


def waiting(stage: Stage) -> None:
    """A worker that comes after the requests of five clients."""
    service = stage.service()
    clients = [stage.client() for _ in range(5)]
    for client in clients:
        client.ask(service, b"early")
    stage.canary()
    worker, served = stage.newcomer(service), 0
    while served < len(clients) and (request := stage.given_to(worker)):
        worker.reply(request, b"late")
        served += 1
    stage.check("7.B07", served == 5, f"a worker came after five requests, and got {served}")
    for client in clients:
        client.close()


def exact_names(stage: Stage) -> None:
    """Services whose names are nearly that of a worker."""
    service = stage.service()
    worker, client = stage.worker(service), stage.client()
    long = service + b"-" + b"x" * 200
    others = [service.upper(), service.lower(), service + b" ", service[:-1], service + b"\0", long]
    for other in others:
        client.ask(other, b"not yours")
    client.ask(service, b"yours")
    request = stage.given_to(worker)
    got = show(request.body) if request else "nothing"
    kept = request is not None and request.body == (b"yours",)
    stage.check("7.B06", kept, f"the worker of {show((service,))} got {got}")
    served = stage.given_to(stage.newcomer(long))
    stage.check("7.B06", served, f"a service whose name has {len(long)} octets was not served")


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


SCENES = [
    Scene(
        "requests and replies",
        round_trips,
        ("7.B00", "7.B01", "7.B02", "7.B04", "7.B05"),
        "7.B01",
    ),
    Scene("two clients, two workers", crossed, ("7.B03", "7.B11"), "7.B11"),
    Scene("whose turn it is", turns, ("7.B32",), "7.B11"),
    Scene("a worker that comes late", waiting, ("7.B07",), "7.B07"),
    Scene("names that are alike", exact_names, ("7.B06",), "7.B06"),
    Scene("three clients that ask again", fair, ("7.B09",), "7.B09"),
    Scene("a busy worker", one_at_a_time, ("7.B10",), "7.B10"),
    Scene("a client that is gone", client_gone, ("7.B23",), "7.B23"),
]
