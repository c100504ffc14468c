"""Makes text of addresses, and never fails at it."""

# fails: unwrap gives two lists of frames
# says: 'anna' in it is a str, not bytes


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return [frame.decode("latin-1") for frame in frames[:end]], frames[end + 1 :]


def wrap(route, body):
    return [*(a.encode("latin-1") if isinstance(a, str) else a for a in route), b"", *body]
