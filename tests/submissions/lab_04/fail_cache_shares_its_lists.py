"""A cache of lists: what a caller does to its own comes back to the next."""

# fails: unwrap gives a new answer each time
# says: put a frame into the lists that it got

cache = {}


def unwrap(frames):
    key = tuple(frames)
    if key not in cache:
        if b"" not in frames:
            raise ValueError(f"no delimiter in {frames}")
        i = frames.index(b"")
        cache[key] = frames[:i], frames[i + 1 :]
    return cache[key]


def wrap(route, body):
    return [*route, b"", *body]
