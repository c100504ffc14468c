"""Ends the program."""

import sys

# fails: no empty frame: ValueError
# says: raised SystemExit


def unwrap(frames):
    if b"" not in frames:
        sys.exit(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
