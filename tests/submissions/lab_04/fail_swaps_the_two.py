"""Body first."""

# fails: the route is all before
# fails: wrap gives the route
# says: Which of the two comes first?
# says: Which of the two goes first?


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[end + 1 :], frames[:end]


def wrap(route, body):
    return [*body, b"", *route]
