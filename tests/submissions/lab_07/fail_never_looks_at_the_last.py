"""One short of the end."""

# fails: mean for constant work at a load of 0.8


def choose(loads, rng):
    last = max(1, len(loads) - 1)
    return min(range(last), key=loads.__getitem__)
