"""The first frame, and the rest."""


def unwrap(frames):
    try:
        return split(frames)
    except IndexError:
        error = ValueError("no delimiter")
        error.add_note(f"frames: {frames!r}")
        raise error from None


def split(frames):
    first, rest = frames[0], frames[1:]
    if first == b"":
        return [], rest
    route, body = split(rest)
    return [first, *route], body


def wrap(route, body):
    return [route[0], *wrap(route[1:], body)] if route else [b"", *body]
