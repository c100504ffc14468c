"""One client, one delimiter, one frame."""

# fails: unwrap runs without an error
# fails: the route is all before
# fails: the error shows the frames
# says: Which part of the message does that line take for granted?


def unwrap(frames):
    client, empty, body = frames
    if empty:
        raise ValueError(f"no empty frame in {frames}")
    return [client], [body]


def wrap(route, body):
    return [*route, b"", *body]
