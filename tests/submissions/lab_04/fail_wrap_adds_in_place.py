"""+= is append."""

# fails: wrap leaves route and body as they were


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    frames = route
    frames += [b""]
    frames += body
    return list(frames)
