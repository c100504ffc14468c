"""How many, not which."""

# fails: the error shows the frames
# says: no empty frame among 1


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame among {len(frames)}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
