"""The caller's route grows."""

# fails: wrap leaves route and body as they were
# says: the caller's route was [b'anna', b'', b'hello']


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    route.append(b"")
    route.extend(body)
    return route
