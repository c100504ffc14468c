"""Mutable defaults live as long as the function."""

# fails: unwrap gives a new answer each time


def unwrap(frames, route=[], body=[]):  # noqa: B006
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    route[:] = frames[:end]
    body[:] = frames[end + 1 :]
    return route, body


def wrap(route, body):
    return [*route, b"", *body]
