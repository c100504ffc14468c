"""Nothing is copied, and nothing is bytes any more."""

# fails: unwrap gives two lists of frames, and a frame is bytes


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(str(frames))
    i = frames.index(b"")
    return frames[:i], [memoryview(f) for f in frames[i + 1 :]]


def wrap(route, body):
    return [*route, b"", *body]
