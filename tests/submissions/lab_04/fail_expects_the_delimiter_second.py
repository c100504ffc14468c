"""One address, whatever the way."""

# fails: unwrap runs without an error
# fails: the route is all before
# says: unwrap([b'broker', b'anna', b'', b'hello']) raised ValueError


def unwrap(frames):
    if len(frames) < 2 or frames[1] != b"":
        raise ValueError(f"no delimiter in {frames}")
    return frames[:1], frames[2:]


def wrap(route, body):
    return [*route, b"", *body]
