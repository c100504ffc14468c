"""Not stuck, only slow: it was never asked to look after the workers' rest."""

# fails: choose answers at once
# says: a broker waits for each answer

import time


def choose(loads, rng):
    time.sleep(0.02)
    return loads.index(min(loads))
