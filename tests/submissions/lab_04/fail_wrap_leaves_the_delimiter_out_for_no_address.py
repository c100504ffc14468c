"""No address, no delimiter."""

# fails: wrap gives the route
# says: wrap([], [b'hello']) returned [b'hello']


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body] if route else list(body)
