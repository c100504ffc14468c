"""Frames one by one."""

# fails: wrap is a plain function


def unwrap(frames):
    if b"" not in frames:
        raise ValueError(f"no empty frame in {frames}")
    end = frames.index(b"")
    return frames[:end], frames[end + 1 :]


def wrap(route, body):
    yield from route
    yield b""
    yield from body
