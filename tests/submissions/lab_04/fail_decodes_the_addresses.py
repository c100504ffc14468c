"""Makes text of addresses."""

# fails: unwrap runs without an error
# fails: unwrap gives two lists of frames
# says: need not be text
# says: is a str, not bytes


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return [frame.decode() for frame in frames[:end]], frames[end + 1 :]


def wrap(route, body):
    return [*(name.encode() if isinstance(name, str) else name for name in route), b"", *body]
