"""One frame of many."""

# fails: wrap gives the route


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", b"".join(body)]
