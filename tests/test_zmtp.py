"""ZMTP decoded from bytes: against the standard's own examples, and in any split."""

import random
import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zmqlab.wire.zmtp import COMMAND, KEEP, LONG, MORE, Decoder, Dialogue, Unit

# 37/ZMTP, "Worked Example", octet by octet.
GREETING = (
    bytes([0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 0x03])
    + bytes([0x01])
    + b"NULL"
    + bytes(16)
    + bytes([0])
    + bytes(31)
)
DEALER_READY = (
    bytes([0x04, 41])
    + bytes([5])
    + b"READY"
    + bytes([11])
    + b"Socket-Type"
    + bytes([0, 0, 0, 6])
    + b"DEALER"
    + bytes([8])
    + b"Identity"
    + bytes([0, 0, 0, 0])
)
ROUTER_READY = (
    bytes([0x04, 28])
    + bytes([5])
    + b"READY"
    + bytes([11])
    + b"Socket-Type"
    + bytes([0, 0, 0, 6])
    + b"ROUTER"
)


def greeting(version=(3, 1), mechanism=b"NULL", padding=bytes(8)):
    return b"\xff" + padding + b"\x7f" + bytes(version) + mechanism.ljust(20, b"\0") + bytes(32)


def frame(flags, body):
    """A frame by 37/ZMTP, in the long form where the flags say so."""
    size = len(body).to_bytes(8, "big") if flags & LONG else bytes([len(body)])
    return bytes([flags]) + size + body


def command(name, data=b""):
    return frame(COMMAND, bytes([len(name)]) + name + data)


def decode(raw, greeted=b""):
    """The units of a whole stream (behind a greeting, if one is given)."""
    return Decoder().feed(greeted + raw)[bool(greeted) :]


def test_the_example_of_the_standard():
    met, ready = decode(GREETING + DEALER_READY)
    assert (met.kind, met.size, met.body) == ("greeting", 64, GREETING)
    assert met.values == {"version": "3.1", "mechanism": "NULL", "as-server": "0"}
    assert (ready.kind, ready.name, ready.size) == ("command", "READY", 41)
    assert ready.values == {"Socket-Type": b"DEALER", "Identity": b""}
    (router,) = decode(ROUTER_READY, GREETING)
    assert router.values == {"Socket-Type": b"ROUTER"}
    assert [unit.note for unit in (met, ready, router)] == ["", "", ""]


def test_frames_of_a_message_with_their_flags():
    raw = frame(MORE, b"") + frame(MORE | LONG, b"x" * 300) + frame(0, b"hello")
    units = decode(raw, GREETING)
    assert [(u.kind, u.flag_names(), u.size) for u in units] == [
        ("message", "MORE", 0),
        ("message", "MORE LONG", 300),
        ("message", "", 5),
    ]
    assert [u.body for u in units] == [b"", b"x" * 300, b"hello"]
    assert [u.end for u in units] == [64 + 2, 64 + 2 + 309, 64 + 2 + 309 + 7]


def test_the_beginnings_of_messages_are_told():
    decoder = Decoder()
    raw = frame(MORE, b"a") + command(b"PONG") + frame(0, b"b") + frame(0, b"c")
    decoder.feed(GREETING + raw)
    assert decoder.starts == [64, 64 + 3 + 7 + 3]
    decoder.feed(b"")
    assert decoder.starts == []


@pytest.mark.parametrize(
    ("raw", "name", "values"),
    [
        (command(b"PING", b"\x00\x1e" + b"ctx"), "PING", {"ttl": 3.0, "context": b"ctx"}),
        (command(b"PONG", b"ctx"), "PONG", {"context": b"ctx"}),
        (command(b"SUBSCRIBE", b"to"), "SUBSCRIBE", {"topic": b"to"}),
        (command(b"CANCEL", b""), "CANCEL", {"topic": b""}),
        (command(b"ERROR", b"\x04nope"), "ERROR", {"reason": b"nope"}),
        (command(b"JOIN", b"g"), "JOIN", {"group": b"g"}),
        (command(b"READY"), "READY", {}),
        (command(b"OTHER", b"anything"), "OTHER", {}),
    ],
)
def test_commands(raw, name, values):
    (unit,) = decode(raw, GREETING)
    assert (unit.kind, unit.name, unit.values, unit.note) == ("command", name, values, "")


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        (command(b"PING", b"\x00"), "without its time to live"),
        (command(b"ERROR", b"\x09nope"), "reason cannot be read"),
        (command(b"ERROR"), "reason cannot be read"),
        (command(b"READY", b"\x0bSocket-Type\x00\x00\x00\x09DEALER"), "properties cannot be read"),
        (command(b"READY", b"\x00\x00\x00\x00\x00"), "properties cannot be read"),
        (command(b"READY", b"\x0bSock"), "properties cannot be read"),
        (frame(COMMAND, b""), "without a name"),
        (frame(COMMAND, b"\x09PI"), "without a name"),
        (frame(COMMAND, b"\x02\xff\xfe"), "without a name"),
        (frame(COMMAND | MORE, b"\x04PONG"), "MORE on a command"),
        (frame(COMMAND | LONG, b"\x05READY" + bytes(KEEP)), "too long to be read"),
    ],
)
def test_a_command_that_is_not_as_it_should_be_is_noted_and_the_next_one_read(raw, note):
    odd, following = decode(raw + frame(0, b"next"), GREETING)
    assert note in odd.note
    assert following.body == b"next"


@pytest.mark.parametrize(
    ("raw", "note"),
    [
        (greeting()[:9] + b"\x7d" + greeting()[10:], "signature ends with 0x7d"),
        (greeting(mechanism=b"null"), "mechanism's name"),
        (greeting(mechanism=b""), "mechanism's name"),
        (greeting()[:32] + b"\x07" + bytes(31), "as-server is 7"),
        (greeting()[:-1] + b"x", "filler is not all zeros"),
    ],
)
def test_an_odd_greeting_is_noted(raw, note):
    (unit,) = decode(raw)
    assert unit.kind == "greeting"
    assert note in unit.note


def test_the_padding_means_nothing_and_newer_versions_are_accepted():
    (unit,) = decode(greeting(version=(4, 7), padding=b"\x00\x00\x00\x00\x00\x00\x00\x07"))
    assert (unit.values["version"], unit.note) == ("4.7", "")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "begins with 0x47"),
        (b"\x01\x00\x06\x00hello", "begins with 0x01"),  # ZMTP 1.0 with a short identity
        (b"\xff\x00\x00\x00\x00\x00\x00\x00\x06\x00hello", "ZMTP 1.0"),
        (b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x00\x05", "ZMTP 1.0"),
        (b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x05\x00\x00", "ZMTP 2.0"),
        (GREETING + b"\x08\x00", "flags 0x08"),
        (GREETING + b"\x02\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615 bytes"),
    ],
)
def test_what_is_no_zmtp_3_is_opaque_and_says_why(raw, reason):
    *known, opaque = decode(raw)
    assert [unit.kind for unit in known] in ([], ["greeting"])
    assert (opaque.kind, opaque.end) == ("opaque", len(raw))
    assert reason in opaque.note
    assert opaque.body == raw[len(raw) - opaque.size :]


def test_one_old_side_makes_the_other_side_opaque_too():
    dialogue = Dialogue()
    assert dialogue.feed("→", GREETING[:11]) == []  # the new side waits with its minor version …
    (old,) = dialogue.feed("←", bytes.fromhex("ff00000000000000017f0106") + b"\x00\x00")
    (new,) = dialogue.feed("→", b"\x05\x00\x00" + b"\x00\x05hello")  # … and goes down to 2.0
    assert old.note == "ZMTP 2.0"
    assert new.note == "the other side does not speak ZMTP 3 (ZMTP 2.0)"
    assert new.body == GREETING[:11] + b"\x05\x00\x00" + b"\x00\x05hello"


def test_garbage_on_one_side_leaves_the_other_readable():
    dialogue = Dialogue()
    dialogue.feed("→", GREETING)
    dialogue.feed("←", GREETING + b"\xf0")
    (unit,) = dialogue.feed("→", frame(0, b"hello"))
    assert unit.body == b"hello"


def test_under_curve_frames_are_told_apart_but_not_read():
    ready = command(b"READY", b"\x0bSocket-Type\x00\x00\x00\x06ROUTER")  # looks readable, is not
    raw = ready + frame(0, b"\x07MESSAGE" + bytes(range(20))) + frame(0, b"")
    first, second, third = decode(raw, greeting(mechanism=b"CURVE"))
    assert (first.name, first.values, first.note) == ("READY", {}, "by CURVE")
    assert (second.kind, second.name, second.size) == ("encrypted", "MESSAGE", 28)
    assert (third.kind, third.name) == ("encrypted", "")


def test_a_long_body_is_counted_and_only_its_head_kept():
    decoder = Decoder(keep=10)
    raw = GREETING + frame(LONG, b"0123456789" * 30) + frame(0, b"next")
    _, long, following = decoder.feed(raw)
    assert (long.size, long.body) == (300, b"0123456789")
    assert following.body == b"next"


def test_a_frame_announced_as_huge_takes_no_memory():
    decoder = Decoder()
    decoder.feed(GREETING + b"\x02" + (2**62).to_bytes(8, "big"))
    for _ in range(100):
        assert decoder.feed(bytes(10_000)) == []
    assert len(decoder._body) == KEEP


@pytest.mark.parametrize(
    ("raw", "note", "size"),
    [
        (GREETING[:20], "ended within a greeting", 20),
        (GREETING + b"\x02\x00", "ended within a frame", 2),
        (GREETING + b"\x00\x05hel", "ended after 3 of 5 bytes of a frame", 3),
    ],
)
def test_the_end_in_the_middle_of_something_is_told(raw, note, size):
    decoder = Decoder()
    decoder.feed(raw)
    (unit,) = decoder.close()
    assert (unit.kind, unit.note, unit.size) == ("cut short", note, size)
    assert decoder.close() == []


def test_the_end_between_frames_is_nothing_special():
    decoder = Decoder()
    decoder.feed(GREETING + frame(0, b"hello"))
    assert decoder.close() == []


# -- any split, any bytes ----------------------------------------------------------------------


def pieces(raw, cuts):
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    return [raw[a:b] for a, b in pairwise(places)]


def fed(raw_pieces):
    """Units, message starts and the rest; consecutive opaque units as one."""
    decoder, units, starts = Decoder(), [], []
    for piece in raw_pieces:
        for unit in decoder.feed(piece):
            last = units[-1] if units else None
            if unit.kind == "opaque" and last is not None and last.kind == "opaque":
                body = (last.body + unit.body)[:KEEP]
                units[-1] = Unit("opaque", body, last.size + unit.size, unit.end, note=last.note)
            else:
                units.append(unit)
        starts += decoder.starts
    return units, starts, decoder.close()


frames = st.builds(
    lambda flags, body: frame(flags | LONG if len(body) > 255 else flags, body),
    st.sampled_from([0, MORE, LONG, MORE | LONG, COMMAND, COMMAND | LONG]),
    st.one_of(
        st.binary(max_size=6),
        st.binary(min_size=250, max_size=300),
        st.sampled_from([b"\x04PING\x00\x1e", b"\x05READY", b"\x05READY\x01X\x00\x00\x00\x01y"]),
    ),
)
streams = st.one_of(
    st.builds(lambda many: GREETING + b"".join(many), st.lists(frames, max_size=5)),
    st.builds(lambda tail: GREETING + tail, st.binary(max_size=40)),
    st.builds(lambda tail: b"\xff" + tail, st.binary(max_size=80)),
    st.binary(max_size=80),
)
cuts = st.lists(st.integers(0, 2000), max_size=12)


@given(streams, cuts)
@example(GREETING + frame(0, b""), [64, 65])
@example(GREETING + b"\xf0", [64])
def test_the_split_does_not_matter(raw, places):
    assert fed(pieces(raw, places)) == fed([raw])


@given(streams)
def test_one_octet_at_a_time_is_the_same(raw):
    assert fed([raw[n : n + 1] for n in range(len(raw))]) == fed([raw])


@given(streams, cuts)
@example(GREETING + b"\x00\x01", [])  # a header, and nothing of the body that it promises
def test_no_octet_is_lost_from_the_count(raw, places):
    units, _, rest = fed(pieces(raw, places))
    header = {True: 9, False: 2}
    framed = sum(
        u.size + (header[bool(u.flags & LONG)] if u.kind in ("command", "message") else 0)
        for u in units
        if u.kind != "cut short"
    )
    left = len(raw) - framed
    (last,) = rest or [None]
    if last is None:
        assert left == 0
    elif "of a frame" in last.note:
        assert left in (last.size + 2, last.size + 9)
    else:
        assert left == last.size


@given(st.lists(st.tuples(st.sampled_from("→←"), st.binary(max_size=100)), max_size=12))
def test_a_dialogue_takes_anything(pieces_of_both):
    dialogue = Dialogue()
    for way, piece in pieces_of_both:
        dialogue.feed(way, piece)
    assert dialogue.sides["→"].taken == sum(len(p) for way, p in pieces_of_both if way == "→")


def test_a_million_bytes_of_random_garbage():
    source = random.Random(1)
    for _ in range(100):
        decoder = Decoder()
        decoder.feed(source.choice([b"", GREETING]) + source.randbytes(10_000))
        decoder.close()


def test_decoding_costs_no_more_for_what_came_before():
    raw = frame(0, b"x" * 64) * 1000
    decoder = Decoder()
    decoder.feed(GREETING)
    spent = []
    for _ in range(20):
        begin = time.thread_time()
        decoder.feed(raw)
        spent.append(time.thread_time() - begin)
    assert sum(spent[10:]) < 4 * sum(spent[:10])
