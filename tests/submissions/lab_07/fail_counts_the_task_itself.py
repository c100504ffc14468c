"""Right index, but does the broker's bookkeeping as well."""

# fails: choose leaves the loads as they are


def choose(loads, rng):
    index = loads.index(min(loads))
    loads[index] += 1
    return index
