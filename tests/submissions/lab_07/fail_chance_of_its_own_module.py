"""Ties by random.choice instead of rng.choice."""

# fails: loads and rng alone decide
# says: the `random` module's own generator

import random


def choose(loads, rng):
    least = min(loads)
    return random.choice([index for index, load in enumerate(loads) if load == least])
