"""Makes every call draw the same numbers."""

# fails: loads and rng alone decide
# says: seeded `rng` anew


def choose(loads, rng):
    rng.seed(7)
    least = min(loads)
    return rng.choice([index for index, load in enumerate(loads) if load == least])
