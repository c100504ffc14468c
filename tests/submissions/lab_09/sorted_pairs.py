"""Pairs of load and place, sorted: equal loads keep their order."""


def choose(loads, rng):
    pairs = sorted((load, place) for place, load in enumerate(loads))
    return pairs[0][1]
