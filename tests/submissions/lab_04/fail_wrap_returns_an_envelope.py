"""The object, not its frames."""

from zmqlab.envelope import Envelope

# fails: wrap gives one list of frames
# says: is a Envelope, not a list


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return Envelope(route, body)
