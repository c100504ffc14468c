"""Whatever is empty is taken for a delimiter."""

# fails: the route is all before
# says: A body may hold empty frames of its own, and they belong to it


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], [frame for frame in frames[end:] if frame]


def wrap(route, body):
    return [*route, b"", *body]
