"""The table of what travelled, from records made by hand."""

import re

from zmqlab.wire.record import MOST, Record, Wire
from zmqlab.wire.zmtp import Unit


def met():
    values = {"version": "3.1", "mechanism": "NULL", "as-server": "0"}
    return Unit("greeting", b"", 64, 64, values=values)


def ready(socket_type):
    return Unit("command", b"", 20, 0, 4, "READY", {"Socket-Type": socket_type})


def frame(body, flags=0, **more):
    return Unit("message", body, len(body), 0, flags, **more)


CONVERSATION = [
    Record(1.0, 1, "←", met()),  # the bound side was faster
    Record(1.1, 1, "→", met()),
    Record(1.2, 1, "←", ready(b"ROUTER")),
    Record(1.3, 1, "→", ready(b"REQ")),
    Record(1.4, 1, "→", frame(b"", 1)),
    Record(1.5, 1, "→", frame(b"hello")),
    Record(1.6, 1, "←", frame(b"", 1)),
    Record(1.7, 1, "←", frame(b"\xff\x00")),
]


def test_the_table_has_the_handshake_in_a_fixed_order_and_then_the_traffic_in_time():
    assert repr(Wire(CONVERSATION, between=("client", "broker"))).splitlines() == [
        "direction        what      flags    bytes  content",
        "client → broker  greeting              64  ZMTP 3.1, mechanism NULL, as-server 0",
        "broker → client  greeting              64  ZMTP 3.1, mechanism NULL, as-server 0",
        'client → broker  READY     COMMAND     20  Socket-Type = "REQ"',
        'broker → client  READY     COMMAND     20  Socket-Type = "ROUTER"',
        "client → broker  message   MORE         0  ∅",
        'client → broker  message                5  "hello"',
        "broker → client  message   MORE         0  ∅",
        "broker → client  message                2  0xff00",
    ]


def test_html_has_the_same_cells():
    wire = Wire(CONVERSATION, between=("client", "broker"))
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", wire._repr_html_())
    assert len(cells) == 8 * 5
    assert cells[10:15] == [
        "client → broker",
        "READY",
        "COMMAND",
        "20",
        "Socket-Type = &quot;REQ&quot;",
    ]


def test_several_connections_are_told_apart():
    wire = Wire([*CONVERSATION, Record(1.05, 2, "→", met())])
    lines = repr(wire).splitlines()
    assert [line for line in lines if line.startswith("connection")] == [
        "connection 1",
        "connection 2",
    ]
    assert lines[-2] == "connection 2"
    assert "connection 2" in wire._repr_html_()


def test_whole_messages_are_put_together_per_connection_and_direction():
    wire = Wire(
        [
            Record(1.0, 1, "→", frame(b"a", 1)),
            Record(1.1, 2, "→", frame(b"x", 1)),
            Record(1.2, 1, "←", frame(b"answer")),
            Record(1.3, 1, "→", frame(b"b"), lost=True),
            Record(1.4, 1, "→", frame(b"c")),
            Record(1.5, 2, "→", frame(b"never ended", 1)),
        ]
    )
    assert wire.messages() == [
        (1.2, 1, "←", (b"answer",), False),
        (1.3, 1, "→", (b"a", b"b"), True),
        (1.4, 1, "→", (b"c",), False),
    ]


def test_only_some_records():
    wire = Wire(CONVERSATION)
    assert [r.name for r in wire.only("READY")] == ["READY", "READY"]
    assert len(wire.only("message", "greeting")) == 6
    assert [r.time for r in wire[1:3]] == [1.1, 1.2]


def test_what_is_special_is_said():
    ping = Unit("command", b"", 7, 0, 4, "PING", {"ttl": 1.0, "context": b""})
    wire = Wire(
        [
            Record(1.0, 1, "→", frame(b"gone"), lost=True),
            Record(1.1, 1, "→", Unit("opaque", b"GET", 300, 0, note="not ZMTP 3")),
            Record(1.2, 1, "→", ping),
            Record(1.3, 1, "→", Unit("fault", b"", 0, 0, name="cut", note="on command")),
            Record(1.4, 1, "→", Unit("encrypted", b"\x07MESSAGE", 28, 0, note="by CURVE")),
        ]
    )
    said = [line[-60:] for line in repr(wire).splitlines()[1:]]
    assert said[0].endswith('"gone" (lost at the tap)')
    assert said[1].endswith('"GET"… (300 bytes) [not ZMTP 3]')
    assert said[2].endswith("ttl = 1 s, context = ∅")
    assert said[3].endswith("on command")
    assert said[4].endswith("[by CURVE]")


def test_a_long_table_says_what_it_leaves_out():
    wire = Wire([Record(1.0, 1, "→", frame(b"x"))] * (MOST + 5), forgotten=2)
    assert repr(wire).splitlines()[-1] == "… and 7 more"
    assert "… and 7 more" in wire._repr_html_()


def test_nothing_at_all():
    assert repr(Wire([])) == "(nothing on the wire)"
    assert "nothing on the wire" in Wire([])._repr_html_()


def test_html_escapes_what_came_from_the_wire():
    page = Wire([Record(1.0, 1, "→", frame(b"<script>"))])._repr_html_()
    assert "<script>" not in page
