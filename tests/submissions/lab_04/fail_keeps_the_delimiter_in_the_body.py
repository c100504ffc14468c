"""The delimiter travels with the body."""

# fails: the route is all before
# fails: wrap gives the route
# says: it is part of neither
# says: Where do the addresses end?


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end:]


def wrap(route, body):
    return route + body
