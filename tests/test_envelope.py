"""Envelopes: taken apart, put together and shown, without a socket."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqlab.envelope import (
    LONGEST,
    MOST,
    Envelope,
    MalformedEnvelope,
    parts,
    show,
    show_frame,
    show_html,
)

AUTOMATIC = bytes.fromhex("0000a1b2c3")  # what a ROUTER makes up: a zero byte and a counter

frame = st.one_of(
    st.binary(max_size=8),
    st.just(b""),
    st.text('ab \\"|@∅x0…', max_size=6).map(str.encode),
)
address = frame.filter(bool)
stack = st.lists(address, max_size=4)
body = st.lists(frame, max_size=5)


@given(stack, body)
def test_parse_undoes_frames(route, body):
    envelope = Envelope(tuple(route), tuple(body))
    assert Envelope.parse(envelope.frames) == envelope


@given(st.lists(frame, max_size=8).filter(lambda frames: b"" in frames))
def test_frames_undoes_parse(frames):
    assert Envelope.parse(frames).frames == frames


def test_the_first_empty_frame_is_the_delimiter_and_later_ones_are_body():
    envelope = Envelope.parse([b"a", b"b", b"", b"x", b"", b""])
    assert envelope == Envelope((b"a", b"b"), (b"x", b"", b""))


def test_a_body_may_be_empty_and_so_may_a_route():
    assert Envelope.parse([b"a", b""]) == Envelope((b"a",), ())
    assert Envelope.parse([b"", b"x"]) == Envelope((), (b"x",))


def test_an_envelope_takes_any_sequences_and_leaves_them_alone():
    route, content = [b"a"], [bytearray(b"x"), memoryview(b"y")]
    envelope = Envelope(route, content)
    assert envelope == Envelope((b"a",), (b"x", b"y"))
    envelope.frames.clear()
    assert envelope.frames == [b"a", b"", b"x", b"y"]
    assert route == [b"a"]


@given(st.lists(address, min_size=1, max_size=5))
def test_frames_without_an_empty_one_are_shown_with_cause_and_mend(frames):
    with pytest.raises(MalformedEnvelope) as caught:
        Envelope.parse(frames)
    message = str(caught.value)
    assert show(frames) in message
    assert "Likely cause" in message
    assert "Mend" in message


def test_a_jupyter_message_is_recognised():
    with pytest.raises(MalformedEnvelope, match=r"Jupyter message.*\n.*split at that frame"):
        Envelope.parse([b"client", b"<IDS|MSG>", b"signature"])


def test_no_frames_at_all():
    with pytest.raises(MalformedEnvelope, match=r"\(no frames\)\n.*nothing was received"):
        Envelope.parse([])


def test_the_delimiter_has_no_place_in_a_route():
    with pytest.raises(MalformedEnvelope, match=r'among the addresses: "a" [|] ∅'):
        Envelope((b"a", b""), (b"x",))


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        (b"hello", "sequence of frames, not one bytes"),
        ("hello", "sequence of frames, not one str"),
        ([b"a", "b"], r"frames\[1\] is a str: .*encode"),
        ([b"a", 3], r"frames\[1\] is a int"),
        ([None], r"frames\[0\] is a NoneType"),
    ],
)
def test_what_is_no_frame_is_named(frames, complaint):
    with pytest.raises(TypeError, match=complaint):
        Envelope.parse(frames)


def test_an_envelope_shows_itself_without_guessing():
    assert repr(Envelope((AUTOMATIC,), (b"hi",))) == '<Envelope @0x0000a1b2c3 | ∅ | "hi">'


# -- roles ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "frames", "roles"),
    [
        ("", [b"a", b"", b"x"], "address delimiter body"),
        ("", [b"", b"x", b""], "delimiter body body"),
        ("", [b"a", b"x"], "frame frame"),
        ("ROUTER", [b"a", b"x"], "address frame"),
        ("ROUTER", [b"a", b"b", b"", b"x"], "address address delimiter body"),
        ("DEALER", [b"x"], "frame"),
        ("REQ", [b"x", b"", b"y"], "body body body"),
        ("PULL", [b"", b"y"], "body body"),
    ],
)
def test_roles_by_kind_of_socket(kind, frames, roles):
    found = parts(frames, kind)
    assert " ".join(part.role for part in found) == roles
    assert [part.frame for part in found] == frames


# -- text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"", "∅"),
        (b"hello, world", '"hello, world"'),
        (rb"a\"b", r'"a\\\"b"'),
        (AUTOMATIC, "0x0000a1b2c3"),
        ("straße".encode(), "0x73747261c39f65"),
        (b"line\n", "0x6c696e650a"),
        (b"x" * (LONGEST + 1), '"' + "x" * LONGEST + f'"… ({LONGEST + 1} bytes)'),
        (bytes(300), "0x" + "00" * LONGEST + "… (300 bytes)"),
    ],
)
def test_a_frame_as_text(raw, shown):
    assert show_frame(raw) == shown


def test_a_long_frame_is_text_only_if_all_of_it_is():
    assert show_frame(b"x" * LONGEST + b"\xff").startswith("0x7878")


@given(st.lists(frame, max_size=6), st.lists(frame, max_size=6))
def test_show_is_unambiguous(one, other):
    assert (show(one) == show(other)) == (one == other)


@given(st.lists(frame, max_size=6))
def test_show_can_be_read_back(frames):
    token = re.compile(r'@?(?:"((?:[^"\\]|\\.)*)"|0x([0-9a-f]+)|(∅))(?: \| |$)')
    text = show(frames)
    read, at = [], 0
    while text != "(no frames)" and at < len(text):
        found = token.match(text, at)
        assert found, text[at:]
        quoted, hexed, empty = found.groups()
        unescaped = re.sub(r"\\(.)", r"\1", quoted or "").encode()
        read.append(b"" if empty else bytes.fromhex(hexed) if hexed else unescaped)
        at = found.end()
    assert read == frames


def test_many_frames_are_cut_visibly():
    assert show([b"x"] * (MOST + 3)).endswith('"x" | … and 3 more frames')
    assert "… and 3 more frames" in show_html([b"x"] * (MOST + 3))


# -- HTML -------------------------------------------------------------------------------------


def words(page):
    """The text of an HTML fragment without any of its styles."""
    return html.unescape(re.sub(r"<[^>]*>", " ", page)).split()


def test_html_says_in_words_what_each_frame_is():
    assert words(show_html([b"c1", b"", b"hello"])) == [
        *("address", '"c1"'),
        *("delimiter", "∅"),
        *("body", '"hello"'),
    ]


def test_html_gives_each_role_a_border_of_its_own():
    page = show_html([b"c1", b"", b"hello"])
    assert re.findall(r"border:\dpx (\w+) #", page) == ["dashed", "double", "solid"]


def test_html_sets_no_text_colour_of_its_own():
    assert not re.search(r"(?<![-\w])color:", show_html([b"c1", b"", b"hello"]))


@given(st.lists(st.text("<>&\"'", min_size=1, max_size=5).map(str.encode), max_size=3))
def test_html_escapes_what_it_shows(frames):
    page = show_html(frames)
    assert set(re.findall(r"</?(\w+)", page)) <= {"div", "span", "small", "code", "em"}
    assert [show_frame(frame) for frame in frames] == words(page)[1::2] or not frames
