"""Which send and which receive are one message, on histories written by hand and by chance."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_journal import History

from zmqlab.record.arrows import messages
from zmqlab.record.journal import Hop

AUTO = [bytes([0, 0xA1, 0xB2, 0xC3, n]) for n in range(1, 9)]  # ids as ZeroMQ makes them


def test_a_dealt_task_is_one_message_and_a_lost_one_has_no_receiver():
    journal = History()
    push = journal.socket("main", "PUSH", bound=["tcp://127.0.0.1:5000"])
    pull = journal.socket("w1", "PULL", connected=["tcp://localhost:5000"])
    first, second = journal.sent(push, b"a"), journal.sent(push, b"b")
    arrived = journal.received(pull, b"a")
    assert journal.pairs() == [(first, arrived), (second, None)]


def test_what_nobody_recorded_has_sent_has_no_sender():
    journal = History()
    pull = journal.socket("main", "PULL")
    stranger = journal.received(pull, b"hello")
    assert journal.pairs() == [(None, stranger)]


def test_nothing_is_received_before_it_is_sent():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    early = journal.received(pull, b"a", at=1.0)
    late = journal.sent(push, b"a", at=2.0)
    assert journal.pairs() == [(None, early), (late, None)]


def test_at_the_same_moment_sending_comes_first():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    arrived = journal.received(pull, b"a", at=1.0)
    sent = journal.sent(push, b"a", at=1.0)
    assert journal.pairs() == [(sent, arrived)]


def test_of_messages_alike_the_one_sent_first_counts_as_received_first():
    journal = History()
    one, other = journal.socket("w1", "PUSH"), journal.socket("w2", "PUSH")
    pull = journal.socket("sink", "PULL")
    sent = [journal.sent(socket, b"x") for socket in (one, other, one)]
    arrived = [journal.received(pull, b"x") for _ in sent]
    assert journal.pairs() == list(zip(sent, arrived, strict=True))


def test_a_message_may_be_received_before_the_call_that_sends_it_returns():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    journal.add(Hop(3.0, "main", push, "sent", (b"a",), 1.0))
    journal.add(Hop(2.0, "w1", pull, "received", (b"a",), 0.0))
    assert journal.arrows() == [("main", "w1", (b"a",))]


@pytest.mark.parametrize("kinds", [("PUSH", "PUSH"), ("PULL", "PULL"), ("REQ", "REQ")])
def test_kinds_that_do_not_talk_to_each_other_are_not_matched(kinds):
    journal = History()
    one, other = (journal.socket(who, kind) for who, kind in zip("ab", kinds, strict=True))
    journal.sent(one, b"x")
    journal.received(other, b"x")
    assert journal.arrows() == [("a", None, (b"x",)), (None, "b", (b"x",))]


def test_endpoints_decide_between_two_that_sent_the_same():
    journal = History()
    tasks = journal.socket("main", "PUSH", bound=["inproc://tasks"])
    results = journal.socket("w1", "PUSH", connected=["inproc://results"])
    pull = journal.socket("sink", "PULL", bound=["inproc://results"])
    journal.sent(tasks, b"x")
    journal.sent(results, b"x")
    journal.received(pull, b"x")
    assert ("w1", "sink", (b"x",)) in journal.arrows()


@pytest.mark.parametrize(
    ("bound", "connected"),
    [
        ("tcp://0.0.0.0:5000", "tcp://localhost:5000"),  # bind("tcp://*:5000")
        ("tcp://0.0.0.0:5000", "tcp://192.168.7.3:5000"),
        ("tcp://[::]:5000", "tcp://[::1]:5000"),
        ("tcp://127.0.0.1:5000", "tcp://this-machine:5000"),
        ("ipc:///srv/a", "ipc:///srv//a"),
    ],
)
def test_endpoints_meet_that_are_one_place_under_different_names(bound, connected):
    journal = History()
    push = journal.socket("main", "PUSH", bound=[bound])
    pull = journal.socket("w1", "PULL", connected=[connected])
    journal.sent(push, b"x")
    journal.received(pull, b"x")
    assert journal.arrows() == [("main", "w1", (b"x",))]


def test_a_tap_between_two_endpoints_is_seen_through_once_it_is_noted():
    journal = History()
    push = journal.socket("main", "PUSH", bound=["tcp://127.0.0.1:5000"])
    pull = journal.socket("w1", "PULL", connected=["tcp://127.0.0.1:6000"])
    journal.sent(push, b"x")
    journal.received(pull, b"x")
    assert (None, "w1", (b"x",)) in journal.arrows()
    journal.same_place("tcp://127.0.0.1:6000", "tcp://localhost:5000")
    assert journal.arrows() == [("main", "w1", (b"x",))]
    assert messages(journal.only(journal)) == messages(journal)


@pytest.mark.parametrize(
    "noted", [("ab", "bc"), ("bc", "ab"), ("ba", "bc"), ("ab", "cb"), ("cb", "ab"), ("cb", "ba")]
)
def test_taps_in_a_row_are_seen_through_in_whatever_order_they_are_noted(noted):
    journal = History()
    push = journal.socket("main", "PUSH", bound=["inproc://c"])
    pull = journal.socket("w1", "PULL", connected=["inproc://a"])
    for one, other in noted:
        journal.same_place(f"inproc://{one}", f"inproc://{other}")
    journal.sent(push, b"x")
    journal.received(pull, b"x")
    assert journal.arrows() == [("main", "w1", (b"x",))]


def test_one_request_through_a_router_dealer_broker_to_a_rep_and_back():
    journal = History()
    client = journal.socket("c1", "REQ", connected=["inproc://front"])
    front = journal.socket("broker", "ROUTER", bound=["inproc://front"])
    back = journal.socket("broker", "DEALER", bound=["inproc://back"])
    worker = journal.socket("w1", "REP", connected=["inproc://back"])
    journal.sent(client, b"hello")
    journal.received(front, AUTO[0], b"", b"hello")
    journal.sent(back, AUTO[0], b"", b"hello")
    journal.received(worker, b"hello")
    journal.sent(worker, b"world")
    journal.received(back, AUTO[0], b"", b"world")
    journal.sent(front, AUTO[0], b"", b"world")
    journal.received(client, b"world")
    assert journal.arrows() == [
        ("c1", "broker", (AUTO[0], b"", b"hello")),
        ("broker", "w1", (b"hello",)),
        ("w1", "broker", (AUTO[0], b"", b"world")),
        ("broker", "c1", (b"world",)),
    ]


def test_a_rep_answers_with_the_addresses_of_its_request_so_equal_answers_are_told_apart():
    journal = History()
    back = journal.socket("broker", "DEALER")
    workers = [journal.socket(who, "REP") for who in ("w1", "w2")]
    for worker, client in zip(workers, (b"c1", b"c2"), strict=True):
        journal.sent(back, client, b"", b"task of " + client)
        journal.received(worker, b"task of " + client)
    journal.sent(workers[0], b"done")
    journal.sent(workers[1], b"done")
    journal.received(back, b"c2", b"", b"done")
    journal.received(back, b"c1", b"", b"done")
    assert journal.arrows()[2:] == [
        ("w1", "broker", (b"c1", b"", b"done")),
        ("w2", "broker", (b"c2", b"", b"done")),
    ]


def test_equal_bodies_to_different_clients_are_told_apart_by_the_address_that_travels():
    journal = History()
    back = journal.socket("broker", "DEALER")
    workers = [journal.socket(who, "DEALER") for who in ("w1", "w2")]
    journal.sent(back, b"c1", b"", b"hello")
    journal.sent(back, b"c2", b"", b"hello")
    for worker, client in zip(workers, (b"c2", b"c1"), strict=True):
        journal.received(worker, client, b"", b"hello")
    assert journal.arrows() == [
        ("broker", "w2", (b"c1", b"", b"hello")),
        ("broker", "w1", (b"c2", b"", b"hello")),
    ]


def test_three_equal_readys_belong_to_whom_the_first_tasks_show():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    workers = [journal.socket(who, "REQ") for who in ("w1", "w2", "w3")]
    for worker in workers:
        journal.sent(worker, b"READY")
    for address in (AUTO[2], AUTO[0], AUTO[1]):  # not in the order in which they were sent
        journal.received(router, address, b"", b"READY")
    for address, worker in zip(AUTO, workers, strict=False):
        task = b"task for " + worker.who.encode()
        journal.sent(router, address, b"", task)
        journal.received(worker, task)
    readys = [arrow for arrow in journal.arrows() if b"READY" in arrow[2]]
    assert readys == [
        (who, "broker", (address, b"", b"READY"))
        for who, address in zip(("w1", "w2", "w3"), AUTO, strict=False)
    ]


def test_three_equal_hellos_belong_to_whom_the_answers_show():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    clients = [journal.socket(who, "DEALER") for who in ("c1", "c2", "c3")]
    for client in clients:
        journal.sent(client, b"", b"hello")
    order = (1, 2, 0)
    for n in order:
        journal.received(router, AUTO[n], b"", b"hello")
    for n in order:
        journal.sent(router, AUTO[n], b"", b"answer %d" % n)
    for n, client in enumerate(clients):
        journal.received(client, b"", b"answer %d" % n)
    assert [(m.sent.who, m.received.frames[0]) for m in messages(journal)[:3]] == [
        ("c1", AUTO[0]),
        ("c2", AUTO[1]),
        ("c3", AUTO[2]),
    ]


def test_who_had_not_sent_yet_cannot_be_meant():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    late, early = journal.socket("late", "REQ"), journal.socket("early", "REQ")
    journal.sent(early, b"hello")
    journal.received(router, AUTO[0], b"", b"hello")
    journal.sent(late, b"hello")
    journal.received(router, AUTO[1], b"", b"hello")
    assert [arrow[:2] for arrow in journal.arrows()] == [("early", "broker"), ("late", "broker")]


def test_what_is_alike_in_everything_belongs_together_in_the_order_of_sending():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    clients = [journal.socket(who, "DEALER") for who in ("c1", "c2", "c3")]
    for client in clients:
        journal.sent(client, b"hello")
    for address in AUTO[:3]:
        journal.received(router, address, b"hello")
    assert journal.arrows() == [
        (who, "broker", (address, b"hello"))
        for who, address in zip(("c1", "c2", "c3"), AUTO, strict=False)
    ]


def test_two_addresses_that_look_like_one_peer_are_two_peers_if_two_have_spoken():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    clients = [journal.socket(who, "DEALER") for who in ("c1", "c2")]
    for client in clients:
        journal.sent(client, b"hello")
    for address in AUTO[:2]:
        journal.received(router, address, b"hello")
        journal.sent(router, address, b"answer")
    journal.received(clients[1], b"answer")  # the other one is lost
    hellos = [arrow[:2] for arrow in journal.arrows() if arrow[2][-1] == b"hello"]
    assert hellos == [("c1", "broker"), ("c2", "broker")]


def test_who_has_least_choice_chooses_first():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    early, late = journal.socket("early", "DEALER"), journal.socket("late", "DEALER")
    journal.sent(early, b"hello")
    journal.received(router, AUTO[0], b"hello")  # nobody else has spoken yet
    for _ in range(2):
        journal.sent(early, b"hello")  # never arrive
        journal.sent(late, b"hello")
    for _ in range(2):
        journal.received(router, AUTO[1], b"hello")
    received = [m for m in messages(journal) if m.received]
    assert [m.sent.who for m in received] == ["early", "late", "late"]


def test_an_answer_is_no_proof_against_the_order_of_time():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    early, late = journal.socket("early", "DEALER"), journal.socket("late", "DEALER")
    for n, client in enumerate((early, late)):
        journal.sent(client, b"hello")
        journal.received(router, AUTO[n], b"hello")
    for n in (0, 1):
        journal.sent(router, AUTO[n], b"answer")
    journal.received(late, b"answer")
    assert [arrow[:2] for arrow in journal.arrows()] == [
        ("early", "broker"),
        ("late", "broker"),
        ("broker", None),
        ("broker", "late"),
    ]


def test_who_never_said_it_cannot_be_meant():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    for who in ("c1", "c2"):
        journal.sent(journal.socket(who, "DEALER"), who.encode())
    journal.received(router, AUTO[0], b"c2")
    journal.received(router, AUTO[1], b"c1")
    assert journal.arrows() == [
        ("c1", "broker", (AUTO[1], b"c1")),
        ("c2", "broker", (AUTO[0], b"c2")),
    ]


def test_a_peer_with_a_name_is_not_meant_by_another_address():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    named, other = journal.socket("w1", "DEALER", b"w1"), journal.socket("w2", "DEALER")
    for worker in (named, other):
        journal.sent(worker, b"READY")
    journal.received(router, AUTO[0], b"READY")
    journal.received(router, b"w1", b"READY")
    assert journal.arrows() == [
        ("w1", "broker", (b"w1", b"READY")),
        ("w2", "broker", (AUTO[0], b"READY")),
    ]


def test_a_routing_id_is_its_peer():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    w1, w2 = (journal.socket(who, "REQ", who.encode()) for who in ("w1", "w2"))
    journal.sent(w1, b"READY")
    journal.sent(w2, b"READY")
    journal.received(router, b"w2", b"", b"READY")
    journal.received(router, b"w1", b"", b"READY")
    assert [(m.sent.who, m.received.frames[0]) for m in messages(journal)] == [
        ("w1", b"w1"),
        ("w2", b"w2"),
    ]


def test_a_message_to_a_worker_who_died_is_the_lost_one_not_its_repetition():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    dead, alive = journal.socket("w1", "REQ", b"w1"), journal.socket("w2", "REQ", b"w2")
    for worker in (dead, alive):
        journal.sent(worker, b"READY")
        journal.received(router, worker.routing_id, b"", b"READY")
    lost = journal.sent(router, b"w1", b"", b"c1", b"", b"task")
    again = journal.sent(router, b"w2", b"", b"c1", b"", b"task")
    arrived = journal.received(alive, b"c1", b"", b"task")
    assert journal.pairs()[2:] == [(lost, None), (again, arrived)]


def test_two_who_share_a_name_keep_what_each_sent():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    old, new = journal.socket("old", "DEALER", b"w"), journal.socket("new", "DEALER", b"w")
    journal.sent(old, b"from old")
    journal.received(router, b"w", b"from old")
    journal.sent(new, b"from new")
    journal.received(router, b"w", b"from new")
    assert [arrow[:2] for arrow in journal.arrows()] == [("old", "broker"), ("new", "broker")]


def test_a_peer_that_connected_again_has_two_addresses():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    worker = journal.socket("w1", "DEALER")
    for address in AUTO[:2]:
        journal.sent(worker, b"READY")
        journal.received(router, address, b"READY")
    assert [arrow[:2] for arrow in journal.arrows()] == [("w1", "broker")] * 2


def test_a_stranger_with_the_same_words_takes_nobodys_message():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    worker = journal.socket("w1", "DEALER")
    journal.sent(worker, b"READY")
    journal.received(router, AUTO[1], b"READY")  # from a process that is not recorded
    journal.received(router, AUTO[0], b"READY")
    journal.sent(router, AUTO[0], b"task")
    journal.received(worker, b"task")
    assert journal.arrows() == [
        ("w1", "broker", (AUTO[0], b"READY")),
        (None, "broker", (AUTO[1], b"READY")),
        ("broker", "w1", (b"task",)),
    ]


def test_an_empty_greeting_that_nobody_sent_is_no_evidence_against_a_peer():
    journal = History()
    router = journal.socket("broker", "ROUTER")
    worker = journal.socket("w1", "DEALER")
    journal.received(router, AUTO[0], b"")  # ROUTER_PROBE: sent by ZeroMQ, not by the program
    journal.sent(router, AUTO[0], b"task")
    journal.received(worker, b"task")
    journal.sent(worker, b"done")
    journal.received(router, AUTO[0], b"done")
    assert [arrow[:2] for arrow in journal.arrows()] == [
        (None, "broker"),
        ("broker", "w1"),
        ("w1", "broker"),
    ]


def test_correlated_requests_are_matched_by_what_follows_their_number():
    journal = History()
    client, router = journal.socket("c1", "REQ"), journal.socket("broker", "ROUTER")
    journal.sent(client, b"hello")
    journal.received(router, AUTO[0], b"\1\2\3\4", b"", b"hello")
    journal.sent(router, AUTO[0], b"\1\2\3\4", b"", b"world")
    journal.received(client, b"world")
    assert [arrow[:2] for arrow in journal.arrows()] == [("c1", "broker"), ("broker", "c1")]


def test_messages_are_seen_through_a_proxy_that_no_journal_hears():
    journal = History()
    journal.socket("proxy", "ROUTER", bound=["inproc://front"])
    journal.socket("proxy", "DEALER", bound=["inproc://back"])
    c1, c2 = (journal.socket(who, "REQ", connected=["inproc://front"]) for who in ("c1", "c2"))
    worker = journal.socket("w1", "REP", connected=["inproc://back"])
    journal.sent(c1, b"echo")
    journal.sent(c2, b"echo")
    for client in (c1, c2):
        journal.received(worker, b"echo")
        journal.sent(worker, b"echo")
        journal.received(client, b"echo")
    assert [arrow[:2] for arrow in journal.arrows()] == [
        ("c1", "w1"),
        ("c2", "w1"),
        ("w1", "c1"),
        ("w1", "c2"),
    ]


def through(*proxies, requests=1, delimiter=()):
    """Requests of a DEALER to a DEALER through silent proxies, one behind the other, and back.

    proxies: the kinds of the sockets of each, front and back. The journal, and its true messages.
    """
    journal, truth = History(), []
    client = journal.socket("c1", "DEALER", connected=["inproc://0"])
    for n, (front, back) in enumerate(proxies):
        journal.socket(f"proxy {n}", front, bound=[f"inproc://{n}"])
        # The last one's workers connect, the next one's front is where a back connects.
        last = n == len(proxies) - 1
        ends = {"bound" if last else "connected": [f"inproc://{n + 1}"]}
        journal.socket(f"proxy {n}", back, **ends)
    worker = journal.socket("w1", "DEALER", connected=[f"inproc://{len(proxies)}"])
    addresses = tuple(AUTO[n] for n, kinds in enumerate(proxies) if kinds[0] == "ROUTER")[::-1]
    for n in range(requests):
        question, answer = (*delimiter, b"question %d" % n), (*delimiter, b"answer", b"%d" % n)
        sent = journal.sent(client, *question)
        truth.append((sent, journal.received(worker, *addresses, *question)))
        sent = journal.sent(worker, *addresses, *answer)
        truth.append((sent, journal.received(client, *answer)))
    return journal, truth


@pytest.mark.parametrize("delimiter", [(), (b"",)])
@pytest.mark.parametrize(
    "proxies",
    [
        [("ROUTER", "DEALER")],
        [("DEALER", "DEALER")],
        [("ROUTER", "DEALER")] * 2,
        [("DEALER", "DEALER"), ("ROUTER", "DEALER")],
    ],
)
def test_a_proxy_adds_an_address_for_each_router_it_has_in_front(proxies, delimiter):
    journal, truth = through(*proxies, requests=3, delimiter=delimiter)
    assert journal.pairs() == truth


def test_a_rep_behind_a_proxy_answers_a_dealer_in_front_of_it():
    journal = History()
    journal.socket("proxy", "ROUTER", bound=["inproc://front"])
    journal.socket("proxy", "DEALER", bound=["inproc://back"])
    client = journal.socket("c1", "DEALER", connected=["inproc://front"])
    worker = journal.socket("w1", "REP", connected=["inproc://back"])
    journal.sent(client, b"", b"hello")
    journal.received(worker, b"hello")
    journal.sent(worker, b"world")
    journal.received(client, b"", b"world")
    assert [arrow[:2] for arrow in journal.arrows()] == [("c1", "w1"), ("w1", "c1")]


def test_an_address_that_no_proxy_adds_makes_it_another_message():
    journal = History()
    client = journal.socket("c1", "DEALER", connected=["inproc://front"])
    for kind, end in (("DEALER", "front"), ("DEALER", "back")):  # they change nothing
        journal.socket("proxy", kind, bound=[f"inproc://{end}"])
    worker = journal.socket("w1", "DEALER", connected=["inproc://back"])
    sent = journal.sent(client, b"x")
    received = journal.received(worker, AUTO[0], b"x")
    assert journal.pairs() == [(sent, None), (None, received)]


def test_what_comes_into_a_proxys_socket_does_not_come_out_of_the_same():
    journal = History()
    journal.socket("proxy", "ROUTER", bound=["inproc://front", "tcp://0.0.0.0:5000"])
    journal.socket("proxy", "DEALER", bound=["inproc://back"])
    one = journal.socket("c1", "DEALER", connected=["inproc://front"])
    other = journal.socket("c2", "DEALER", connected=["tcp://localhost:5000"])
    sent, received = journal.sent(one, b"x"), journal.received(other, b"x")
    assert journal.pairs() == [(sent, None), (None, received)]


def test_a_worker_that_got_nothing_is_not_taken_for_a_proxy_where_another_sent_it_itself():
    journal = History()
    tasks, results = {"connected": ["inproc://tasks"]}, {"connected": ["inproc://results"]}
    push = journal.socket("main", "PUSH", bound=["inproc://tasks"])
    sink = journal.socket("main", "PULL", bound=["inproc://results"])
    for kind, end in (("PULL", tasks), ("PUSH", results)):
        journal.socket("w2", kind, **end)  # silent
    given, done = journal.socket("w1", "PULL", **tasks), journal.socket("w1", "PUSH", **results)
    first, lost = journal.sent(push, b"x"), journal.sent(push, b"x")
    got = journal.received(given, b"x")
    result = journal.sent(done, b"x")
    collected = journal.received(sink, b"x")
    assert journal.pairs() == [(first, got), (lost, None), (result, collected)]


def test_a_worker_behind_a_proxy_may_have_another_broker_too():
    journal, truth = through(("ROUTER", "DEALER"))
    worker = journal.sockets[-1]
    broker = journal.socket("broker", "ROUTER", bound=["inproc://b"])
    worker.connected.append("inproc://b")
    sent = journal.sent(worker, b"I am", b"here")
    received = journal.received(broker, AUTO[7], b"I am", b"here")
    task = journal.sent(broker, AUTO[7], AUTO[5], b"task")
    given = journal.received(worker, AUTO[5], b"task")
    assert journal.pairs() == [*truth, (sent, received), (task, given)]


# --- Histories made by chance: a ROUTER and workers with addresses of its own choice ------------


@st.composite
def exchanges(draw, own_tasks):
    """A journal of workers who say READY and answer tasks, and its true messages.

    Bodies are few, so most are alike; each worker gets a task of its own if `own_tasks`. Messages
    between two sockets keep their order, everything else may happen in any order.
    """
    rng = random.Random(draw(st.integers(0, 2**32)))
    n_workers, rounds = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    journal = History()
    router = journal.socket("broker", "ROUTER")
    truth = []

    def life(n):
        """One worker's life; each step is a hop."""
        worker = journal.socket(f"w{n}", "REQ")
        yield (ready := journal.sent(worker, b"READY"))
        truth.append((ready, got := journal.received(router, AUTO[n], b"", b"READY")))
        yield got
        tasks = [b"task of %d" % n] * own_tasks + [rng.choice([b"a", b"b"]) for _ in range(rounds)]
        rng.shuffle(tasks)
        for task in tasks:
            yield (sent := journal.sent(router, AUTO[n], b"", task))
            truth.append((sent, got := journal.received(worker, task)))
            yield got
            yield (sent := journal.sent(worker, b"done"))
            truth.append((sent, got := journal.received(router, AUTO[n], b"", b"done")))
            yield got

    alive = [life(n) for n in range(n_workers)]
    while alive:
        one = rng.choice(alive)
        if next(one, None) is None:
            alive.remove(one)
    return journal, truth


@given(exchanges(own_tasks=True))
def test_one_task_of_its_own_is_enough_to_know_a_worker(exchange):
    journal, truth = exchange
    assert set(journal.pairs()) == set(truth)


@given(exchanges(own_tasks=False))
def test_where_nothing_is_lost_every_message_finds_another_end(exchange):
    journal, _ = exchange
    assert all(sent and received for sent, received in journal.pairs())


@st.composite
def errands(draw):
    """Requests of DEALERs through silent proxies to DEALERs that send each back; the journal.

    Bodies are few, so most are alike. What was sent to a worker or a client is received in order.
    """
    rng = random.Random(draw(st.integers(0, 2**32)))
    proxies = draw(st.lists(st.sampled_from(["ROUTER", "DEALER"]), min_size=1, max_size=3))
    delimiter = draw(st.sampled_from([(), (b"",)]))
    journal, back = through(*((front, "DEALER") for front in proxies), requests=0)[0], len(proxies)
    workers = [journal.socket(f"v{n}", "DEALER", connected=[f"inproc://{back}"]) for n in (1, 2)]
    addresses = tuple(AUTO[n] for n, front in enumerate(proxies) if front == "ROUTER")[::-1]

    def errand(n):
        client = journal.socket(f"d{n}", "DEALER", connected=["inproc://0"])
        own = (*addresses[:-1], b"\0own%d" % n) if addresses else ()
        for _ in range(rng.randint(1, 3)):
            body, worker = (*delimiter, rng.choice([b"a", b"b"])), rng.choice(workers)
            yield journal.sent(client, *body)
            yield journal.received(worker, *own, *body)
            yield journal.sent(worker, *own, *body)
            yield journal.received(client, *body)

    alive = [errand(n) for n in range(draw(st.integers(1, 4)))]
    while alive:
        one = rng.choice(alive)
        if next(one, None) is None:
            alive.remove(one)
    return journal


@given(errands())
def test_whatever_proxies_are_between_every_message_finds_its_other_end(journal):
    found = messages(journal)
    assert all(sent and received for sent, received in found)
    assert all(
        sent.frames[-1] == received.frames[-1] and sent.who[0] != received.who[0]
        for sent, received in found
    )


@given(st.lists(st.tuples(st.sampled_from("PR"), st.sampled_from("ab"), st.integers(1, 3))))
def test_every_hop_is_in_one_message_and_no_message_could_not_be(lines):
    journal = History()
    router = journal.socket("broker", "ROUTER")
    peers = {n: journal.socket(f"w{n}", "DEALER") for n in (1, 2, 3)}
    for who, body, n in lines:
        if who == "P":
            journal.sent(peers[n], body.encode())
        else:
            journal.received(router, AUTO[n], body.encode())
    found = messages(journal)
    ends = [hop for message in found for hop in message if hop is not None]
    assert sorted(ends, key=lambda hop: hop.time) == journal.hops
    whole = [message for message in found if message.sent and message.received]
    assert all(m.sent.since <= m.received.time for m in whole)
    assert all(m.sent.frames == m.received.frames[1:] for m in whole)
    senders = {(m.received.frames[0], m.sent.who) for m in whole}
    assert len(senders) == len({address for address, _ in senders})  # one peer for each address
