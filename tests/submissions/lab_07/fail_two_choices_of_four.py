"""Sure that there are four workers."""

# fails: choose returns the index of a worker


def choose(loads, rng):
    one, other = rng.sample(range(4), 2)
    if max(one, other) >= len(loads):
        return one
    return one if loads[one] <= loads[other] else other
