"""Two draws that may be the same worker: the cheaper form of two choices."""


def choose(loads, rng):
    one, other = rng.randrange(len(loads)), rng.randrange(len(loads))
    return one if loads[one] <= loads[other] else other
