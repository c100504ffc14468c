"""Lists that can be read once."""

# fails: unwrap gives two lists of frames
# says: is a list_iterator, not a list


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return iter(frames[:end]), iter(frames[end + 1 :])


def wrap(route, body):
    return [*route, b"", *body]
