"""unwrap gives tuples, wrap adds lists."""

# fails: wrap takes what unwrap gives
# says: raised TypeError


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return tuple(frames[:end]), tuple(frames[end + 1 :])


def wrap(route, body):
    return route + [b""] + body  # noqa: RUF005
