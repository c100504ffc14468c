"""Does not look at the loads."""

# fails: p99 for bimodal work


def choose(loads, rng):
    return rng.randrange(len(loads))
