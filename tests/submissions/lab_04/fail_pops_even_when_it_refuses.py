"""The frames are gone when the error is written."""

# fails: unwrap leaves frames as they were
# fails: the error shows the frames
# says: No trace in it of b'READY'


def unwrap(frames):
    route = []
    rest = frames
    if b"" in frames:
        rest = frames[:]
    while rest:
        frame = rest.pop(0)
        if not frame:
            return route, rest
        route.append(frame)
    raise ValueError(f"no empty frame in {frames}")


def wrap(route, body):
    return [*route, b"", *body]
