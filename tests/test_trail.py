"""The way of one message, from a journal and a wire made by hand."""

import re

from zmqlab.record.journal import Hop, Journal, SocketNote
from zmqlab.wire.record import Record, Wire
from zmqlab.wire.trail import MOST, follow
from zmqlab.wire.zmtp import Unit

CLIENT = bytes.fromhex("0000a1b2c3")
REQ, ROUTER = SocketNote(1, "client", "REQ"), SocketNote(2, "broker", "ROUTER")


def sent(since, socket, *frames):
    # The thread that sent was late in noting when its call returned.
    return Hop(since + 10, socket.who, socket, "sent", frames, since)


def received(time, socket, *frames):
    return Hop(time, socket.who, socket, "received", frames, time - 20)


def on_the_wire(time, way, *frames):
    more = [1] * (len(frames) - 1) + [0]
    return [
        Record(time, 1, way, Unit("message", body, len(body), 0, flags))
        for body, flags in zip(frames, more, strict=True)
    ]


JOURNAL = Journal.of(
    [
        sent(1.0, REQ, b"hello"),
        received(3.0, ROUTER, CLIENT, b"", b"hello"),
        sent(4.0, ROUTER, CLIENT, b"", b"HELLO"),
        received(6.0, REQ, b"HELLO"),
    ]
)
WIRE = Wire(
    [*on_the_wire(2.0, "→", b"", b"hello"), *on_the_wire(5.0, "←", b"", b"HELLO")],
    between=("client", "broker"),
)


def test_each_hop_and_the_wire_between_in_the_order_of_cause():
    assert repr(follow(JOURNAL, WIRE)).splitlines() == [
        'client       REQ sends        "hello"',
        'on the wire  client → broker  ∅ | "hello"',
        'broker       ROUTER receives  @0x0000a1b2c3 | ∅ | "hello"',
        'broker       ROUTER sends     @0x0000a1b2c3 | ∅ | "HELLO"',
        'on the wire  broker → client  ∅ | "HELLO"',
        'client       REQ receives     "HELLO"',
    ]


def test_without_a_tap_the_programs_alone():
    assert len(follow(JOURNAL)) == 4


def test_html_has_a_row_for_each_step_with_its_boxes():
    page = follow(JOURNAL, WIRE)._repr_html_()
    assert page.count("<tr>") == 1 + 6  # the head and the steps; the boxes' rows have a style
    assert len(re.findall(">address, 5 bytes<", page)) == 2
    assert len(re.findall(">delimiter<", page)) == 4
    assert "on the wire" in page


def test_many_steps_are_cut_visibly():
    trail = follow(Journal.of([sent(float(n), REQ, b"x") for n in range(MOST + 2)]))
    assert repr(trail).splitlines()[-1] == "… and 2 more steps"
    assert "… and 2 more steps" in trail._repr_html_()


def test_nothing_happened():
    assert repr(follow(Journal.of([]))) == "(nobody sent or received anything)"
    assert "nobody" in follow(Journal.of([]))._repr_html_()
