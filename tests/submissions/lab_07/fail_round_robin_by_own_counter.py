"""Keeps whose turn it is in a place of its own."""

# fails: loads and rng alone decide
# fails: p99 for bimodal work

turn = -1


def choose(loads, rng):
    global turn
    turn = (turn + 1) % len(loads)
    return turn
