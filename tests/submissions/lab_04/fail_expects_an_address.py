"""A DEALER gets its answer without any."""

# fails: unwrap runs without an error
# fails: the route is all before
# says: unwrap([b'', b'hello']) raised ValueError


def unwrap(frames):
    if b"" not in frames[1:]:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"", 1)
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
