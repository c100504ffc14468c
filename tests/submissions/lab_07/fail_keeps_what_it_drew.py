"""The first draw for the same loads serves for ever."""

# fails: loads and rng alone decide
# says: it remembers what it was asked

cache = {}


def choose(loads, rng):
    key = tuple(loads)
    if key not in cache:
        best = [i for i, n in enumerate(loads) if n == min(loads)]
        cache[key] = rng.choice(best)
    return cache[key]
