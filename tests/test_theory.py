"""Bounds against optima found by trying everything, and against Graham's guarantee."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqlab.theory import best_split, makespan_bound

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
