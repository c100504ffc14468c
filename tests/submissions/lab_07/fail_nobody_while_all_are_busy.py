"""No return where nobody is idle."""

# fails: choose returns the index of a worker
# says: nobody gets the task


def choose(loads, rng):
    for index, load in enumerate(loads):
        if load == 0:
            return index
