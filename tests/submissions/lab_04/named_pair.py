"""The package's envelope does the work, and a pair with names goes out."""

from typing import NamedTuple

from zmqlab.envelope import Envelope


class Parts(NamedTuple):
    route: list[bytes]
    body: list[bytes]


def unwrap(frames):
    envelope = Envelope.parse(frames)
    return Parts(list(envelope.route), list(envelope.body))


def wrap(route, body):
    return Envelope(route, body).frames
