"""Gives a second task to a busy worker while another stands idle."""

# fails: mean for constant work at a load of 0.5


def choose(loads, rng):
    for index, load in enumerate(loads):
        if load < 2:
            return index
    return loads.index(min(loads))
