"""Further addresses are dropped."""

# fails: the route is all before
# says: One ROUTER more on the way is one address more


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    return frames[:1], frames[frames.index(b"") + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
