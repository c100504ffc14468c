"""Clears what it cannot read."""

# fails: unwrap leaves frames as they were
# says: After unwrap([b'READY']) the caller's frames was []


def unwrap(frames):
    if b"" not in frames:
        error = ValueError(f"no empty frame in {frames}")
        frames.clear()
        raise error
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
