"""Frame by frame, and an error in hex."""


def unwrap(frames):
    route, body, inside = [], [], False
    for frame in frames:
        if inside:
            body.append(frame)
        elif len(frame) > 0:
            route.append(frame)
        else:
            inside = True
    if not inside:
        shown = " ".join(frame.hex(":") or "(empty)" for frame in frames)
        raise ValueError(f"delimiter missing: {shown}")
    return [route, body]


def wrap(route, body):
    frames = list(route)
    frames.append(b"")
    frames.extend(body)
    return frames
