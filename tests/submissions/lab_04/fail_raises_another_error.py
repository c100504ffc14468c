"""An IndexError instead."""

# fails: no empty frame: ValueError
# says: raised IndexError
# says: of unwrap: while frames[place]:


def unwrap(frames):
    place = 0
    while frames[place]:
        place += 1
    return frames[:place], frames[place + 1 :]


def wrap(route, body):
    return [*route, b"", *body]
