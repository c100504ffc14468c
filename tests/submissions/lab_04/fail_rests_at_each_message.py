"""Not stuck, only slow."""

# fails: unwrap answers at once
# says: questions.

import time


def unwrap(frames):
    time.sleep(0.05)
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
