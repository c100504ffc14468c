"""One frame of three."""

# fails: the error shows the frames
# says: No trace in it of b'hello'


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame after {frames[:1]}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
