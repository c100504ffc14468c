"""The virtual clock against arithmetic in the head, against theory, and against itself."""

from itertools import pairwise
from math import sqrt
from random import Random
from statistics import mean, stdev
from time import process_time
from timeit import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zmqlab.balance.clock import (
    bimodal,
    constant,
    exponential,
    one_queue,
    pareto,
    poisson,
    simulate,
)
from zmqlab.balance.policy import (
    Credit,
    RoundRobin,
    at_random,
    least_loaded,
    least_recently_used,
    two_choices,
)
from zmqlab.balance.theory import makespan_bound, mg1, mmc

POLICIES = [
    at_random,
    RoundRobin(),
    least_recently_used,
    least_loaded,
    two_choices,
    Credit(2),
    Credit(3, at_random),
]
MS = 0.001


def open_loop(choose, work, *, load, workers=4, tasks=4000, seed=1, travel=0.0):
    arrivals = poisson(load * workers / work.mean, tasks, seed)
    costs = work.costs(tasks, seed)
    return simulate(choose, arrivals, costs, speeds=[1] * workers, travel=travel, seed=seed)


# --- arithmetic in the head


def test_three_tasks_on_two_workers():
    run = simulate(least_recently_used, [0, 0, 0], [4, 2, 1], speeds=[1, 2])
    assert run.names == ["w1", "w2"]
    assert run.workers == [0, 1, 1]
    assert run.starts == [0, 0, 1]
    assert run.ends == run.answers == [4, 1, 1.5]
    assert run.makespan == 4
    assert run.counts() == {"w1": 1, "w2": 2}


def test_a_task_travels_there_and_its_answer_back():
    run = simulate(least_recently_used, [0, 0], [10, 10], speeds=[1], travel=1)
    assert run.starts == [1, 13]  # the worker stands still from 11 to 13
    assert run.answers == [12, 24]
    assert run.makespan == 24
    assert run.waits == [1, 13]
    assert run.sojourns == [12, 24]


def test_a_task_that_is_there_already_need_not_travel():
    run = simulate(Credit(2), [0, 0, 0], [10, 10, 10], speeds=[1], travel=1)
    assert run.starts == [1, 11, 21]


def test_round_robin_gives_the_third_task_to_the_slow_worker_all_the_same():
    run = simulate(RoundRobin(), [0, 1, 2, 3], [1, 1, 1, 1], speeds=[1, 0.1])
    assert run.workers == [0, 1, 0, 1]
    assert run.ends == [1, 11, 3, 21]


def test_spans_are_what_the_workers_did():
    run = simulate(least_recently_used, [0, 0, 0, 1], [4, 2, 1, 5], speeds=[1, 2])
    assert run.spans() == [
        ("w1", 0, 4, (b"1",)),
        ("w2", 0, 1, (b"2",)),
        ("w2", 1, 1.5, (b"3",)),
        ("w2", 1.5, 4, (b"4",)),
    ]


def test_who_did_nothing_is_counted_too():
    assert simulate(least_recently_used, [0], [1], speeds=[1, 1]).counts() == {"w1": 1, "w2": 0}


def test_a_run_without_tasks_is_empty():
    run = simulate(least_loaded, [], [])
    assert (run.makespan, run.spans(), run.sojourns) == (0, [], [])


def test_an_answer_at_the_moment_of_an_arrival_comes_first():
    run = simulate(least_loaded, [0, 0, 5], [9, 5, 1], speeds=[1, 1])
    assert run.workers == [0, 1, 1]
    assert run.starts[2] == 5


def test_a_policy_that_never_gives_anything_is_named():
    def lazy(loads, rng):
        return None

    with pytest.raises(RuntimeError, match=r"lazy.* left 2 tasks waiting with every worker idle"):
        simulate(lazy, [0, 1], [1, 1])


# --- against itself


def test_the_same_arguments_give_the_same_run():
    for choose in POLICIES:
        one, other = (open_loop(choose, exponential(1), load=0.8, tasks=300) for _ in range(2))
        assert one == other
        assert one != open_loop(choose, exponential(1), load=0.8, tasks=300, seed=2)


def test_a_run_does_not_move_the_turn_of_the_next():
    choose = Credit(9, RoundRobin())
    assert simulate(choose, [0], [1]).workers == simulate(choose, [0], [1]).workers == [0]


@settings(deadline=None)
@given(
    choose=st.sampled_from(POLICIES),
    tasks=st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=30),
    speeds=st.lists(st.floats(0.1, 10), min_size=1, max_size=5),
    travel=st.floats(0, 3),
)
def test_every_task_is_done_once_and_nobody_does_two_at_a_time(choose, tasks, speeds, travel):
    arrivals, costs = sorted(came for came, _ in tasks), [cost for _, cost in tasks]
    run = simulate(choose, arrivals, costs, speeds=speeds, travel=travel)
    assert sum(run.counts().values()) == len(tasks) == len(run.spans())
    assert all(wait >= travel * (1 - 1e-9) - 1e-9 for wait in run.waits)
    for number, worker in enumerate(run.names):
        own = [(s.start, s.end) for s in run.spans() if s.who == worker]
        assert all(end <= start for (_, end), (start, _) in pairwise(own))
        assert run.counts()[worker] == len(own) == run.workers.count(number)


@settings(deadline=None)
@given(
    choose=st.sampled_from(POLICIES),
    costs=st.lists(st.floats(0.01, 9), min_size=1, max_size=30),
    speeds=st.lists(st.floats(0.1, 10), min_size=1, max_size=5),
)
def test_no_policy_beats_the_lower_bound(choose, costs, speeds):
    run = simulate(choose, [0] * len(costs), costs, speeds=speeds)
    assert run.makespan >= makespan_bound(costs, speeds) * (1 - 1e-9)


@settings(deadline=None)
@given(costs=st.lists(st.floats(0.01, 9), min_size=1, max_size=30), n=st.integers(1, 5))
def test_a_queue_of_idle_workers_keeps_grahams_promise(costs, n):
    run = simulate(least_recently_used, [0] * len(costs), costs, speeds=[1] * n)
    assert run.makespan <= (2 - 1 / n) * makespan_bound(costs, [1] * n) * (1 + 1e-9)


@settings(deadline=None)
@given(k=st.integers(1, 4), travel=st.floats(0, 3), seed=st.integers(0, 99))
def test_no_worker_ever_has_more_than_its_credit(k, travel, seed):
    seen = []

    def watched(loads, rng):
        seen.append(max(loads))
        return Credit(k)(loads, rng)

    open_loop(watched, exponential(1), load=0.9, tasks=100, travel=travel, seed=seed)
    assert max(seen) <= k


@pytest.mark.parametrize("k", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("task", [1, 5, 20])
def test_credit_hides_the_round_trip(k, task):
    """A worker is busy for k * task / (task + round trip) of the time, at most all of it."""
    tasks, travel = 1200, 2.5
    run = simulate(Credit(k), [0] * tasks, [task] * tasks, speeds=[1, 1, 1], travel=travel)
    busy = tasks * task / 3 / run.makespan
    assert busy == pytest.approx(min(1, k * task / (task + 2 * travel)), rel=0.02)


# --- what tasks cost


def test_the_default_bimodal_work_is_2_and_82_ms():
    costs = [round(cost / MS, 9) for cost in bimodal(10 * MS).costs(2000)]
    assert set(costs) == {2, 82}
    assert 0.08 < costs.count(82) / len(costs) < 0.12


def test_a_bimodal_variance_of_nothing_is_constant_and_of_nine_costs_nothing_nine_times():
    assert set(bimodal(3, scv=0).costs(50)) == {3}
    assert sorted(set(bimodal(3, scv=9).costs(50))) == pytest.approx([0, 30])


@pytest.mark.parametrize(
    "work",
    [
        constant(0.01),
        exponential(0.01),
        bimodal(0.01),
        bimodal(0.01, 2),
        bimodal(0.01, 5.76, share=0.02),
        pareto(0.01, 4.5),
    ],
    ids=lambda work: f"{work.name} {work.scv:.2f}",
)
def test_costs_have_the_mean_and_the_variance_that_they_state(work):
    costs = work.costs(20_000)
    assert mean(costs) == pytest.approx(work.mean, rel=0.05)
    assert (stdev(costs) / mean(costs)) ** 2 == pytest.approx(work.scv, rel=0.12)


@pytest.mark.parametrize("shape", [1.5, 2.0])
def test_a_heavy_tail_has_no_variance(shape):
    assert pareto(1, shape).scv == float("inf")


def test_the_rarer_the_long_tasks_of_one_variance_the_longer_they_are():
    costs = [round(cost / MS) for cost in bimodal(10 * MS, share=0.002).costs(9000)]
    assert set(costs) == {9, 546}
    assert 0.001 < costs.count(546) / len(costs) < 0.003


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: bimodal(1, 9.1), "0.1 long tasks the scv is between 0 and 9, not 9.1"),
        (lambda: bimodal(1, -1), "between 0 and 9"),
        (lambda: bimodal(1, 4, share=0.25), "between 0 and 3"),
        (lambda: bimodal(1, share=0), "a share of long tasks is between 0 and 1, not 0"),
    ],
)
def test_a_variance_that_cannot_be_had_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_a_tail_without_a_mean_is_refused():
    with pytest.raises(ValueError, match="no mean"):
        pareto(1, shape=1)


def test_arrivals_are_poisson():
    arrivals = poisson(50, 20_000)
    gaps = [after - before for before, after in pairwise(arrivals)]
    assert arrivals == sorted(arrivals)
    assert mean(gaps) == pytest.approx(1 / 50, rel=0.03)
    assert stdev(gaps) == pytest.approx(mean(gaps), rel=0.03)


# --- against theory: the formula lies in the confidence interval of many runs

RUNS = 60
T99 = 2.662  # Student's t, 59 degrees of freedom, two-sided 99 %


def interval(measure, choose, work, *, load, workers):
    """The 99 % confidence interval of a long-run mean, from independent runs.

    The first fifth of each run is left out: it starts empty, the formulas do not.
    """
    means = []
    for seed in range(RUNS):
        run = open_loop(choose, work, load=load, workers=workers, tasks=5000, seed=seed)
        means.append(mean(getattr(run, measure)[1000:]))
    middle, half = mean(means), T99 * stdev(means) / sqrt(RUNS)
    return middle - half, middle + half


def holds(formula, low, high, within):
    """The formula lies in the interval, and the interval is narrow enough to mean something."""
    assert low <= formula <= high
    assert (high - low) / 2 <= within * formula


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "load"), [(1, 0.5), (2, 0.7), (4, 0.8), (8, 0.9)])
def test_one_queue_of_exponential_work_is_mmc(workers, load):
    low, high = interval(
        "sojourns", least_recently_used, exponential(10 * MS), load=load, workers=workers
    )
    holds(mmc(load, 10 * MS, workers).sojourn, low, high, within=0.1)


def test_four_workers_at_four_fifths_take_17_and_a_half_ms():
    assert mmc(0.8, 10 * MS, 4).sojourn == pytest.approx(17.5 * MS, abs=0.05 * MS)


@pytest.mark.slow
@pytest.mark.parametrize("work", [constant(1), exponential(1), bimodal(1)], ids=lambda w: w.name)
def test_chance_makes_every_worker_a_queue_of_its_own(work):
    low, high = interval("waits", at_random, work, load=0.6, workers=4)
    holds(mg1(0.6, work.mean, work.scv).wait, low, high, within=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("scv", [0, 3, 8])
def test_one_worker_is_mg1_whatever_the_policy(scv):
    work = bimodal(1, scv)
    low, high = interval("waits", least_loaded, work, load=0.5, workers=1)
    holds(mg1(0.5, 1, scv).wait, low, high, within=0.1)


@pytest.mark.slow
def test_the_interval_is_narrow_enough_to_refuse_a_wrong_formula():
    low, _ = interval("sojourns", least_loaded, exponential(1), load=0.8, workers=4)
    assert low > mmc(0.8, 1, 4).sojourn  # tasks bound at arrival wait longer than in one queue


def test_for_constant_work_taking_turns_is_the_one_queue():
    """To the last digit but rounding: equal tasks end in the order in which they began."""
    turns, queue = (
        open_loop(choose, constant(1), load=0.9) for choose in (RoundRobin(), least_recently_used)
    )
    assert turns.starts == pytest.approx(queue.starts)


@pytest.mark.parametrize("workers", [1, 4])
def test_one_queue_is_the_clock_with_whoever_has_been_idle_longest(workers):
    work = bimodal(1)
    run = open_loop(least_recently_used, work, load=0.8, workers=workers)
    waits = one_queue(run.arrivals, work.costs(4000, 1), workers)
    assert waits == pytest.approx(run.waits)
    assert max(waits) > 10


def test_two_moments_do_not_tell_the_wait_before_several_workers():
    """Gupta, Dai, Harchol-Balter and Zwart (2010): the same mean and variance, another wait."""

    def wait(share):
        work, tasks = bimodal(1, share=share), 100_000
        return mean(one_queue(poisson(4 * 0.5, tasks), work.costs(tasks), 4))

    assert wait(0.002) < 0.6 * wait(0.1)


def ratio(one, other, work, **more):
    runs = [open_loop(choose, work, load=0.8, seed=3, **more) for choose in (one, other)]
    return mean(runs[0].sojourns) / mean(runs[1].sojourns)


def test_round_robin_wins_for_constant_work_once_asking_takes_time():
    for other in (at_random, two_choices, least_loaded, least_recently_used, Credit(2)):
        assert ratio(RoundRobin(), other, constant(10 * MS), travel=0.5 * MS) < 0.98


def test_round_robin_loses_when_work_varies():
    for work in (exponential(10 * MS), bimodal(10 * MS)):
        assert ratio(RoundRobin(), least_recently_used, work) > 1.4
        assert ratio(RoundRobin(), two_choices, work) > 1.2
        assert ratio(at_random, RoundRobin(), work) > 1.1


# --- fast enough for a slider


def seconds(what):
    """The processor time of a call; what else the machine does matters little to it."""
    return min(repeat(what, timer=process_time, number=1, repeat=7))


@pytest.mark.slow
@pytest.mark.parametrize("choose", POLICIES)
def test_a_task_costs_less_than_a_hundred_random_numbers(choose):
    """A slider's answer is 8,000 tasks (4 policies of 2,000). 200 ms allow 25 µs for each.

    Where this was written, a random number took 0.12 µs and a task 2 to 4 µs.
    """
    rng = Random(1)
    number = seconds(lambda: [rng.expovariate(1) for _ in range(20_000)]) / 20_000
    task = seconds(lambda: open_loop(choose, exponential(1), load=0.8, tasks=2000)) / 2000
    assert task < 100 * number
