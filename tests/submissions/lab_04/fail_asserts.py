"""An AssertionError instead."""

# fails: no empty frame: ValueError
# says: raised AssertionError


def unwrap(frames):
    assert b"" in frames, f"no empty frame in {frames}"
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
