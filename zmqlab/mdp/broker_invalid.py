"""What the suite does with a broker: messages that are none, each followed by honest ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .frames import DISCONNECT, MDP_01, READY, REPLY, Dialect, Frames
from .outcome import PASSED, UNDECIDED
from .scene import NO_WAY, Scene
from .stage import Stage, shown


def invalid(d: Dialect) -> dict[str, Frames]:
    """Messages that the dialect does not know, by what is wrong with them."""
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
        "a service that is no text": (*d.start, d.client, *octets, b"\xff\xfe", b"x"),
        "READY for a service that is no text": d.ready(b"\xfd\xfc"),
    }


def one_invalid(what: str, stage: Stage) -> None:
    """A stranger sends one invalid message."""
    stranger = stage.newcomer()
    stranger.send(*invalid(stage.dialect)[what])
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
    if "nobody" not in what:  # that one is valid, and to whom it goes is open: 7.B34
        stage.check("7.B20", not client.news, f"{what}: the client got {shown(client.news)}")
    worker.silent()


DROPPED = ("7.B19", "7.B20")

SCENES = [
    *(Scene(f"invalid: {what}", partial(one_invalid, what), DROPPED) for what in invalid(MDP_01)),
    *(Scene(f"invalid: {what}", partial(invalid_reply, what), DROPPED) for what in REPLIES),
]
