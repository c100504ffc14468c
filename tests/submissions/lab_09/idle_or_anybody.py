"""Join-idle-queue: an idle worker if there is one, else anybody."""


def choose(loads, rng):
    for index, load in enumerate(loads):
        if not load:
            return index
    return int(rng.random() * len(loads))
