"""Policies as pure functions, the fleet that they look at, and liveness without a clock."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zmqlab.balance.policy import (
    Credit,
    Fleet,
    Liveness,
    RoundRobin,
    at_random,
    in_fixed_order,
    least_loaded,
    least_recently_used,
    two_choices,
)

loads_of = st.lists(st.integers(0, 20), min_size=1, max_size=12)
seeds = st.integers(0, 2**32)
POLICIES = {
    "at_random": lambda: at_random,
    "RoundRobin": RoundRobin,
    "least_recently_used": lambda: least_recently_used,
    "least_loaded": lambda: least_loaded,
    "two_choices": lambda: two_choices,
    "Credit(2)": lambda: Credit(2),
    "Credit(2, two_choices)": lambda: Credit(2, two_choices),
}
every_policy = pytest.mark.parametrize("make", POLICIES.values(), ids=POLICIES.keys())


# --- every policy


@every_policy
@given(loads=loads_of, seed=seeds)
def test_a_policy_names_a_worker_or_nobody_and_leaves_the_loads_alone(make, loads, seed):
    before = list(loads)
    index = make()(loads, Random(seed))
    assert index is None or 0 <= index < len(loads)
    assert loads == before


@every_policy
@given(loads=loads_of, seed=seeds)
def test_the_same_chance_gives_the_same_choice(make, loads, seed):
    assert make()(loads, Random(seed)) == make()(loads, Random(seed))


@every_policy
@given(loads=loads_of, seed=seeds)
def test_nobody_is_an_answer_only_while_nobody_is_idle(make, loads, seed):
    if 0 in loads:
        assert make()(loads, Random(seed)) is not None


# --- each one


@given(loads=loads_of, seed=seeds)
def test_least_recently_used_is_the_first_idle_one(loads, seed):
    index = least_recently_used(loads, Random(seed))
    if index is None:
        assert 0 not in loads
    else:
        assert loads[index] == 0
        assert 0 not in loads[:index]


@given(loads=loads_of, seed=seeds)
def test_least_loaded_is_the_first_of_the_least_loaded(loads, seed):
    index = least_loaded(loads, Random(seed))
    assert loads[index] == min(loads)
    assert min(loads) not in loads[:index]


@given(loads=st.lists(st.integers(0, 20), min_size=2, max_size=12, unique=True), seed=seeds)
def test_two_choices_never_takes_the_most_loaded(loads, seed):
    assert loads[two_choices(loads, Random(seed))] < max(loads)


@given(a=st.integers(0, 9), b=st.integers(0, 9), seed=seeds)
def test_of_two_workers_two_choices_is_least_loaded(a, b, seed):
    assert two_choices([a, b], Random(seed)) == least_loaded([a, b], Random(seed))


def test_chance_reaches_everybody():
    rng = Random(1)
    assert {at_random([9, 0, 9], rng) for _ in range(100)} == {0, 1, 2}
    assert {two_choices([1, 1, 1, 1], rng) for _ in range(100)} == {0, 1, 2}  # ties: idle longest


def test_round_robin_takes_turns_whatever_the_loads():
    choose = RoundRobin()
    assert [choose([9, 0, 4], Random(1)) for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_round_robin_survives_a_worker_who_leaves():
    choose = RoundRobin()
    assert [choose([0] * n, Random(1)) for n in (3, 3, 3, 2, 2, 1, 1, 3)] == [
        0,
        1,
        2,
        0,
        1,
        0,
        0,
        1,
    ]


@given(loads=loads_of, k=st.integers(1, 20), seed=seeds)
def test_credit_is_never_exceeded_and_never_left_lying(loads, k, seed):
    index = Credit(k, at_random)(loads, Random(seed))
    if index is None:
        assert min(loads) >= k
    else:
        assert loads[index] < k


@given(loads=loads_of, seed=seeds)
def test_a_credit_of_one_is_least_recently_used(loads, seed):
    assert Credit(1)(loads, Random(seed)) == least_recently_used(loads, Random(seed))


def test_credit_asks_only_about_those_who_have_some():
    asked = []

    def last(loads, rng):
        asked.append(list(loads))
        return len(loads) - 1

    assert Credit(3, last)([3, 1, 5, 2, 3], Random(1)) == 3
    assert asked == [[1, 2]]


def test_no_credit_at_all_is_refused():
    with pytest.raises(ValueError, match="nobody would ever get a task"):
        Credit(0)


def test_only_round_robin_wants_a_fixed_order():
    assert in_fixed_order(RoundRobin())
    assert in_fixed_order(Credit(3, RoundRobin()))
    assert not any(in_fixed_order(p) for p in (at_random, least_loaded, two_choices, Credit(3)))


def test_a_fleet_may_be_asked_by_one_policy_after_another():
    fleet, rng, in_turn = Fleet("ab"), Random(1), RoundRobin()
    for worker in "ab":
        assert fleet.give(in_turn, rng) == worker
    fleet.answered("b")
    fleet.answered("a")
    assert fleet.give(least_loaded, rng) == "b"  # idle longest
    assert fleet.give(in_turn, rng) == "a"  # its turn, in order of joining


# --- the fleet


def first(loads, rng):
    return 0


def give(fleet, choose, tasks=1):
    return [fleet.give(choose, Random(1)) for _ in range(tasks)]


def test_idle_workers_are_given_tasks_in_the_order_in_which_they_became_idle():
    fleet = Fleet(["w1", "w2", "w3"])
    assert give(fleet, least_recently_used, 4) == ["w1", "w2", "w3", None]
    for worker in ("w2", "w3", "w1"):
        fleet.answered(worker)
    assert give(fleet, least_recently_used, 3) == ["w2", "w3", "w1"]


def test_the_first_in_line_stays_there_while_it_is_busy():
    fleet = Fleet(["w1", "w2"])
    assert give(fleet, first, 3) == ["w1", "w1", "w1"]
    fleet.answered("w1")
    assert fleet.outstanding() == {"w1": 2, "w2": 0}
    fleet.answered("w1")
    fleet.answered("w1")
    assert list(fleet.outstanding()) == ["w2", "w1"]


def test_what_is_taken_back_costs_no_place_in_the_line():
    fleet = Fleet(["w1", "w2"])
    give(fleet, first)
    fleet.take_back("w1")
    assert list(fleet.outstanding().items()) == [("w1", 0), ("w2", 0)]
    with pytest.raises(ValueError, match="nothing can be taken back from 'w1': it has no task"):
        fleet.take_back("w1")


def test_round_robin_takes_turns_though_the_line_moves():
    fleet = Fleet(["w1", "w2", "w3"])
    choose, given_to = RoundRobin(), []
    for _ in range(6):
        given_to += give(fleet, choose)
        if given_to[-1] != "w2":
            fleet.answered(given_to[-1])
    assert given_to == ["w1", "w2", "w3"] * 2


def test_who_leaves_gets_nothing_more_and_its_tasks_are_counted():
    fleet = Fleet(["w1", "w2"])
    give(fleet, first, 2)
    assert fleet.leave("w1") == 2
    assert fleet.leave("w1") == 0
    assert give(fleet, first, 2) == ["w2", "w2"]
    assert "w1" not in fleet
    assert len(fleet) == 1


def test_who_joins_again_starts_anew_at_the_end():
    fleet = Fleet(["w1", "w2"])
    give(fleet, first)
    fleet.join("w1")
    assert fleet.outstanding() == {"w2": 0, "w1": 0}


def test_an_empty_fleet_lets_tasks_wait():
    assert give(Fleet(), at_random) == [None]


@pytest.mark.parametrize("index", [-1, 2])
def test_a_worker_that_there_is_not_cannot_be_chosen(index):
    def lost(loads, rng):
        return index

    with pytest.raises(IndexError, match=rf"lost.* chose worker {index} of 2"):
        give(Fleet(["w1", "w2"]), lost)


def test_answers_to_no_task_are_refused():
    fleet = Fleet(["w1"])
    with pytest.raises(ValueError, match="'w1' has answered, but had no task outstanding"):
        fleet.answered("w1")
    with pytest.raises(KeyError, match="w2"):
        fleet.answered("w2")


class AnyBroker(RuleBasedStateMachine):
    """Whatever happens, the fleet agrees with a history kept in the most naive way."""

    def __init__(self):
        super().__init__()
        self.fleet = Fleet()
        self.tasks = {}  # worker -> tasks outstanding
        self.idle_since = {}
        self.moments = 0

    def now(self):
        self.moments += 1
        return self.moments

    @rule(worker=st.integers(0, 4))
    def join(self, worker):
        self.fleet.join(worker)
        self.tasks[worker] = 0
        self.idle_since[worker] = self.now()

    @rule(worker=st.integers(0, 4))
    def leave(self, worker):
        assert self.fleet.leave(worker) == self.tasks.pop(worker, 0)
        self.idle_since.pop(worker, None)

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def give(self, data):
        index = data.draw(st.integers(0, len(self.tasks) - 1))
        worker = sorted(self.tasks, key=self.idle_since.get)[index]
        assert self.fleet.give(lambda loads, rng: index, Random(1)) == worker
        self.tasks[worker] += 1

    @precondition(lambda self: any(self.tasks.values()))
    @rule(data=st.data())
    def answer(self, data):
        worker = data.draw(st.sampled_from(sorted(w for w, n in self.tasks.items() if n)))
        self.fleet.answered(worker)
        self.tasks[worker] -= 1
        if not self.tasks[worker]:
            self.idle_since[worker] = self.now()

    @invariant()
    def agrees(self):
        line = sorted(self.tasks, key=self.idle_since.get)
        assert list(self.fleet.outstanding().items()) == [(w, self.tasks[w]) for w in line]
        assert len(self.fleet) == len(line)


TestAnyBroker = pytest.mark.slow(AnyBroker.TestCase)


# --- liveness


def test_silent_worker_expires_after_its_patience():
    alive = Liveness(patience=3.0)
    alive.heard(b"w1", now=100.0)
    assert alive.expired(now=103.0) == []
    assert alive.expired(now=103.1) == [b"w1"]


def test_a_sign_of_life_starts_the_patience_again():
    alive = Liveness(patience=3.0)
    alive.heard(b"w1", now=100.0)
    alive.heard(b"w2", now=101.0)
    alive.heard(b"w1", now=102.0)
    assert alive.expired(now=104.5) == [b"w2"]


def test_who_is_forgotten_does_not_expire():
    alive = Liveness(patience=3.0)
    alive.heard(b"w1", now=100.0)
    alive.forget(b"w1")
    alive.forget(b"stranger")
    assert alive.expired(now=200.0) == []
