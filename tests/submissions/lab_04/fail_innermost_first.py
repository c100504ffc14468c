"""A stack is popped from its end."""

# fails: the route is all before
# fails: wrap gives the route
# says: Outermost first


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end][::-1], frames[end + 1 :]


def wrap(route, body):
    return [*reversed(route), b"", *body]
