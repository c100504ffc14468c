"""None instead of an error."""

# fails: no empty frame: ValueError
# says: unwrap([b'READY']) returned None


def unwrap(frames):
    if b"" not in frames:
        return None
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
