"""What is no UTF-8 does not survive the way through text."""

# fails: the route is all before


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    route = [frame.decode(errors="replace").encode() for frame in frames[:end]]
    return route, frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
