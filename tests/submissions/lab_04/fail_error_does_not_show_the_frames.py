"""What list.index says of it."""

# fails: the error shows the frames
# says: No trace in it of b'READY'


def unwrap(frames):
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
