"""A body is one frame."""

# fails: the route is all before
# says: A body may have any number of frames


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 : end + 2]


def wrap(route, body):
    return [*route, b"", *body]
