"""Sure that somebody is idle."""

# fails: choose runs without an error
# says: return loads.index(0)


def choose(loads, rng):
    return loads.index(0)
