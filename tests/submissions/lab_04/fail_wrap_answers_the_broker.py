"""Sends back to the first address only."""

# fails: wrap gives the route


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route[:1], b"", *body]
