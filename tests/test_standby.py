"""Two brokers in every order of events: how many situations, the shortest histories, the words."""

import ast
import inspect
from pathlib import Path

import pytest

from zmqlab.balance import standby
from zmqlab.balance.standby import (
    START,
    World,
    anybody,
    both_answer,
    brokers,
    cut,
    explore,
    explore_right,
    impatient,
    lose_requests,
    loyal,
    overtake,
    published,
    told,
)

LESSON = Path(__file__).parent.parent / "authoring" / "lessons" / "14_standby.py"
ONE, TWO = World(clients=(0,)), World(clients=(0, 0))


def naive(state, event):
    """The primary answers always, the backup if its peer is silent."""
    if event == "request, peer silent" or (event == "request" and state != "backup"):
        return "active", True
    return state, False


def never(*_):
    """Nothing is wrong: walk to the end."""
    return False


def without_deaths(react, world):
    """What the two can do while nobody dies."""
    for step, after in brokers(react, world):
        if step[1] != "dies":
            yield step, after


# --- counts


@pytest.mark.parametrize(
    ("rule", "situations"), [(naive, 310), (published, 584)], ids=["naive", "published"]
)
def test_all_situations_that_a_rule_leads_to(rule, situations):
    assert explore(rule, brokers, anybody, wrong=never) == (None, situations)


@pytest.mark.parametrize(("room", "situations"), [(1, 155), (2, 413), (3, 873)])
def test_the_right_rule_holds_whatever_is_under_way(monkeypatch, room, situations):
    monkeypatch.setattr(standby, "ROOM", room)
    assert explore_right(brokers, anybody) == (None, situations)


def steps(found):
    """How many steps a history has; 0 if there is none."""
    history, _ = found
    return len(history or ())


@pytest.mark.parametrize(
    ("world", "start", "right", "wrong"),
    [
        ([brokers, anybody], START, 0, 8),
        ([brokers, loyal], ONE, 0, 0),
        ([brokers, loyal], TWO, 0, 9),
        ([brokers, anybody, cut], START, 8, 6),
        ([brokers, loyal, cut], ONE, 0, 0),
        ([brokers, loyal, cut], TWO, 9, 9),
        ([brokers, loyal, lose_requests, cut], ONE, 9, 7),
        ([brokers, anybody, overtake], START, 9, 7),
        ([without_deaths, anybody, impatient], START, 6, 5),
        ([brokers, loyal, impatient], ONE, 0, 0),
    ],
    ids=lambda value: "+".join(h.__name__ for h in value) if isinstance(value, list) else None,
)
def test_how_far_it_is_to_two_that_answer(world, start, right, wrong):
    assert steps(explore_right(*world, start=start)) == right
    assert steps(explore(published, *world, start=start)) == wrong


# --- histories


def test_the_published_rule_fails_in_eight_steps_with_no_link_cut_and_nothing_lost():
    history, _ = explore(published, brokers, anybody)
    assert told(history) == [
        " 1 a client asks the primary: answered; the primary is active",
        " 2 the primary says “active”",
        " 3 the backup hears “active”; the backup is passive",
        " 4 the primary dies",
        " 5 the backup has heard nothing for too long",
        " 6 the primary starts again",
        " 7 a client asks the primary: answered; the primary is active",
        " 8 a client asks the backup: answered; the backup is active",
    ]


def test_it_takes_two_answers_of_two_that_would_go_on():
    answered = START.put(0, state="active").put(1, state="active")._replace(last=0)
    both = answered._replace(last=1)
    assert both_answer(published, answered, (), both)
    assert not both_answer(published, START, (), both)  # the first answer of all
    assert not both_answer(published, answered, (), answered)  # the same one again
    yields = both.put(0, state="passive")
    assert not both_answer(published, answered, (), yields)  # the other one would not


def test_who_has_died_has_not_answered_last():
    assert START._replace(last=0).dies(0).last is None
    assert START._replace(last=1).dies(0).last == 1


def test_with_a_broker_goes_all_that_is_on_its_way_to_it_and_from_it():
    world = START.put(0, coming=("backup",)).put(1, coming=("primary",))
    assert [broker.coming for broker in world.dies(0).brokers] == [(), ()]


def test_patience_ends_only_if_nothing_can_come():
    def may(world):
        return [step for step, _ in brokers(published, world) if step[1] == "loses patience"]

    assert may(START) == []
    assert may(START.dies(0)) == [("backup", "loses patience")]
    assert may(START._replace(link=False)) != []
    assert may(START.dies(0).put(1, silent=True)) == []
    last_words = START.put(0, state="dead").put(1, coming=("active",))
    assert may(last_words) == []


def test_a_heartbeat_ends_the_silence():
    world = START.put(1, silent=True, coming=("primary", "active"))
    after = world.heard(published, 1)
    assert after.brokers[1].coming == ("active",)
    assert not after.brokers[1].silent


def test_a_value_error_ends_a_broker():
    world = START.put(0, state="active", coming=("active",)).put(1, state="active")
    after = world.heard(published, 0)
    assert after.brokers[0].state == "dead"
    history = [(("primary", "hears", "active"), after)]
    assert told(history, world) == [" 1 the primary hears “active”; the primary stops"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            ("client 2", "asks", "backup", "lost"),
            "client 2 asks the backup, and the request is lost",
        ),
        (("backup", "misses", "active"), "the backup misses “active”"),
        (("backup", "gets first", "active"), "the backup gets first “active”"),
        (("the link", "is cut"), "the link is cut"),
        (("primary", "dies"), "the primary dies"),
    ],
)
def test_each_step_in_words(step, words):
    assert told([(step, START)]) == [f" 1 {words}"]


def test_what_is_no_step_is_named():
    with pytest.raises(ValueError, match="no step of two brokers"):
        told([(("alone",), START)])


# --- the text of the lesson


class Plain(ast.NodeTransformer):
    """Code without its annotations."""

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node):
        return ast.Assign([node.target], node.value, lineno=0) if node.value else None


def plain(function):
    return ast.unparse(Plain().visit(ast.parse(function)))


@pytest.mark.parametrize("function", [brokers, anybody, both_answer, explore])
def test_the_lesson_shows_the_text_of_the_package(function):
    lesson = ast.parse(LESSON.read_text(encoding="utf-8"))
    shown = {node.name: node for node in lesson.body if isinstance(node, ast.FunctionDef)}
    assert ast.unparse(Plain().visit(shown[function.__name__])) == plain(
        inspect.getsource(function)
    )
