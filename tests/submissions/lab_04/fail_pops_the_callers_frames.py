"""Takes the caller's list apart."""

# fails: unwrap leaves frames as they were
# says: the caller's frames was [b'', b'hello']


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    route = []
    while frames[0]:
        route.append(frames.pop(0))
    return route, frames[1:]


def wrap(route, body):
    return [*route, b"", *body]
