"""Goes round and round without a delimiter."""

# fails: unwrap returns
# says: It was at line
# says: It was asked unwrap([b'READY'])


def unwrap(frames):
    place = 0
    while frames and frames[place % len(frames)]:
        place += 1
    return frames[:place], frames[place + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
