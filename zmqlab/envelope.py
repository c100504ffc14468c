"""Envelopes: the frames of a message told apart as addresses, delimiter and body (28/REQREP).

A request that has passed n ROUTERs carries n address frames, then one empty frame (the
delimiter), then the body. This module takes such frames apart, puts them together and shows them,
as text and as HTML. It never guesses that bytes are text: a frame of printable ASCII is quoted,
every other frame is written in hex.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Role = Literal["address", "delimiter", "body", "frame"]

LONGEST = 32  # bytes of a frame that are shown before it is cut short
MOST = 24  # frames of a message that are shown before the rest is only counted

# Sockets that give their program the body alone: REQ and REP keep the envelope to themselves,
# the others never have one.
_BODY_ONLY = frozenset(["REQ", "REP", "PUSH", "PULL", "PUB", "SUB", "XPUB", "XSUB", "PAIR"])


class MalformedEnvelope(ValueError):
    """These frames are no envelope; the message shows them, a likely cause and a mend."""


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """A routed message: the return addresses, outermost first, then the body.

    Any sequences of bytes will do for `route` and `body`; they are kept as tuples. The delimiter
    between them is implied. An empty frame in `route` is refused: on the way it would be taken
    for the delimiter.
    """

    route: tuple[bytes, ...]
    body: tuple[bytes, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "route", as_frames(self.route, "route"))
        object.__setattr__(self, "body", as_frames(self.body, "body"))
        if b"" in self.route:
            raise MalformedEnvelope(
                f"an empty frame among the addresses: {_joined(self.route)}\n"
                "Likely cause: the delimiter was left in the route.\n"
                "Mend: give the addresses alone; `frames` puts the delimiter behind them."
            )

    @classmethod
    def parse(cls, frames: Sequence[bytes]) -> Envelope:
        """The envelope that these frames make: split at the first empty frame.

        Empty frames behind the first belong to the body. Without any empty frame there is no
        telling where the addresses end: `MalformedEnvelope`.
        """
        frames = as_frames(frames)
        if b"" not in frames:
            raise MalformedEnvelope(
                f"no empty delimiter frame in {show(frames)}\n{_diagnosis(frames)}"
            )
        at = frames.index(b"")
        return cls(frames[:at], frames[at + 1 :])

    @property
    def frames(self) -> list[bytes]:
        """What to hand to `send_multipart`: addresses, delimiter, body."""
        return [*self.route, b"", *self.body]

    def __repr__(self) -> str:
        return f"<Envelope {show(self.frames)}>"

    def _repr_html_(self) -> str:
        return show_html(self.frames)


def _diagnosis(frames: tuple[bytes, ...]) -> str:
    """The likely cause of a missing delimiter, and what to do about it."""
    if not frames:
        return (
            "Likely cause: nothing was received, or the frames were taken off one by one before.\n"
            "Mend: give it the whole message, as recv_multipart() returned it."
        )
    if b"<IDS|MSG>" in frames:
        return (
            "Likely cause: this is a Jupyter message; its delimiter is the frame <IDS|MSG>.\n"
            "Mend: split at that frame; a ROUTER asks for no empty one."
        )
    return (
        "Likely cause: it was sent by a DEALER (or a ROUTER), which add no delimiter; "
        "only REQ and REP do.\n"
        "Mend: at the sender, send_multipart([b'', body]) in place of send(body)."
    )


def as_frames(frames: Iterable[Any], what: str = "frames") -> tuple[bytes, ...]:
    """The frames as a tuple of bytes; `TypeError` names what is no frame.

    Bytes, bytearrays, memoryviews and pyzmq's Frame objects are frames. A str is not: which
    bytes it stands for is for its owner to say.
    """
    if isinstance(frames, (bytes, bytearray, memoryview, str)):
        raise TypeError(f"{what} must be a sequence of frames, not one {type(frames).__name__}")
    found = []
    for number, frame in enumerate(frames):
        if isinstance(frame, str):
            raise TypeError(f"{what}[{number}] is a str: a frame is bytes, so encode it first")
        try:
            found.append(frame if isinstance(frame, bytes) else bytes(memoryview(frame)))
        except TypeError:
            kind = type(frame).__name__
            raise TypeError(f"{what}[{number}] is a {kind}: a frame is bytes") from None
    return tuple(found)


class Part(NamedTuple):
    """One frame and the part it plays."""

    role: Role
    frame: bytes


def parts(frames: Iterable[bytes], kind: str = "") -> list[Part]:
    """Each frame with its role, as a program sees it at a socket of this kind.

    - REQ, REP and the sockets without envelopes: all is body.
    - ROUTER: the first frame is always an address.
    - otherwise the first empty frame is the delimiter, what stands before it are addresses, what
      follows is the body; without an empty frame nothing can be told: role "frame".
    """
    frames = as_frames(frames)
    if kind in _BODY_ONLY:
        return [Part("body", frame) for frame in frames]
    first = 1 if kind == "ROUTER" else 0
    if b"" not in frames[first:]:
        return [Part("address" if n < first else "frame", frame) for n, frame in enumerate(frames)]
    at = frames.index(b"", first)
    return [
        *(Part("address", frame) for frame in frames[:at]),
        Part("delimiter", b""),
        *(Part("body", frame) for frame in frames[at + 1 :]),
    ]


def show_frame(frame: bytes, longest: int = LONGEST, size: int | None = None) -> str:
    r"""One frame as text: `"quoted"` if all of it is printable ASCII, else `0x` and hex.

    An empty frame is `∅`. In a quoted frame `\` and `"` are preceded by `\`. A frame longer than
    `longest` bytes ends in `…` and its length in bytes. Where only the head of a frame is at
    hand, `size` is the length of the whole.
    """
    size = len(frame) if size is None else size
    if not size:
        return "∅"
    head = frame[:longest]
    if all(0x20 <= byte <= 0x7E for byte in frame):
        text = head.decode("ascii").replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{text}"'
    else:
        shown = f"0x{head.hex()}"
    return shown if size <= len(head) else f"{shown}… ({size} bytes)"


def _joined(frames: Iterable[bytes]) -> str:
    return " | ".join(map(show_frame, frames)) or "(no frames)"


def show(frames: Iterable[bytes], kind: str = "", longest: int = LONGEST) -> str:
    """The frames in one line: `@` marks an address, `∅` is an empty frame, `|` stands between.

    `kind` is the kind of the socket where a program saw them, if known (see `parts`).

    >>> show([bytes.fromhex("0000a1b2c3"), b"", b"hello"])
    '@0x0000a1b2c3 | ∅ | "hello"'
    """
    found = parts(frames, kind)
    shown = [
        ("@" if part.role == "address" else "") + show_frame(part.frame, longest)
        for part in found[:MOST]
    ]
    if len(found) > MOST:
        shown.append(f"… and {len(found) - MOST} more frames")
    return " | ".join(shown) or "(no frames)"


# Told apart by label, by outline and by shape, and only then by colour. The lines stand out from
# a white and from a black page; the tints are faint enough for the page's own text colour. Named
# in digits, because JupyterLab strips what it does not know from a page it does not trust yet.
_BOX = "display:block;padding:.25em .6em;overflow-wrap:anywhere;"
_LOOK: dict[Role, str] = {
    "address": "border:2px dashed #2e86c1;border-radius:1em;background:rgba(46,134,193,.16);",
    "delimiter": "border:4px double #808080;padding:.1em .6em;background:rgba(128,128,128,.25);",
    "body": "border:2px solid #b9770e;background:rgba(230,159,0,.16);",
    "frame": "border:2px dotted #808080;background:transparent;",
}
_PART = "display:inline-block;vertical-align:bottom;margin:0 0 .2em;"
_LABEL = "display:block;padding:0 .6em;"


def show_html(frames: Iterable[bytes], kind: str = "", longest: int = LONGEST) -> str:
    """The frames as HTML: a box for each, with its label above, in as many lines as they need.

    An address is a rounded dashed box, the delimiter a double-lined one, the body a plain one,
    and each says so above it: nothing rests on colour, and where a page drops the styles (GitHub
    does) the labels remain, each before its frame.
    """
    found = parts(frames, kind)
    if not found:
        return "<em>(no frames)</em>"
    shown = [
        f'<span style="{_PART}"><small style="{_LABEL}">{_label(part)}</small> '
        f'<code style="{_BOX}{_LOOK[part.role]}">'
        f"{html.escape(show_frame(part.frame, longest))}</code></span>"
        for part in found[:MOST]
    ]
    if len(found) > MOST:
        shown.append(f"… and {len(found) - MOST} more frames")
    return f"<div>{' '.join(shown)}</div>"


def _label(part: Part) -> str:
    """What is written above a box: the role, and the size where the content is not text."""
    shown = show_frame(part.frame)
    return f"{part.role}, {len(part.frame)} bytes" if shown.startswith("0x") else part.role
