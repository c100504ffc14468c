"""Prints."""

# fails: unwrap gives two lists of frames
# fails: no empty frame: ValueError
# says: Printed meanwhile


def unwrap(frames):
    end = frames.index(b"") if b"" in frames else 0
    print(frames[:end], frames[end + 1 :])


def wrap(route, body):
    return [*route, b"", *body]
