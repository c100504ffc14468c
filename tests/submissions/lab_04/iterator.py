"""One iterator: the route until the delimiter, the body from there."""


def unwrap(frames):
    it = iter(frames)
    route = []
    try:
        while frame := next(it):
            route.append(frame)
    except StopIteration:
        raise ValueError(f"frames {frames} have no delimiter") from None
    return route, list(it)


def wrap(route, body):
    return [*iter(route), b"", *iter(body)]
