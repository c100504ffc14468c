"""Any of the least loaded."""


def choose(loads, rng):
    least = min(loads)
    return rng.choice([index for index, load in enumerate(loads) if load == least])
