"""Right number, wrong type."""

# fails: choose returns the index of a worker


def choose(loads, rng):
    return float(loads.index(min(loads)))
