"""A load fits into a byte, until it does not."""

# fails: choose runs without an error
# says: bytes must be in range


def choose(loads, rng):
    return bytes(loads).index(min(loads))
