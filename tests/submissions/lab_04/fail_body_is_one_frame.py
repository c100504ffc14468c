"""A body of one frame comes without its list."""

# fails: unwrap gives two lists of frames
# says: the body: b'hello' is one bytes, not a list of frames


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    body = frames[end + 1 :]
    return frames[:end], body[0] if len(body) == 1 else body


def wrap(route, body):
    return [*route, b"", *body]
