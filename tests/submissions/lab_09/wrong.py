"""Lab 09: wrong programs, and the rule of the check that must see each."""

from labs import Wrong

INDEX = "choose returns the index of a worker"
ALONE = "loads and rng alone decide"
LEAVES = "choose leaves the loads as they are"
RUNS = "choose runs without an error"
BY_CHANCE = "rng.choice([index for index, load in enumerate(loads) if load == least])"
LEAST = "return loads.index(min(loads))"

WRONG = [
    Wrong(
        "always_the_first", "plain", "mean for constant work at a load of 0.5", (LEAST, "return 0")
    ),
    Wrong(
        "chance_of_its_own_module",
        "ties_by_chance",
        ALONE,
        ("def choose", "import random\n\n\ndef choose"),
        ("rng.choice", "random.choice"),
        says=("the `random` module's own generator",),
    ),
    Wrong(
        "counts_the_task_itself",
        "plain",
        LEAVES,
        (
            LEAST,
            """
            index = loads.index(min(loads))
            loads[index] += 1
            return index
            """,
        ),
    ),
    Wrong(
        "first_with_less_than_two",
        "idle_or_anybody",
        "mean for constant work at a load of 0.5",
        ("not load:", "load < 2:"),
        ("int(rng.random() * len(loads))", "loads.index(min(loads))"),
    ),
    Wrong(
        "forgets_return",
        "min_of_indices",
        INDEX,
        ("return min", "min"),
        says=("nobody gets the task",),
    ),
    Wrong(
        "generator_of_its_own",  # a seed does not help: it goes on from call to call
        "ties_by_chance",
        ALONE,
        ("def choose", "import random\n\nmine = random.Random(7)\n\n\ndef choose"),
        ("rng.choice", "mine.choice"),
        says=("asked twice",),
    ),
    Wrong(
        "keeps_back_at_two",  # credit 2, as in lesson 09
        "plain",
        INDEX,
        (LEAST, "return loads.index(min(loads)) if min(loads) < 2 else None"),
        says=("nobody gets the task",),
    ),
    Wrong("index_out_of_range", "plain", INDEX, ("(min(loads))", "(min(loads)) + 1")),
    Wrong(
        "keeps_what_it_drew",
        "ties_by_chance",
        ALONE,
        ("def choose", "cache = {}\n\n\ndef choose"),
        (
            "least = min(loads)\nreturn " + BY_CHANCE,
            """
            key = tuple(loads)
            if key not in cache:
                best = [i for i, n in enumerate(loads) if n == min(loads)]
                cache[key] = rng.choice(best)
            return cache[key]
            """,
        ),
        says=("it remembers what it was asked",),
    ),
    Wrong(
        "loads_as_bytes",  # a load fits into a byte, until it does not
        "plain",
        RUNS,
        ("loads.index", "bytes(loads).index"),
        says=("bytes must be in range",),
    ),
    Wrong(
        "most_loaded",
        "plain",
        "mean for constant work at a load of 0.5",
        ("min(loads)", "max(loads)"),
        also=("mean for constant work at a load of 0.8",),
    ),
    Wrong(
        "negative_index", "min_of_indices", INDEX, ("loads[index])", "loads[index]) - len(loads)")
    ),
    Wrong(
        "never_looks_at_the_last",
        "min_of_indices",
        "mean for constant work at a load of 0.8",
        ("range(len(loads))", "range(max(1, len(loads) - 1))"),
    ),
    Wrong(
        "newest_first_on_ties",
        "loop",
        "with one task at a time, nobody is left out",
        ("if loads[best] == 0:\n    break", ""),
        ("loads[index] < loads[best]", "loads[index] <= loads[best]"),
    ),
    Wrong(
        "nobody_while_all_are_busy",
        "idle_or_anybody",
        INDEX,
        ("return int(rng.random() * len(loads))", ""),
        says=("nobody gets the task",),
    ),
    Wrong(
        "raises_while_all_are_busy",
        "plain",
        RUNS,
        ("min(loads)", "0"),
        says=("return loads.index(0)",),
    ),
    Wrong(
        "random",
        "plain",
        "mean for constant work at a load of 0.5",
        (LEAST, "return rng.randrange(len(loads))"),
        also=("p99 for bimodal work",),
    ),
    Wrong("returns_a_float", "plain", INDEX, (LEAST, "return float(loads.index(min(loads)))")),
    Wrong(
        "returns_load_and_index",
        "plain",
        INDEX,
        (LEAST, "return min((load, index) for index, load in enumerate(loads))"),
    ),
    Wrong(
        "returns_the_load",
        "plain",
        INDEX,
        (LEAST, "return min(loads)"),
        says=("Is it the load that you return",),
    ),
    Wrong(
        "round_robin_by_own_counter",
        "plain",
        ALONE,
        ("def choose(loads, rng):", "turn = -1\n\n\ndef choose(loads, rng):"),
        (
            LEAST,
            """
            global turn
            turn = (turn + 1) % len(loads)
            return turn
            """,
        ),
        also=("p99 for bimodal work",),
    ),
    Wrong(
        "second_least_loaded",
        "plain",
        "with one task at a time, nobody is left out",
        (
            LEAST,
            """
            order = sorted(range(len(loads)), key=loads.__getitem__)
            return order[min(1, len(order) - 1)]
            """,
        ),
        also=("p99 for bimodal work",),
    ),
    Wrong(
        "seeds_rng_anew",
        "ties_by_chance",
        ALONE,
        ("least = min(loads)", "rng.seed(7)\nleast = min(loads)"),
        says=("seeded `rng` anew",),
    ),
    Wrong("sorts_the_loads", "plain", LEAVES, (LEAST, "loads.sort()\nreturn 0")),
    Wrong(
        "table_ends_too_soon",
        "two_draws_with_repetition",
        RUNS,
        ("def choose", "COSTS = [load * 0.010 for load in range(14)]\n\n\ndef choose"),
        ("loads[one] <= loads[other]", "COSTS[loads[one]] <= COSTS[loads[other]]"),
        says=("IndexError", "It was asked about the loads ["),
    ),
    Wrong(
        "two_choices_of_four",
        "two_draws_with_repetition",
        INDEX,
        (
            "one, other = rng.randrange(len(loads)), rng.randrange(len(loads))",
            """
            one, other = rng.sample(range(4), 2)
            if max(one, other) >= len(loads):
                return one
            """,
        ),
    ),
    Wrong(
        "waits_a_little_each_time",
        "plain",
        "choose answers at once",
        ("def choose", "import time\n\n\ndef choose"),
        (LEAST, "time.sleep(0.02)\n" + LEAST),
        says=("a broker waits for each answer",),
        limit=2,
    ),
    Wrong(
        "waits_until_somebody_is_idle",
        "plain",
        "choose returns",
        (
            LEAST,
            """
            while 0 not in loads:
                pass
            return loads.index(0)
            """,
        ),
        says=("of choose:",),
        limit=2,
    ),
    Wrong(
        "writes_down_a_second_task",
        "plain",
        LEAVES,
        (
            LEAST,
            """
            index = loads.index(min(loads))
            if loads == [1, 1, 1, 1]:
                loads[index] += 1
            return index
            """,
        ),
        says=("choose([1, 1, 1, 1], rng) returned 0 and left the list as [2, 1, 1, 1]",),
    ),
]
