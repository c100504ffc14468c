"""Decodes in the error message: a UnicodeDecodeError is a ValueError by accident."""

# fails: no empty frame: ValueError
# says: raised UnicodeDecodeError


def unwrap(frames):
    if b"" not in frames:
        raise ValueError("no empty frame in " + ", ".join(frame.decode() for frame in frames))
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
