"""Half the work."""

# fails: wrap is written
# says: wrap is not done yet


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    raise NotImplementedError("wrap is yours to write")
