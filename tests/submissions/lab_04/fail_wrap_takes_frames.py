"""Another contract."""

# fails: wrap can be called as wrap(route, body)


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(envelope):
    return [*envelope[0], b"", *envelope[1]]
