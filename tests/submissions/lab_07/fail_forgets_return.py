"""Chooses well and keeps it to itself."""

# fails: choose returns the index of a worker
# says: nobody gets the task


def choose(loads, rng):
    min(range(len(loads)), key=loads.__getitem__)
