"""The ledger and the rules of dispatch, on histories written by hand."""

import math

import pytest

from zmqlab.check import rules
from zmqlab.check.dispatch import Answered, Asked, Given, Got, Ledger, Left, Odd, Read, Ready

A, B, C = (b"a",), (b"b",), (b"c",)
DONE_A, DONE_B = (b"done: a",), (b"done: b",)
TO = (b"address", b"")
HIRED = [Ready("w1"), Read("worker"), Ready("w2"), Read("worker")]


def served(worker, body, answer, client="c1"):
    """One request, from the question to the answer, one step at a time."""
    return [
        Asked(client, body),
        Read("client"),
        Given(worker, TO, body),
        Answered(worker, TO, answer),
        Read("worker"),
        Got(client, answer),
    ]


# ------------------------------------------------------------------ the ledger


def test_who_has_said_ready_is_idle_and_who_was_given_something_is_not():
    ledger = Ledger([*HIRED, Asked("c1", A), Given("w1", TO, A)])
    assert list(ledger.idle) == ["w2"]
    assert list(ledger.busy) == ["w1"]


def test_who_has_answered_is_idle_behind_those_who_were():
    ledger = Ledger([*HIRED, *served("w1", A, DONE_A)])
    assert list(ledger.idle) == ["w2", "w1"]
    assert not ledger.busy


def test_a_request_is_owed_to_a_worker_as_long_as_somebody_is_idle():
    assert Ledger([Asked("c1", A)]).owed() == []
    assert Ledger([Asked("c1", A), Ready("w1")]).owed() == [
        'c1 asked "a", and no worker got that. Idle: w1.'
    ]
    assert Ledger([Asked("c1", A), Ready("w1"), Given("w1", TO, A)]).owed() == []


def test_with_everybody_busy_a_request_is_owed_only_where_it_goes_to_anybody():
    ledger = Ledger([Ready("w1"), Asked("c1", A), Given("w1", TO, A), Asked("c1", B)])
    assert ledger.owed() == []
    assert ledger.owed(credit=math.inf) == ['c1 asked "b", and no worker got that. Idle: nobody.']


def test_an_answer_is_owed_to_who_has_asked():
    history = [Ready("w1"), Asked("c1", A), Given("w1", TO, A), Answered("w1", TO, DONE_A)]
    assert Ledger(history).owed() == [
        'c1 asked "a"; w1 answered "done: a", and c1 has not got that.'
    ]
    assert Ledger([*history, Got("c1", DONE_A)]).owed() == []


def test_nothing_is_owed_to_who_has_left():
    history = [Ready("w1"), Asked("c1", A), Given("w1", TO, A), Answered("w1", TO, DONE_A)]
    assert Ledger([*history, Left("c1")]).owed() == []
    assert Ledger([Asked("c1", A), Ready("w1"), Left("c1")]).owed() == []


def test_what_a_worker_says_to_nobodys_question_leaves_it_at_its_task():
    ledger = Ledger([Ready("w1"), Asked("c1", A), Given("w1", TO, A)])
    ledger.note(Answered("w1", (b"nobody", b""), DONE_A))
    assert list(ledger.busy) == ["w1"]
    assert not ledger.due


def test_a_worker_that_got_what_is_no_request_is_at_it_until_it_answers_something():
    ledger = Ledger([Ready("w1"), Odd("worker", "w1", "received", (b"?",))])
    assert not ledger.idle
    ledger.note(Answered("w1", TO, (b"?",)))
    assert list(ledger.idle) == ["w1"]


def test_a_second_ready_changes_nothing():
    ledger = Ledger([*HIRED, Ready("w1")])
    assert list(ledger.idle) == ["w1", "w2"]
    assert ledger.idle["w1"] == 0
    busy = Ledger([*HIRED, Asked("c1", A), Given("w1", TO, A), Ready("w1")])
    assert list(busy.idle) == ["w2"]
    assert list(busy.busy) == ["w1"]


def test_with_more_credit_a_request_is_owed_to_who_holds_less():
    ledger = Ledger([Ready("w1"), Asked("c1", A), Given("w1", TO, A), Asked("c1", B)])
    assert ledger.room(1) == {}
    assert ledger.room(3) == {"w1": 2}
    assert ledger.owed(1) == []
    assert ledger.owed(2) == ['c1 asked "b", and no worker got that. Outstanding: w1 1.']
    ledger.note(Given("w1", TO, B))
    assert ledger.owed(2) == []


# ------------------------------------------------------------------ rules


def as_asked(history):
    return rules.as_it_was_asked("as asked", "hint")(history)


def own(history):
    return rules.own_answers("own", "hint")(history)


def one(history):
    return rules.at_most(1, "one", "hint")(history)


def two(history):
    return rules.at_most(2, "two", "hint")(history)


def unread(history, credit=1):
    return rules.unread("unread", "hint", credit)(history)


def in_order(history, credit=1):
    return rules.in_order("in order", "hint", credit)(history)


def fewest(history):
    return rules.fewest_outstanding("fewest", "hint")(history)


def longest(history):
    return rules.longest_idle_first("longest", "hint")(history)


def test_a_worker_is_given_what_was_asked():
    assert as_asked([Asked("c1", A), Given("w1", TO, A)]) is None
    broken = as_asked([Asked("c1", A), Given("w1", TO, B)])
    assert broken == (
        "as asked",
        'w1 was given "b".\nRequests waiting: "a".',
        "hint",
        (b"b", b"a"),
    )


def test_a_request_goes_out_once():
    twice = [Asked("c1", A), Given("w1", TO, A), Given("w2", TO, A)]
    assert "w1 had been given it before" in as_asked(twice).evidence
    assert as_asked([Asked("c1", A), *twice]) is None


def test_the_request_of_a_client_that_has_left_may_go_out():
    assert as_asked([Asked("c1", A), Left("c1"), Given("w1", TO, A)]) is None
    assert as_asked([Asked("c1", A), Left("c1"), Given("w1", TO, A), Given("w1", TO, A)])


def test_what_has_not_the_form_of_a_request_is_none():
    assert "form of a request" in as_asked([Odd("worker", "w1", "received", A)]).evidence
    assert as_asked([Odd("worker", "w1", "sent", A), Odd("client", "c1", "sent", A)]) is None


def test_who_got_the_answer_to_its_question_is_content():
    both = [Ready("w1"), *served("w1", A, DONE_A), *served("w1", B, DONE_B, "c2")]
    assert own(both) is None


def test_an_answer_to_somebody_else_is_named_with_its_owner():
    broken = own(
        [
            *(Asked("c1", A), Given("w1", TO, A), Asked("c2", B), Given("w2", TO, B)),
            *(Answered("w2", TO, DONE_B), Got("c1", DONE_B)),
        ]
    )
    assert broken.evidence == (
        'c1 had asked "a", and got "done: b".\nThat is the answer to "b", which c2 had asked.'
    )
    assert broken.frames == (b"done: b", b"a", b"b")


def test_an_answer_that_was_changed_is_shown_beside_what_the_worker_said():
    broken = own(
        [Asked("c1", A), Given("w1", TO, A), Answered("w1", TO, DONE_A), Got("c1", (b"DONE",))]
    )
    assert broken.evidence == (
        'c1 had asked "a", and got "DONE".\nThe workers had answered "done: a".'
    )


def test_one_question_has_one_answer():
    once = [Ready("w1"), *served("w1", A, DONE_A)]
    assert "It had got that before" in own([*once, Got("c1", DONE_A)]).evidence
    assert own([*once, *served("w1", A, DONE_A)]) is None


def test_nobody_gets_an_answer_before_a_worker_has_given_it():
    assert own([Asked("c1", A), Given("w1", TO, A), Got("c1", DONE_A)])


def test_what_has_not_the_form_of_an_answer_is_none():
    assert own([Odd("client", "c1", "received", A)])


def test_nothing_is_said_of_what_comes_to_a_client_that_has_talked_nonsense():
    assert own([Odd("client", "c1", "sent", A), Got("c1", (b"?",))]) is None
    assert own([Odd("client", "c1", "sent", A), Got("c2", (b"?",))])


def test_nobody_is_given_a_second_request_before_it_has_answered():
    first = [*HIRED, Asked("c1", A), Asked("c1", B), Given("w1", TO, A)]
    broken = one([*first, Given("w1", TO, B)])
    assert broken.evidence == 'w1 was given "b" while it was at "a". Idle: w2.'
    assert one([*first, Answered("w1", TO, DONE_A), Given("w1", TO, B)]) is None


def test_nobody_is_given_more_than_its_credit():
    held = [*HIRED, Asked("c1", A), Asked("c1", B), Asked("c1", C)]
    held += [Given("w1", TO, A), Given("w1", TO, B)]
    assert two(held) is None
    broken = two([*held, Given("w1", TO, C)])
    assert broken.evidence == (
        'w1 was given "c" while it was at "a" and "b". Outstanding: w2 0, w1 2.'
    )
    assert two([*held, Answered("w1", TO, DONE_B), Given("w1", TO, C)]) is None


def test_what_is_no_request_keeps_a_worker_busy_too():
    assert one([Odd("worker", "w1", "received", A), Given("w1", TO, B)])
    assert one([Given("w1", TO, B), Odd("worker", "w1", "received", A)])


def test_a_request_is_read_when_somebody_is_idle():
    assert unread([*HIRED, Read("client"), Read("client")]) is None
    broken = unread([*HIRED, Read("client"), Read("client"), Read("client", (b"c1", b"", b"a"))])
    assert broken.evidence == 'The broker read @"c1" | ∅ | "a" while no worker was idle.'
    assert broken.frames == (b"", b"a")


def test_an_answer_makes_room_for_one_more():
    assert unread([Ready("w1"), Read("worker"), *served("w1", A, DONE_A), Read("client")]) is None


READY_1 = [Ready("w1"), Read("worker", (b"w1", b"", b"READY"))]


def test_requests_are_read_as_the_credit_allows():
    read = [*READY_1, Read("client"), Read("client")]
    assert unread(read, credit=2) is None
    broken = unread([*read, Read("client", (b"c1", b"", b"a"))], credit=2)
    assert broken.evidence == 'The broker read @"c1" | ∅ | "a" while no worker could hold one more.'
    answered = [*read, Read("worker", (b"w1", b"", b"c1", b"", b"y")), Read("client")]
    assert unread(answered, credit=2) is None


def test_a_second_ready_makes_no_room():
    assert unread([*READY_1, *READY_1, *[Read("client")] * 2], credit=2) is None
    assert unread([*READY_1, *READY_1, *[Read("client")] * 3], credit=2)


def test_requests_of_one_client_go_out_in_their_order():
    sent = [Ready("w1"), Asked("c1", A), Asked("c1", B)]
    broken = in_order([*sent, Given("w1", TO, B)])
    assert broken.evidence == ('c1 had sent "a" before "b". This went out, and that was waiting.')
    assert in_order([*sent, Given("w1", TO, A)]) is None


def test_requests_of_two_clients_have_no_order():
    assert in_order([Ready("w1"), Asked("c1", A), Asked("c2", B), Given("w1", TO, B)]) is None


def test_what_went_to_two_workers_may_arrive_in_any_order():
    sent = [*HIRED, Asked("c1", A), Asked("c1", B), Given("w2", TO, B)]
    assert in_order(sent) is None  # w1 may have been sent "a" before
    assert in_order([*sent, Given("w1", TO, A)]) is None


def test_what_one_worker_is_given_is_in_their_order():
    both = [Ready("w1"), Asked("c1", A), Asked("c1", B)]
    assert in_order([*both, Given("w1", TO, B), Given("w1", TO, A)], credit=3)
    assert in_order([*both, Given("w1", TO, A), Given("w1", TO, B)], credit=3) is None


def test_what_is_on_its_way_to_who_may_hold_more_has_gone_out():
    sent = [Ready("w1"), Asked("c1", A), Asked("c1", B), Asked("c1", C), Given("w1", TO, B)]
    assert in_order([Ready("w2"), *sent, Given("w1", TO, C)], credit=2) is None
    assert in_order([*sent, Given("w1", TO, C)], credit=3) is None
    assert in_order([*sent, Given("w1", TO, C)], credit=2)


ONE_EACH = [*HIRED, Asked("c1", A), Asked("c2", B), Given("w1", TO, A), Given("w2", TO, B)]


def test_who_holds_the_fewest_is_given_the_request():
    asked = [*HIRED, *served("w1", A, DONE_A), Asked("c1", B), Given("w2", TO, B), Asked("c2", C)]
    assert fewest([*asked, Given("w1", TO, C)]) is None
    broken = fewest([*asked, Given("w2", TO, C)])
    assert broken == ("fewest", 'w2 was given "c". It held 1, and w1 held 0.', "hint", (b"c",))


def test_among_those_who_hold_as_many_anybody_is_right():
    for who in ("w1", "w2"):
        assert fewest([*ONE_EACH, Asked("c1", C), Given(who, TO, C)]) is None


def test_an_answer_counts_when_the_broker_knew_it_before_the_request_came():
    answered = [*ONE_EACH, Answered("w1", TO, DONE_A)]
    to_w2 = [Asked("c2", C), Given("w2", TO, C)]
    assert fewest([*answered, Got("c1", DONE_A), *to_w2])
    assert fewest([*answered, Read("worker"), *to_w2])
    assert fewest([*answered, *to_w2, Got("c1", DONE_A)]) is None
    assert fewest([*answered, Asked("c2", C), Got("c1", DONE_A), Given("w2", TO, C)]) is None


def test_what_may_be_on_its_way_to_a_worker_counts_as_given():
    waits = [*HIRED, Asked("c1", A), Given("w2", TO, A), Asked("c2", B), Asked("c2", C)]
    assert fewest([*waits, Given("w2", TO, C)]) is None  # "b" may have gone to w1
    assert fewest([*waits, Given("w2", TO, C), Given("w1", TO, B)]) is None
    later = [Asked("c1", (b"d",)), Given("w1", TO, (b"d",)), Given("w1", TO, B)]
    assert fewest([*waits, Given("w2", TO, C), *later])  # it had not: it came after "d"


def test_a_worker_that_the_broker_may_not_know_of_is_not_passed_over():
    known, unknown = Read("worker"), Ready("w2")
    late = [Ready("w1"), known, Asked("c1", A), Given("w1", TO, A), unknown, Asked("c1", B)]
    assert fewest([*late, Given("w1", TO, B)]) is None
    assert fewest([*late[:-1], known, *late[-1:], Given("w1", TO, B)])


def test_of_two_ready_messages_it_is_not_known_which_has_been_read():
    one_of_two = [Ready("w2"), Read("worker"), Asked("c1", A), Given("w2", TO, A)]
    one_of_two += [Ready("w1"), Ready("w3"), Read("worker")]
    assert fewest([*one_of_two, Asked("c1", B), Given("w2", TO, B)]) is None
    assert fewest([*one_of_two, Read("worker"), Asked("c1", B), Given("w2", TO, B)])


def test_nonsense_may_be_on_its_way_to_who_seems_to_hold_less():
    odd = [*HIRED, Asked("c1", A), Given("w2", TO, A), Odd("client", "c3", "sent", (b"?",))]
    to_w2 = [Asked("c1", B), Given("w2", TO, B)]
    assert fewest([*odd, *to_w2]) is None
    assert fewest([*odd, *to_w2, Odd("worker", "w1", "received", (b"?",))]) is None
    assert fewest([*odd, *to_w2, Asked("c1", C), Given("w1", TO, C)])  # it got nothing else


def test_who_was_given_it_while_the_other_was_busy_has_not_been_idle():
    """With a credit of two: what comes to an idle worker may have been sent while it was busy."""
    sent = [*ONE_EACH, Asked("c1", C)]  # goes to w2, which holds one as w1 does, and is slow
    w1_idle = [Answered("w1", TO, DONE_A), Got("c1", DONE_A)]
    w2_idle = [Answered("w2", TO, DONE_B), Got("c2", DONE_B)]
    assert longest([*sent, *w1_idle, *w2_idle, Given("w2", TO, C)]) is None
    assert longest([*ONE_EACH, *w1_idle, *w2_idle, Asked("c1", C), Given("w2", TO, C)])


def test_who_has_been_idle_longest_is_given_the_request():
    assert longest([*HIRED, *served("w1", A, DONE_A), *served("w2", B, DONE_B)]) is None
    broken = longest([*HIRED, *served("w2", A, DONE_A)])
    assert broken.evidence == 'Idle were, the longest first: w1, w2. The request "a" went to w2.'
    assert broken.frames == (b"a",)


def test_an_answer_is_known_when_the_client_has_it():
    both = [*HIRED, Asked("c1", A), Given("w1", TO, A), Asked("c2", B), Given("w2", TO, B)]
    known = [*both, Answered("w2", TO, DONE_B), Got("c2", DONE_B), Answered("w1", TO, DONE_A)]
    assert longest([*known, Got("c1", DONE_A), *served("w1", C, C)])
    assert longest([*known, Got("c1", DONE_A), *served("w2", C, C)]) is None


def test_two_that_answer_at_the_same_time_have_no_order():
    both = [*HIRED, Asked("c1", A), Given("w1", TO, A), Asked("c2", B), Given("w2", TO, B)]
    answers = [Answered("w2", TO, DONE_B), Answered("w1", TO, DONE_A)]
    assert longest([*both, *answers, Got("c2", DONE_B), Got("c1", DONE_A), Asked("c1", C)]) is None
    read = [*both, *answers, Got("c2", DONE_B), Got("c1", DONE_A)]
    assert longest([*read, *served("w1", C, C)]) is None


def test_a_ready_that_the_broker_has_not_read_yet_says_nothing():
    unread = [Ready("w1"), Ready("w2"), Read("worker"), Read("worker")]
    assert longest([*unread, *served("w2", A, DONE_A)]) is None


def test_who_gets_a_request_that_was_on_its_way_was_not_passed_over():
    sent = [*HIRED, Asked("c1", A), Asked("c2", B), Given("w2", TO, B)]
    assert longest(sent) is None
    assert longest([*sent, Given("w1", TO, A)]) is None


def test_who_gets_what_was_asked_only_then_was_passed_over():
    sent = [*HIRED, Asked("c1", A), Given("w2", TO, A)]
    assert longest([*sent, Asked("c2", B)])
    assert longest([*sent, Asked("c2", B), Given("w1", TO, B)])


def test_requests_of_one_client_go_to_the_idle_in_their_order():
    sent = [*HIRED, Asked("c1", A), Asked("c1", B)]
    crossed = [*sent, Given("w2", TO, A), Given("w1", TO, B)]
    assert in_order(crossed).evidence == (
        'c1 had sent "a" before "b". Idle were, the longest first: w1, w2. '
        "This went to w1, and that to w2."
    )
    assert longest(crossed) is None  # it may be the requests that were exchanged
    assert in_order([*sent, Given("w2", TO, B), Given("w1", TO, A)]) is None
    other = [*HIRED, Asked("c1", A), Asked("c2", B), Given("w2", TO, A), Given("w1", TO, B)]
    assert in_order(other) is None


def test_what_was_sent_to_the_busy_says_nothing_of_the_order_among_the_idle():
    sent = [*ONE_EACH, Asked("c3", C), Asked("c3", (b"d",))]  # to w2, and to w1
    idle = [Answered("w1", TO, DONE_A), Got("c1", DONE_A)]
    idle += [Answered("w2", TO, DONE_B), Got("c2", DONE_B)]
    come = [Given("w2", TO, C), Given("w1", TO, (b"d",))]
    assert in_order([*sent, *idle, *come], credit=2) is None
    assert in_order([*ONE_EACH, *idle, *sent[-2:], *come], credit=2)


def test_nonsense_may_have_gone_to_who_seems_passed_over():
    nonsense = [*HIRED, Odd("client", "c3", "sent", (b"?",))]
    assert longest([*nonsense, *served("w2", A, DONE_A)]) is None
    passed = [*nonsense, *served("w2", A, DONE_A), *served("w1", B, DONE_B)]
    assert longest(passed)  # w1 got nothing else before
    taken = [*nonsense, Odd("worker", "w1", "received", (b"?",)), *served("w2", A, DONE_A)]
    assert longest(taken) is None


RULES = [as_asked, own, one, two, unread, in_order, fewest, longest]


@pytest.mark.parametrize("rule", RULES)
def test_nothing_is_wrong_with_what_goes_as_it_should(rule):
    history = [*HIRED]
    for n in range(6):
        body = (b"%d" % n,)
        history += served(("w1", "w2")[n % 2], body, (b"done", *body), ("c1", "c2", "c3")[n % 3])
    assert rule(history) is None
