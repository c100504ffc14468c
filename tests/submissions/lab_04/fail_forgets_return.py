"""Computes and says nothing."""

# fails: unwrap gives two lists of frames
# says: without a `return`


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    (frames[:end], frames[end + 1 :])


def wrap(route, body):
    return [*route, b"", *body]
