"""One pass by hand; an idle worker ends it."""


def choose(loads, rng):
    best = 0
    for index in range(1, len(loads)):
        if loads[best] == 0:
            break
        if loads[index] < loads[best]:
            best = index
    return best
