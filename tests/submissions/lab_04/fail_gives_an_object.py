"""An object with a route and a body: `route, body = unwrap(frames)` cannot take it apart."""

# fails: unwrap gives two lists of frames
# says: is a Envelope, not a pair (route, body)

from zmqlab.envelope import Envelope


def unwrap(frames):
    return Envelope.parse(frames)


def wrap(route, body):
    return Envelope(route, body).frames
