"""The journal: its order, its parts, journals joined, on histories written by hand."""

from threading import Barrier, Thread

from hypothesis import given
from hypothesis import strategies as st

from zmqlab.record.arrows import messages
from zmqlab.record.journal import Hop, Journal, Span, Wait


class History(Journal):
    """A journal written line by line; each line is a millisecond after the one before."""

    def __init__(self):
        super().__init__()
        self.start = self.now = 0.0

    def socket(self, who, kind, routing_id=b"", **ends):
        note = self.open_socket(who, kind, **ends)
        note.routing_id = routing_id
        return note

    def sent(self, socket, *frames, at=None):
        return self._note(socket, "sent", frames, at)

    def received(self, socket, *frames, at=None):
        return self._note(socket, "received", frames, at)

    def _note(self, socket, way, frames, at):
        self.now = self.now + 0.001 if at is None else at
        hop = Hop(self.now, socket.who, socket, way, frames, self.now)
        self.add(hop)
        return hop

    def arrows(self):
        """Who sent to whom, and what the receiver got of it."""
        return [
            (m.sent and m.sent.who, m.received and m.received.who, (m.received or m.sent).frames)
            for m in messages(self)
        ]

    def pairs(self):
        return [tuple(message) for message in messages(self)]


def test_hops_come_in_the_order_of_their_time():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    late = journal.received(pull, b"a", at=2.0)
    early = journal.sent(push, b"a", at=1.0)
    assert journal.hops == list(journal) == [early, late]
    assert journal.who() == ["main", "w1"]
    assert len(journal) == 2
    assert repr(journal) == "<Journal of 2 hops by main, w1>"
    assert repr(pull) == "w1's PULL"
    assert repr(Journal()) == "<Journal of 0 hops by nobody>"


def test_counts_include_the_zeros_that_were_asked_for_and_keep_their_order():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w2", "PULL")
    for n in range(3):
        journal.sent(push, b"%d" % n)
        journal.received(pull, b"%d" % n)
    assert journal.counts() == {"w2": 3}
    assert journal.counts("sent") == {"main": 3}
    assert list(journal.counts(who=["w1", "w2", "w3"]).items()) == [("w1", 0), ("w2", 3), ("w3", 0)]


def test_threads_may_add_while_others_read():
    journal = Journal()
    start = Barrier(5)

    def writer(name):
        note = journal.open_socket(name, "PUSH")
        start.wait()
        for n in range(500):
            journal.add(Hop(n, name, note, "sent", (b"x",), n))

    threads = [Thread(target=writer, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    start.wait()
    seen = [len(journal.hops) for _ in range(20)]
    for thread in threads:
        thread.join()
    assert seen == sorted(seen)
    assert journal.counts("sent") == {f"w{n}": 500 for n in range(4)}
    assert sorted(note.number for note in journal.sockets) == [1, 2, 3, 4]


# --- Parts, joined journals, spans -------------------------------------------------------------


def test_a_hop_happens_when_its_sending_begins_or_its_receiving_is_done():
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    blocked = Hop(9.0, "main", push, "sent", (b"a",), 1.0)  # waited for room until 9
    got = Hop(8.0, "w1", pull, "received", (b"a",), 0.0)
    assert (blocked.moment, got.moment) == (1.0, 8.0)
    for hop in (got, blocked):  # each notes it when its call returns
        journal.add(hop)
    assert journal.hops == [blocked, got]
    assert journal.who() == ["main", "w1"]


def test_of_one_moment_the_one_noted_first_comes_first():
    journal = History()
    pull, push = journal.socket("w1", "PULL"), journal.socket("w1", "PUSH")
    noted = [journal.received(pull, b"a", at=1.0), journal.sent(push, b"b", at=1.0)]
    assert journal.hops == noted


def worked():
    """A worker who got two tasks, and asked in vain after each; the journal began before."""
    journal = History()
    push, pull = journal.socket("main", "PUSH"), journal.socket("w1", "PULL")
    for n, task in enumerate((b"task 1", b"task 2")):
        journal.sent(push, task, at=n + 1.0)
        journal.received(pull, task, at=n + 1.25)
        journal.add_wait(Wait("w1", pull, n + 1.5))
    return journal


def test_a_part_of_a_journal_keeps_its_clock_its_waits_and_its_places():
    journal = worked()
    journal.same_place("inproc://a", "inproc://b")
    part = journal.only(hop for hop in journal if b"task 1" in hop.frames)
    assert [hop.frames for hop in part] == [(b"task 1",)] * 2
    assert (part.start, part.sockets) == (journal.start, journal.sockets)
    assert part.spans() == [Span("w1", 1.25, 1.5, (b"task 1",))]
    assert part.same_places == journal.same_places
    part.same_place("inproc://c", "inproc://d")
    assert len(journal.same_places) == 1


def test_who_is_silent_in_a_part_only_is_no_proxy():
    journal = History()
    client = journal.socket("c1", "DEALER", connected=["inproc://front"])
    front = journal.socket("broker", "DEALER", bound=["inproc://front"])
    back = journal.socket("broker", "DEALER", bound=["inproc://back"])
    worker = journal.socket("w1", "DEALER", connected=["inproc://back"])
    journal.sent(client, b"x")
    journal.received(front, b"x")  # and dropped it
    journal.sent(back, b"x")  # of its own
    journal.received(worker, b"x")
    outer = journal.only(hop for hop in journal if hop.who != "broker")
    assert [(m.sent, m.received) for m in messages(outer)] == [
        (outer.hops[0], None),
        (None, outer.hops[1]),
    ]


def test_journals_joined_are_one_with_one_clock_and_their_own_sockets():
    one, other = worked(), History()
    one.start, other.start = 0.5, 0.25
    push = other.socket("sink", "PULL", bound=["inproc://a"])
    other.received(push, b"done", at=1.3)
    other.same_place("inproc://a", "inproc://b")
    whole = Journal.joined(one, other)
    assert [hop.who for hop in whole] == ["main", "w1", "sink", "main", "w1"]
    assert [note.number for note in whole.sockets] == [1, 2, 3]
    assert {hop.socket for hop in whole} == set(whole.sockets)
    assert (whole.start, whole.same_places) == (0.25, [("inproc://a", "inproc://b")])
    assert whole.sockets[2].bound == ["inproc://a"]
    assert whole.spans(["w1"]) == one.spans(["w1"])
    assert [note.number for note in (*one.sockets, *other.sockets)] == [1, 2, 1]  # as they were


def test_joined_journals_may_name_those_whom_one_thread_plays():
    journal = History()
    c1, w1, thread = (journal.socket("main", "DEALER") for _ in range(3))
    for socket in (c1, w1, thread):
        journal.sent(socket, b"x")
        journal.add_wait(Wait("main", socket, 9.0))
    whole = Journal.joined(journal, names={c1: "c1", w1: "w1"})
    assert whole.who() == ["c1", "w1", "main"]
    assert [note.who for note in whole.sockets] == ["c1", "w1", "main"]
    assert journal.who() == ["main"]


def test_the_waits_of_those_whom_one_thread_plays_are_their_own():
    journal = History()
    worker = journal.socket("main", "PULL")
    journal.received(worker, b"task", at=1.0)
    journal.add_wait(Wait("main", worker, 2.0))
    journal.received(worker, b"last", at=3.0)
    first, _ = Journal.joined(journal, names={worker: "w1"}).spans()
    assert first == Span("w1", 1.0, 2.0, (b"task",))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from("sr"), st.integers(0, 9)), max_size=20)
)
def test_what_is_joined_is_all_there_whoever_saw_it(lines):
    journals = [History() for _ in range(3)]
    sockets = [journal.socket(f"w{n}", "PAIR") for n, journal in enumerate(journals)]
    for n, way, at in lines:
        note = journals[n].sent if way == "s" else journals[n].received
        note(sockets[n], b"%d" % at, at=float(at))
    whole = Journal.joined(*journals)
    every = [hop for journal in journals for hop in journal]
    assert len(whole) == len(every)
    assert sorted(hop[:2] + hop[3:] for hop in whole) == sorted(h[:2] + h[3:] for h in every)
    assert [hop.moment for hop in whole] == sorted(hop.moment for hop in every)
    assert [note.number for note in whole.sockets] == [1, 2, 3]


def test_a_journal_of_hops_starts_with_the_first_call():
    journal = History()
    push = journal.socket("main", "PUSH")
    hops = [Hop(5.0, "main", push, "sent", (b"a",), 4.0), Hop(4.5, "main", push, "sent", (), 4.25)]
    assert Journal.of(hops).start == 4.0
    assert Journal.of(hops).sockets == [push]


def test_work_lasts_from_a_receive_to_the_next_sign_of_the_same_thread():
    journal = History()
    pull, push = journal.socket("w1", "PULL"), journal.socket("w1", "PUSH")
    other = journal.socket("w2", "PULL")
    journal.add(Hop(1.0, "w1", pull, "received", (b"a",), 0.5))
    journal.add(Hop(1.5, "w2", other, "received", (b"b",), 0.5))
    journal.add(Hop(2.0, "w1", push, "sent", (b"done",), 1.75))  # the call began at 1.75
    journal.add(Hop(4.0, "w1", pull, "received", (b"c",), 2.25))
    journal.add(Hop(6.0, "w1", pull, "received", (b"d",), 5.0))  # asked for at 5.0
    journal.add_wait(Wait("w1", pull, 8.0))  # asked in vain at 8.0
    assert journal.spans() == [
        Span("w1", 1.0, 1.75, (b"a",)),
        Span("w2", 1.5, 6.0, (b"b",)),  # never a sign again: until the journal ends
        Span("w1", 4.0, 5.0, (b"c",)),
        Span("w1", 6.0, 8.0, (b"d",)),
    ]
    assert [span.who for span in journal.spans(["w2"])] == ["w2"]
