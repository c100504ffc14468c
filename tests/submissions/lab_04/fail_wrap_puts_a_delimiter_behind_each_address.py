"""As many delimiters as addresses."""

# fails: wrap gives the route


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    frames = []
    for address in route:
        frames += [address, b""]
    return [*(frames or [b""]), *body]
