"""Python takes -1 for the last; a broker's list of workers need not."""

# fails: choose returns the index of a worker


def choose(loads, rng):
    return min(range(len(loads)), key=loads.__getitem__) - len(loads)
