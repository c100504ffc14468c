"""Sorts in place; what was where is lost."""

# fails: choose leaves the loads as they are


def choose(loads, rng):
    loads.sort()
    return 0
