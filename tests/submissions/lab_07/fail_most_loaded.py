"""max where min is meant."""

# fails: mean for constant work at a load of 0.8


def choose(loads, rng):
    return loads.index(max(loads))
