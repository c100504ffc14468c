"""Counts workers from 1."""

# fails: choose returns the index of a worker


def choose(loads, rng):
    return loads.index(min(loads)) + 1
