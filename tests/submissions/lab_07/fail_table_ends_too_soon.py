"""A table of what each load costs, with no line for a long queue."""

# fails: choose runs without an error
# says: IndexError
# says: It was asked about the loads [

COSTS = [load * 0.010 for load in range(14)]


def choose(loads, rng):
    first, second = rng.randrange(len(loads)), rng.randrange(len(loads))
    return first if COSTS[loads[first]] <= COSTS[loads[second]] else second
