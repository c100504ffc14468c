"""Each address once."""

# fails: the route is all before
# says: unwrap([b'anna', b'anna', b'', b'anna'])


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return list(dict.fromkeys(frames[:end])), frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
