"""A kilobyte is enough for anybody."""

# fails: the route is all before the first empty frame, the body all after it


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(str(frames))
    i = frames.index(b"")
    return frames[:i], [f[:1024] for f in frames[i + 1 :]]


def wrap(route, body):
    return [*route, b"", *body]
