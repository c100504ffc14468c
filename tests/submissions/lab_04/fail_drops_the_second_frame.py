"""Whatever comes second counts as the delimiter."""

# fails: the route is all before
# says: Not every message has its delimiter in the same place


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    if frames[0] == b"":
        return [], frames[1:]
    return frames[:1], frames[2:]


def wrap(route, body):
    return [*route, b"", *body]
