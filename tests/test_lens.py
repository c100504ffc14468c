"""The recording Context is a zmq.Context to its users, and misses no whole message."""

import threading
import time

import pytest
import zmq

from zmqlab.record.journal import Journal
from zmqlab.record.lens import Context, PlainSocket, Socket


@pytest.fixture
def journal():
    return Journal()


class Kept(Context):
    """A recording Context that holds on to its sockets, so that the fixture closes them."""

    made: list | None = None

    def socket(self, *args, **kwargs):
        self.made = [*(self.made or []), super().socket(*args, **kwargs)]
        return self.made[-1]


@pytest.fixture
def ctx(journal):
    context = Kept(journal=journal)
    context.linger = 0
    yield context
    context.destroy()


def pair(ctx, one=zmq.PUSH, other=zmq.PULL):
    """Two connected sockets: the first one binds."""
    binding, connecting = ctx.socket(one), ctx.socket(other)
    binding.bind("inproc://here")
    connecting.connect("inproc://here")
    return binding, connecting


def told(journal):
    return [(hop.way, hop.frames) for hop in journal.hops]


def test_a_message_makes_two_hops_with_time_thread_socket_way_and_frames(ctx, journal):
    push, pull = pair(ctx)
    push.send(b"task")
    assert pull.recv() == b"task"
    sent, received = journal.hops
    assert (sent.way, sent.who, sent.socket.kind, sent.frames) == (
        "sent",
        "main",
        "PUSH",
        (b"task",),
    )
    assert (received.way, received.socket.kind) == ("received", "PULL")
    assert journal.start <= sent.since <= sent.time <= received.time
    assert sent.socket.bound == ["inproc://here"] == received.socket.connected


def test_a_multipart_message_is_one_hop_however_it_is_sent_and_received(ctx, journal):
    push, pull = pair(ctx)
    push.send_multipart([b"a", b"", b"b"])
    push.send(b"a", zmq.SNDMORE)
    push.send(b"", flags=zmq.SNDMORE | zmq.NOBLOCK)
    push.send(b"b")
    assert pull.recv_multipart() == [b"a", b"", b"b"]
    assert [pull.recv(), pull.recv(), pull.recv()] == [b"a", b"", b"b"]
    assert (
        told(journal) == [("sent", (b"a", b"", b"b"))] * 2 + [("received", (b"a", b"", b"b"))] * 2
    )


def test_a_message_that_is_not_whole_is_not_a_hop(ctx, journal):
    push, pull = pair(ctx)
    push.send(b"a", zmq.SNDMORE)
    assert len(journal) == 0
    push.send(b"b")
    assert pull.recv() == b"a"
    assert [hop.way for hop in journal.hops] == ["sent"]
    pull.recv()
    assert [hop.way for hop in journal.hops] == ["sent", "received"]


@pytest.mark.parametrize(
    ("send", "receive", "frames"),
    [
        (lambda s: s.send_string("é"), lambda s: s.recv_string() == "é", ("é".encode(),)),
        (lambda s: s.send_json([1]), lambda s: s.recv_json() == [1], (b"[1]",)),
        (
            lambda s: s.send_serialized(7, lambda n: [b"%d" % n, b"!"]),
            lambda s: s.recv_serialized(lambda f: int(f[0])) == 7,
            (b"7", b"!"),
        ),
        (
            lambda s: s.send(bytearray(b"buffer")),
            lambda s: s.recv(copy=False).bytes == b"buffer",
            (b"buffer",),
        ),
        (
            lambda s: s.send_multipart([memoryview(b"x"), zmq.Frame(b"y")], copy=False),
            lambda s: [f.bytes for f in s.recv_multipart(copy=False)] == [b"x", b"y"],
            (b"x", b"y"),
        ),
        (lambda s: s.send(b"123456"), lambda s: s.recv_into(bytearray(9)) == 6, (b"123456",)),
        (
            lambda s: s.send(b"\x00\xff"),
            lambda s: s.recv(zmq.NOBLOCK) == b"\x00\xff",
            (b"\x00\xff",),
        ),
    ],
    ids=["string", "json", "serialized", "buffers", "frames", "into", "noblock"],
)
def test_every_way_to_send_and_receive_is_noted_and_does_what_pyzmq_does(
    ctx, journal, send, receive, frames
):
    push, pull = pair(ctx)
    send(push)
    assert receive(pull)
    assert told(journal) == [("sent", frames), ("received", frames)]


def test_what_fails_is_not_noted_and_fails_as_in_pyzmq(ctx, journal):
    push, pull = pair(ctx)
    with pytest.raises(zmq.Again):
        pull.recv(zmq.NOBLOCK)
    with pytest.raises(TypeError):
        push.send("text")
    req = ctx.socket(zmq.REQ)
    with pytest.raises(zmq.ZMQError) as caught:
        req.recv()
    assert caught.value.errno == zmq.EFSM
    assert len(journal) == 0


def test_options_poll_and_with_work_as_in_pyzmq(ctx):
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.sndhwm = 7
        push.setsockopt(zmq.SNDTIMEO, 5)
        assert (push.sndhwm, push.getsockopt(zmq.SNDTIMEO)) == (7, 5)
        push.bind("inproc://here")
        with pull.connect("inproc://here"):
            assert not pull.poll(0)
            push.send(b"")
            assert pull.poll(1000) == zmq.POLLIN
            poller = zmq.Poller()
            poller.register(pull, zmq.POLLIN)
            assert dict(poller.poll(0)) == {pull: zmq.POLLIN}
    assert push.closed
    assert pull.closed


def test_a_router_and_a_req_see_their_own_frames(ctx, journal):
    router, req = pair(ctx, zmq.ROUTER, zmq.REQ)
    req.send(b"hello")
    address, empty, _ = router.recv_multipart()
    router.send_multipart([address, empty, b"world"])
    assert req.recv() == b"world"
    assert told(journal) == [
        ("sent", (b"hello",)),
        ("received", (address, b"", b"hello")),
        ("sent", (address, b"", b"world")),
        ("received", (b"world",)),
    ]


def test_a_routing_id_is_noted(ctx, journal):
    dealer = ctx.socket(zmq.DEALER)
    dealer.routing_id = b"w1"
    dealer.connect("inproc://later")
    assert journal.sockets[0].routing_id == b"w1"


def test_hops_are_named_after_the_thread_that_makes_the_call(ctx, journal):
    push, pull = pair(ctx)
    thread = threading.Thread(target=push.send, args=(b"",), name="stranger")
    thread.start()
    thread.join()
    pull.recv()
    assert [(hop.who, hop.socket.who) for hop in journal.hops] == [
        ("stranger", "main"),
        ("main", "main"),
    ]


def test_a_hop_is_not_named_after_an_ended_thread_whose_number_its_own_thread_got(ctx, journal):
    pull = ctx.socket(zmq.PULL)
    pull.bind("inproc://here")
    made = []

    def make():
        made.append(ctx.socket(zmq.PUSH))
        made[0].connect("inproc://here")

    for name, what in [("maker", make)] + [("user", lambda: made[0].send(b""))] * 50:
        thread = threading.Thread(target=what, name=name)
        thread.start()
        thread.join()
    assert {hop.who for hop in journal} == {"user"}


def test_the_events_of_a_monitor_are_not_messages(ctx, journal):
    push = ctx.socket(zmq.PUSH)
    monitor = push.get_monitor_socket(zmq.EVENT_LISTENING)
    push.bind("tcp://127.0.0.1:0")
    monitor.recv_multipart()
    push.close()
    assert len(journal) == 0


def test_a_receive_that_ends_without_a_message_ends_the_work_before_it(ctx, journal):
    push, pull = pair(ctx)
    push.send(b"task")
    pull.recv()
    with pytest.raises(zmq.Again):
        pull.recv(zmq.NOBLOCK)
    (span,) = journal.spans()
    assert span.task == (b"task",)
    assert span.start <= span.end


def test_a_poll_ends_the_work_before_it(ctx, journal):
    push, pull = pair(ctx)
    push.send(b"first")
    push.send(b"second")
    pull.recv()
    assert pull.poll(1000)
    between = time.monotonic()
    pull.recv()
    first, second = journal.spans()
    assert first.end <= between <= second.start


def test_who_asks_again_and_again_in_vain_is_noted_once(ctx, journal):
    _, pull = pair(ctx)
    for _ in range(1000):
        pull.poll(0)
        with pytest.raises(zmq.Again):
            pull.recv(zmq.NOBLOCK)
    assert len(journal._waits) == 1


def test_no_socket_connects_when_its_context_is_ending(ctx):
    push = ctx.socket(zmq.PUSH)
    ctx.ending = True
    with pytest.raises(zmq.ContextTerminated):
        push.connect("inproc://nobody-is-there")


def test_sockets_are_counted_while_another_thread_closes_one(ctx, monkeypatch):
    push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)

    class Closing(type(ctx.common.makers)):
        def keyrefs(self):
            for ref in super().keyrefs():
                yield ref
                push.close()  # as another thread may, between two steps

    monkeypatch.setattr(ctx.common, "makers", Closing(ctx.common.makers))
    assert ctx.open_sockets() == [repr(pull.note)]


def test_without_a_journal_the_sockets_are_plain():
    with Context() as context, context.socket(zmq.PUSH) as socket:
        assert isinstance(socket, PlainSocket)
        assert not isinstance(socket, Socket)
        assert type(socket).send is zmq.Socket.send
        assert type(socket).recv is zmq.Socket.recv


@pytest.mark.parametrize("journal", [None, Journal()])
def test_a_socket_lingers_no_longer_than_its_context_allows(journal):
    with Context(journal=journal, longest_linger=50) as context:
        with context.socket(zmq.PUSH) as socket:
            for asked, got in [(-1, 50), (20, 20), (10**6, 50), (0, 0)]:
                socket.linger = asked
                assert socket.linger == got
                socket.setsockopt(zmq.LINGER, asked)
                assert socket.linger == got
        socket = context.socket(zmq.PUSH)
        socket.connect("tcp://127.0.0.1:1")
        socket.send(b"for nobody")
        socket.close(linger=-1)  # the context ends all the same


def test_a_context_names_its_open_sockets(ctx):
    push, pull = pair(ctx)
    assert ctx.open_sockets() == ["main's PULL", "main's PUSH"]
    pull.close()
    assert ctx.open_sockets() == ["main's PUSH"]
    push.close()
    assert ctx.open_sockets() == []
