"""An object with a route and a body, from the package."""

from zmqlab.envelope import Envelope


def unwrap(frames):
    return Envelope.parse(frames)


def wrap(route, body):
    return Envelope(route, body).frames
