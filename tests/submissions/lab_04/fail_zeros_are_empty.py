"""A C string of zero bytes is empty."""

# fails: the route is all before
# fails: no empty frame: ValueError
# says: a blank or a zero byte is content


def unwrap(frames):
    for place, frame in enumerate(frames):
        if not frame.strip(b"\0"):
            return frames[:place], frames[place + 1 :]
    raise ValueError(f"no empty frame in {frames}")


def wrap(route, body):
    return [*route, b"", *body]
