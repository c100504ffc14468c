"""Bounds against optima found by trying everything; formulas against what is known of them."""

import itertools
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqlab.balance.theory import best_split, makespan_bound, mg1, mmc

FLEET = [0.002, 0.002, 0.050]  # seconds per task: two quick workers and a straggler
costs = st.floats(min_value=0.01, max_value=100)
speeds = st.lists(st.floats(min_value=0.1, max_value=10), min_size=1, max_size=3)


def optimum(work, speeds):
    """The best makespan of all assignments of tasks to workers."""
    assignments = itertools.product(range(len(speeds)), repeat=len(work))
    return min(makespan(work, speeds, workers) for workers in assignments)


def makespan(work, speeds, workers):
    loads = [0.0] * len(speeds)
    for cost, worker in zip(work, workers, strict=True):
        loads[worker] += cost / speeds[worker]
    return max(loads)


def whoever_is_free(work, n_workers):
    """The makespan of list scheduling on alike workers."""
    free_at = [0.0] * n_workers
    for cost in work:
        first = free_at.index(min(free_at))
        free_at[first] += cost
    return max(free_at)


def test_three_hundred_tasks_on_the_fleet_of_lesson_02():
    assert best_split(300, FLEET) == [148, 147, 5]
    assert makespan_bound([1] * 300, [1 / s for s in FLEET]) == pytest.approx(0.296)


def test_a_slow_worker_gets_nothing_when_it_would_only_delay_the_end():
    assert best_split(3, [1, 1, 50]) == [2, 1, 0]
    assert makespan_bound([1] * 3, [1, 1, 1 / 50]) == pytest.approx(2)


@pytest.mark.parametrize(
    ("work", "speeds", "bound"),
    [
        ([1] * 6, [1, 1, 1], 2),  # the mean load
        ([1] * 7, [1, 1, 1], 3),  # whole tasks: somebody does three
        ([5, 1, 1], [1, 1, 1], 5),  # the dearest task
        ([3, 2, 1, 1], [1, 1], 3.5),  # the mean load, though no split of whole tasks reaches it
        ([8, 8, 1], [2, 1, 0.1], 8),  # the second task takes 8 wherever it goes
        ([4, 3, 3], [1, 1], 6),  # each of the three dearest costs 3, somebody does two
        ([], [1, 1], 0),
    ],
)
def test_bounds_that_can_be_checked_in_the_head(work, speeds, bound):
    assert makespan_bound(work, speeds) == pytest.approx(bound)


@given(st.lists(costs, max_size=5), speeds)
def test_no_schedule_beats_the_bound(work, speeds):
    assert makespan_bound(work, speeds) <= optimum(work, speeds) * (1 + 1e-9)


@given(st.integers(0, 7), speeds)
def test_for_equal_tasks_the_bound_is_the_optimum_and_the_split_reaches_it(n, speeds):
    work = [1.0] * n
    assert makespan_bound(work, speeds) == pytest.approx(optimum(work, speeds))
    seconds = [1 / speed for speed in speeds]
    split = best_split(n, seconds)
    assert sum(split) == n
    assert max(c * s for c, s in zip(split, seconds, strict=True)) == pytest.approx(
        optimum(work, speeds)
    )


@given(st.lists(costs, min_size=1, max_size=40), st.integers(1, 6))
def test_whoever_is_free_keeps_grahams_promise(work, n_workers):
    at_most = (2 - 1 / n_workers) * makespan_bound(work, [1] * n_workers)
    assert whoever_is_free(work, n_workers) <= at_most * (1 + 1e-9)


@given(st.lists(costs, max_size=20), speeds, st.floats(0.1, 10))
def test_workers_twice_as_fast_need_half_the_time(work, speeds, factor):
    faster = [speed * factor for speed in speeds]
    assert makespan_bound(work, faster) * factor == pytest.approx(makespan_bound(work, speeds))


@pytest.mark.parametrize("speeds", [[], [1, 0], [-1]])
def test_workers_without_speed_are_refused(speeds):
    with pytest.raises(ValueError, match="speed above 0"):
        makespan_bound([1], speeds)


def test_negative_costs_and_workers_without_time_are_refused():
    with pytest.raises(ValueError, match="less than nothing"):
        makespan_bound([-1], [1])
    with pytest.raises(ValueError, match="0 seconds a task"):
        best_split(3, [0, 1])


# --- Waiting (the virtual clock is held against these formulas in test_clock.py)

loads_below_one = st.floats(min_value=0, max_value=0.99)
scvs = st.floats(min_value=0, max_value=50)


def erlang_c(offered, workers):
    """The chance to wait, as the sums in which Erlang's formula is printed."""
    last = offered**workers / factorial(workers) * workers / (workers - offered)
    return last / (sum(offered**n / factorial(n) for n in range(workers)) + last)


@given(loads_below_one, st.integers(1, 30))
def test_erlang_c_by_recursion_is_erlang_c_by_sums(load, workers):
    assert mmc(load, 1, workers).chance == pytest.approx(erlang_c(load * workers, workers))


def test_figures_from_the_tables():
    assert mmc(0.8, 0.010, 4).chance == pytest.approx(0.5964, abs=0.0001)
    assert mmc(0.8, 0.010, 4).sojourn == pytest.approx(0.01746, abs=0.00001)
    assert mmc(0.5, 1, 2) == pytest.approx((1 / 3, 1 / 3, 4 / 3))
    assert mg1(0.5, 1, 0) == pytest.approx((0.5, 0.5, 1.5))


@given(loads_below_one, st.floats(0.001, 100))
def test_one_exponential_worker_is_both(load, mean):
    assert mmc(load, mean, 1) == pytest.approx(mg1(load, mean, 1))
    assert mmc(load, mean, 1).sojourn == pytest.approx(mean / (1 - load))


@given(st.floats(0.01, 0.99), st.integers(1, 30))
def test_more_workers_at_the_same_load_wait_less(load, workers):
    assert mmc(load, 1, workers + 1).wait < mmc(load, 1, workers).wait


@given(loads_below_one, scvs)
def test_exponential_work_waits_twice_as_long_as_constant_work(load, scv):
    assert mg1(load, 1, 1).wait == pytest.approx(2 * mg1(load, 1, 0).wait)
    assert mg1(load, 1, scv).wait >= mg1(load, 1, 0).wait


@pytest.mark.parametrize("load", [1, 1.2, -0.1])
def test_a_load_without_an_end_is_refused(load):
    with pytest.raises(ValueError, match="queue grows without end"):
        mmc(load, 1, 4)
    with pytest.raises(ValueError, match="queue grows without end"):
        mg1(load, 1, 1)


def test_no_worker_no_time_and_no_variance_are_refused():
    with pytest.raises(ValueError, match="make no queue"):
        mmc(0.5, 1, 0)
    with pytest.raises(ValueError, match="make no queue"):
        mg1(0.5, -1, 1)
    with pytest.raises(ValueError, match="cannot be negative"):
        mg1(0.5, 1, -1)
