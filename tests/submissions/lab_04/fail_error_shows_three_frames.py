"""The first three frames of six."""

# fails: the error shows the frames
# says: No trace in it of b'part one'


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no delimiter in {frames[:3]}...")
    i = frames.index(b"")
    return frames[:i], frames[i + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
