"""What is empty is left out."""

# fails: wrap gives the route
# says: An empty frame in the body belongs to it


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *filter(None, body)]
