"""The delimiter between the two."""

# fails: unwrap gives two lists of frames
# says: not a pair (route, body)


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], b"", frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
