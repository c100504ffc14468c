"""Looks from the end."""

# fails: the route is all before
# says: Which of them is the delimiter?


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = len(frames) - 1 - frames[::-1].index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
