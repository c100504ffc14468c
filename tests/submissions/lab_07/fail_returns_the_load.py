"""The least load itself, not where it is."""

# fails: choose returns the index of a worker
# hint: is it the load that you return


def choose(loads, rng):
    return min(loads)
