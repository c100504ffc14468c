"""Off by one after sorting."""

# fails: p99 for bimodal work
# fails: with one task at a time, nobody is left out


def choose(loads, rng):
    order = sorted(range(len(loads)), key=loads.__getitem__)
    return order[min(1, len(order) - 1)]
