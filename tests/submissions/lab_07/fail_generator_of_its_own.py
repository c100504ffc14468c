"""A seed does not help when the generator goes on from call to call."""

# fails: loads and rng alone decide
# says: asked twice

import random

mine = random.Random(7)


def choose(loads, rng):
    least = min(loads)
    return mine.choice([index for index, load in enumerate(loads) if load == least])
