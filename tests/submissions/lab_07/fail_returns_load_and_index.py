"""Forgets to unpack."""

# fails: choose returns the index of a worker


def choose(loads, rng):
    return min((load, index) for index, load in enumerate(loads))
