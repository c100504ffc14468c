"""Two drawn without repetition; the one with fewer, of equals the one idle longer."""


def choose(loads, rng):
    drawn = sorted(rng.sample(range(len(loads)), min(2, len(loads))))
    return min(drawn, key=loads.__getitem__)
