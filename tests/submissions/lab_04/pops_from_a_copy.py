"""Takes frames off one by one, but off a copy."""

from collections import deque


class NoDelimiter(ValueError):
    def __init__(self, frames):
        super().__init__("no delimiter", *frames)


def unwrap(frames):
    rest, route = deque(frames), deque()
    while rest:
        frame = rest.popleft()
        if not frame:
            return route, rest
        route.append(frame)
    raise NoDelimiter(frames)


def wrap(route, body):
    return [*route, b"", *body]
