"""A callable object that sorts a list of its own."""


class LeastLoaded:
    def __call__(self, loads, rng):
        order = list(range(len(loads)))
        order.sort(key=lambda index: (loads[index], index))
        return order.pop(0)


choose = LeastLoaded()
