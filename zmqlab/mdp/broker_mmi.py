"""What the suite asks a broker about itself (8/MMI), and the replies in parts of 18/MDP."""

from __future__ import annotations

from functools import partial

from .broker_commands import reply_first, reply_unasked
from .frames import DISCONNECT, MDP_01, PARTIAL, REPLY, Letter
from .outcome import PASSED, UNDECIDED
from .scene import NO_WAY, Scene
from .stage import Stage, shown

ASKED = b"mmi.service"
NOT_OFFERED = "mmi.service was not answered: 8/MMI is not offered"


def code_of(stage: Stage, name: bytes, service: bytes = ASKED) -> str | None:
    """What the broker says of a service; None: no answer, or rules of 8/MMI are not asked for."""
    if not any(rule.startswith("8.") for rule in stage.selected) or stage.mute:
        return None
    client = stage.client()
    client.ask(service, name)
    came = stage.answered(client)
    client.close()
    if not came:
        return None
    letter = stage.dialect.with_client(came[0], to_broker=False)
    if isinstance(letter, Letter) and letter.service == service and len(letter.body) == 1:
        return letter.body[0].decode(errors="replace")
    return f"of another form: {shown(came)}"


def management(stage: Stage) -> None:
    """What is said of services with and without workers."""
    service = stage.service()
    first = code_of(stage, service)
    if first is None:
        stage.mute = True
        for rule in stage.selected:
            if rule.startswith("8."):
                stage.say(rule, UNDECIDED, NOT_OFFERED)
        return
    stage.check("8.B01", first.isdigit(), f"the answer is {first}")
    stage.check("8.B04", first == "404", f"the answer is {first}")
    worker, client = stage.worker(service), stage.client()
    stage.canary()
    idle = code_of(stage, service)
    request = stage.asked(client, worker, service)
    busy = code_of(stage, service)
    stage.check("8.B03", (idle, busy) == ("200", "200"), f"idle: {idle}; busy: {busy}")
    if request is not None:
        worker.reply(request, b"done")
    for alike in (service[:-1], b" " + service, service.lower()):
        code = code_of(stage, alike)
        stage.check("8.B04", code == "404", f"{alike.decode()!r}, which nobody serves: {code}")
    unserved = stage.service()
    client.ask(unserved, b"waits")
    stage.canary()
    code = code_of(stage, unserved)
    stage.check("8.B05", code == "404", f"the answer is {code}")
    for name in (b"mmi.no-such", b"mmi.services"):
        code = code_of(stage, service, name)
        seen = f"{name.decode()}: " + ("no answer" if code is None else f"the answer is {code}")
        stage.check("8.B08", code == "501", seen)
    for name in (b"mmi", b"mmix"):
        ordinary = stage.worker(name)
        given = stage.asked(client, ordinary, name)
        stage.check("8.B09", given, f"a worker of {name.decode()} got {shown(ordinary.news)}")
        ordinary.close()


def reserved(stage: Stage) -> None:
    """A worker that registers for what is the broker's own."""
    if stage.mute:
        return
    worker = stage.newcomer()
    worker.ready(b"mmi.mine-" + stage.service())
    worker.silent()
    stage.told_to_go("8.B02", worker, "READY for mmi.mine")


def after_goodbye(stage: Stage) -> None:
    """The only worker has said goodbye."""
    if stage.mute:
        return
    service = stage.service()
    worker = stage.worker(service)
    stage.canary()
    worker.silent()
    worker.command(DISCONNECT)
    stage.canary()
    code = code_of(stage, service)
    if code is not None:
        stage.check("8.B06", code == "404", f"the answer is {code}")


# ------------------------------------------------------------------ 18/MDP


def in_parts(stage: Stage) -> None:
    """Replies of several messages, and of one."""
    service, d = stage.service(), stage.dialect
    worker, client = stage.worker(service), stage.client()
    request = stage.asked(client, worker, service, b"in parts")
    if request is None:
        for rule in ("18.B02", "18.B03", "18.B04"):
            stage.say(rule, UNDECIDED, NO_WAY)
        return
    worker.reply(request, b"one", kind=PARTIAL)
    worker.reply(request, b"two", b"", kind=PARTIAL)
    stage.until(lambda: len(client.news) == 2)
    client.ask(service, b"the next")
    stage.canary()
    busy = worker.take()
    stage.check("18.B04", not busy, f"after PARTIAL it got {shown(busy)}")
    worker.reply(request, b"three")
    stage.until(lambda: len(client.news) == 3)
    came = client.take()
    right = [
        d.answer(service, (b"one",), PARTIAL),
        d.answer(service, (b"two", b""), PARTIAL),
        d.answer(service, (b"three",)),
    ]
    stage.check("18.B02", came == right, f"the client got {shown(came)}")
    starts = all(frames[:1] == (d.client,) for frames in came)
    stage.check("18.B01", came and starts, f"the client got {shown(came)}")
    if (request := stage.given_to(worker)) is None:
        stage.check("18.B04", False, "after FINAL it was given nothing more")
        return
    worker.reply(request, b"alone")
    came = stage.answered(client)
    stage.check("18.B03", came == [d.answer(service, (b"alone",))], f"the client got {shown(came)}")


def old_peers(stage: Stage) -> None:
    """A worker and a client of version 0.1."""
    service = stage.service()
    worker, client = stage.newcomer(), stage.client()
    worker.send(*MDP_01.ready(service))
    client.send(*MDP_01.ask(service, (b"x",)))
    stage.canary()
    stage.say("18.B08", PASSED, "served" if worker.news and client.news else "dropped")


MMI = [
    Scene("8/MMI", management, tuple(f"8.B0{n}" for n in (1, 3, 4, 5, 8, 9)), "8.B01"),
    Scene("READY for mmi.mine", reserved, ("8.B02",), "8.B02"),
]
MMI_GOODBYE = [
    Scene("8/MMI after DISCONNECT", after_goodbye, ("8.B06",), "8.B06"),
]
IN_PARTS = [
    Scene("replies in parts", in_parts, ("18.B01", "18.B02", "18.B03", "18.B04"), "18.B02"),
    Scene(
        "PARTIAL after FINAL",
        partial(reply_unasked, kind=PARTIAL, rule="18.B05"),
        ("18.B05",),
        "18.B05",
    ),
    Scene(
        "PARTIAL first", partial(reply_first, kind=PARTIAL, rule="18.B06"), ("18.B06",), "18.B06"
    ),
    Scene("FINAL first", partial(reply_first, kind=REPLY, rule="18.B06"), ("18.B06",), "18.B06"),
    Scene("peers of version 0.1", old_peers, ("18.B08", "7.B19")),
]
