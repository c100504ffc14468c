"""Mutable defaults that grow."""

# fails: the route is all before
# fails: unwrap gives a new answer each time


def unwrap(frames, route=[]):  # noqa: B006
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    route.extend(frames[:end])
    return route, frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
