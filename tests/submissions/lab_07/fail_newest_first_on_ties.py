"""<= where < is meant: of equals it takes the one who became idle last."""

# fails: with one task at a time, nobody is left out


def choose(loads, rng):
    best = 0
    for index, load in enumerate(loads):
        if load <= loads[best]:
            best = index
    return best
