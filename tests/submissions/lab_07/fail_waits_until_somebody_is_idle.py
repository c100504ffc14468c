"""The loads do not change while choose is looking at them."""

# fails: choose returns
# says: of choose:


def choose(loads, rng):
    while 0 not in loads:
        pass
    return loads.index(0)
