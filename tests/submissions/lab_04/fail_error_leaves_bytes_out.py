"""What is not text in a frame is left out of the message."""

# fails: the error shows the frames
# says: No trace in it of b'\x00k\x8bEg'


def unwrap(frames):
    if b"" not in frames:
        texts = [frame.decode(errors="ignore") for frame in frames]
        raise ValueError(f"no empty frame in {texts}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
