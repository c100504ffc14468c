"""Least recently used, it seems; but the first may be busy."""

# fails: mean for constant work at a load of 0.5


def choose(loads, rng):
    return 0
