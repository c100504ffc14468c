"""The first index with the fewest tasks, by key."""


def choose(loads, rng):
    return min(range(len(loads)), key=lambda index: loads[index])
