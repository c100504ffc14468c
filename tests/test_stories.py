"""Whose story a hop belongs to, on histories written by hand."""

import pytest
from test_replay import History, idle_worker_broker

from zmqlab.record.arrows import messages
from zmqlab.record.stories import story


def stories(h):
    return [step.story for step in h.steps]


# ------------------------------------------------------------------ in which order


def test_no_message_is_received_before_it_was_sent():
    h = History()
    a, b = h.socket("a", "PUSH"), h.socket("b", "PULL")
    h.sent(a, b"x", late=10)  # a's thread was held up before it noted the time
    h.received(b, b"x")
    assert [step.hop.way for step in h.steps] == ["sent", "received"]


def test_steps_are_all_hops_in_their_order_each_with_its_message():
    h = idle_worker_broker(ready_first=True)
    assert [step.hop for step in h.steps] == h.journal.hops
    assert all(step.hop in step.message for step in h.steps)
    assert {step.message for step in h.steps} == set(messages(h.journal))


def test_a_message_with_one_end_is_a_step_too():
    h = History()
    h.sent(h.socket("a", "PUSH"), b"lost")
    h.received(h.socket("b", "PULL"), b"from a process")
    found = h.steps
    assert [(step.message.sent is None, step.message.received is None) for step in found] == [
        (False, True),
        (True, False),
    ]


# ------------------------------------------------------------------ whose story


@pytest.mark.parametrize("ready_first", [True, False])
def test_a_request_is_followed_through_the_broker_and_back(ready_first):
    journal = idle_worker_broker(ready_first=ready_first).journal
    mine = [f"{hop.who} {hop.way}" for hop in story(journal, b"hello")]
    assert mine == [
        "c1 sent",
        "broker received",
        "broker sent",
        "w1 received",
        "w1 sent",
        "broker received",
        "broker sent",
        "c1 received",
    ]


def test_the_next_question_of_a_client_is_another_story_though_it_is_the_same():
    h = History()
    req, rep = h.socket("c", "REQ"), h.socket("w", "REP")
    for _ in range(2):
        h.sent(req, b"ping")
        h.received(rep, b"ping")
        h.sent(rep, b"ping")
        h.received(req, b"ping")
    assert stories(h) == [0, 0, 0, 0, 1, 1, 1, 1]


def test_a_rep_answers_its_question_with_whatever_frames():
    h = History()
    req, rep = h.socket("c", "REQ"), h.socket("w", "REP")
    h.sent(req, b"what?")
    h.received(rep, b"what?")
    h.sent(rep, b"this")
    h.received(req, b"this")
    assert stories(h) == [0, 0, 0, 0]


def test_a_task_is_followed_to_the_sink_and_a_second_answer_too():
    h = History()
    feed, w_in = h.socket("feeder", "PUSH"), h.socket("w1", "PULL")
    w_out, sink = h.socket("w1", "PUSH"), h.socket("sink", "PULL")
    h.sent(feed, b"7", b"task")
    h.sent(feed, b"8", b"task")
    h.received(w_in, b"7", b"task")
    h.sent(w_out, b"7", b"result")
    h.received(sink, b"7", b"result")
    h.sent(w_out, b"7", b"again")
    h.received(sink, b"7", b"again")
    assert stories(h) == [0, 1, 0, 0, 0, 0, 0]


# ------------------------------------------------------------------ the story of a frame


def answered_wrongly():
    """Two clients ask; the broker gives the first an answer that is nobody's."""
    h = History()
    router = h.socket("broker", "ROUTER")
    for name, address in (("c1", b"c1"), ("c2", b"c2")):
        client = h.socket(name, "DEALER")
        client.routing_id = address
        h.sent(client, b"", b"question of " + address)
        h.received(router, address, b"", b"question of " + address)
        h.sent(router, address, b"", b"nonsense" if name == "c1" else b"answer")
        h.received(client, b"", b"nonsense" if name == "c1" else b"answer")
    return h.journal


def test_a_wrong_answer_belongs_to_the_story_of_its_question():
    told = story(answered_wrongly(), b"question of c1")
    assert [hop.frames[-1] for hop in told] == [b"question of c1"] * 2 + [b"nonsense"] * 2


def test_stories_of_several_frames_are_told_in_order_and_of_none_is_all():
    journal = answered_wrongly()
    assert list(story(journal, b"question of c2", b"question of c1")) == list(journal)
    assert story(journal) is journal
    assert len(story(journal, b"no such frame")) == 0


def test_a_story_keeps_the_clock_of_its_journal():
    journal = answered_wrongly()
    journal.start = -5.0
    assert story(journal, b"answer").start == -5.0
