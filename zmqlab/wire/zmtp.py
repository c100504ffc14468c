"""ZMTP 3.x as bytes on a wire, decoded without a socket (23/ZMTP and 37/ZMTP).

A `Decoder` is fed what one side of a connection sends, in pieces of any size, and gives back the
greeting, the commands and the message frames as soon as each is whole. A `Dialogue` is the pair
of them that a connection needs, because what one side sends can depend on what the other side
speaks. Bytes that are no ZMTP 3 are handed back as opaque, with the reason. Nothing fed to
either can make it fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "greeting", "command", "message", "encrypted", "opaque", "cut short", "fault"
]
Value: TypeAlias = bytes | str | float

MORE, LONG, COMMAND = 0x01, 0x02, 0x04  # bits of a frame's flags octet
KEEP = 4096  # bytes of a frame's body that are kept; the rest is only counted

_SIGNATURE, _VERSIONED, _GREETING = 10, 11, 64  # octets of a greeting, as far as it goes
_NAME = re.compile(rb"[A-Za-z]+")


@dataclass(slots=True)
class Unit:
    """One thing that was sent: a greeting, a command, a message's frame, or bytes not understood.

    (A "fault" is not sent by anybody: a tap notes with it what it did to the connection.)

    `size` counts the octets of its body, of which `body` holds the first `KEEP`; `end` is the
    place in the stream where it ended. `flags` is the octet before a frame's size (0 where there
    is no frame). `name` is a command's name and `values` what stands in it (READY: its
    properties; PING: ttl in seconds and context), or in the greeting. `note` says what is odd.
    """

    kind: Kind
    body: bytes
    size: int
    end: int
    flags: int = 0
    name: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    note: str = ""

    @property
    def more(self) -> bool:
        """Whether further frames of the same message follow."""
        return bool(self.flags & MORE)

    def flag_names(self) -> str:
        """The flags that are set, by their names in the standard: `"MORE LONG"`."""
        bits = ((MORE, "MORE"), (LONG, "LONG"), (COMMAND, "COMMAND"))
        return " ".join(name for bit, name in bits if self.flags & bit)


class Decoder:
    """What one side of a connection sends, decoded piece by piece.

    `feed` never fails and holds back at most one frame's first `KEEP` bytes. After each call
    `starts` has the places in the stream at which that piece began a new message, and
    `refused` says why the rest is opaque ("" as long as it is not).
    """

    def __init__(self, keep: int = KEEP) -> None:
        self.keep = keep
        self.taken = 0  # octets fed so far
        self.mechanism = ""
        self.refused = ""
        self.outdated = False  # it has turned out to speak ZMTP 1 or 2
        self.starts: list[int] = []
        self._held = bytearray()  # a greeting or a frame's header that is not yet whole
        self._greeted = False
        self._inside = False  # within a message: its last frame had MORE
        self._flags = 0
        self._size = 0
        self._missing = 0  # octets of the body still to come
        self._body = bytearray()
        self._in_body = False

    def feed(self, data: bytes) -> list[Unit]:
        """The units that these octets complete, in order."""
        units: list[Unit] = []
        self.starts.clear()
        base, at, end = self.taken, 0, len(data)
        self.taken += end
        while at < end:
            if self.refused:
                break
            if self._in_body:
                at = self._read_body(data, at)
            elif self._greeted:
                at = self._read_header(data, at, base)
            else:
                at = self._read_greeting(data, at)
            # An empty frame is whole with its header: it has a body, of which nothing is missing.
            if self._in_body and not self._missing:
                units.append(self._finish(base + at))
            elif not self._greeted and len(self._held) == _GREETING:
                units.append(self._greet(base + at))
        rest = self._release() + data[at:] if self.refused else b""
        if rest:
            units.append(
                Unit("opaque", rest[: self.keep], len(rest), self.taken, note=self.refused)
            )
        return units

    def refuse(self, reason: str) -> None:
        """Take all that follows, and what is held back of a header, as opaque."""
        if not self.refused:
            self.refused = reason

    def close(self) -> list[Unit]:
        """What the end of the stream cuts short, if anything."""
        cut = self._in_body or bool(self._held)  # a header alone promises a body
        size = self._size - self._missing if self._in_body else len(self._held)
        if self._in_body:
            note = f"ended after {size} of {self._size} bytes of a frame"
        else:
            note = f"ended within a {'frame' if self._greeted else 'greeting'}"
        rest = self._release()
        return [Unit("cut short", rest, size, self.taken, note=note)] if cut else []

    def _release(self) -> bytes:
        """Give up what is held back of a unit that will not be completed."""
        rest = bytes(self._body if self._in_body else self._held)
        self._in_body = False
        self._held.clear()
        return rest

    # -- the greeting -------------------------------------------------------------------------

    def _read_greeting(self, data: bytes, at: int) -> int:
        """Take octets up to the next place at which something can be told from them."""
        have = len(self._held)
        stop = next(mark for mark in (1, _SIGNATURE, _VERSIONED, _GREETING) if have < mark)
        piece = data[at : at + stop - have]
        self._held += piece
        held = self._held
        if held[0] != 0xFF:
            self.outdated = True
            self.refuse(f"not ZMTP 3: begins with 0x{held[0]:02x}, not with 0xff")
        elif len(held) >= _SIGNATURE and not held[9] & 1:
            self.outdated = True
            self.refuse("ZMTP 1.0, or not ZMTP")
        elif len(held) >= _VERSIONED and held[10] < 3:
            self.outdated = True
            self.refuse(f"ZMTP {'1.0' if held[10] == 0 else '2.0'}")
        return at + len(piece)

    def _greet(self, end: int) -> Unit:
        raw, self._held = bytes(self._held), bytearray()
        self._greeted = True
        name = raw[12:32].rstrip(b"\0")
        odd = []
        if raw[9] != 0x7F:
            odd.append(f"the signature ends with 0x{raw[9]:02x}, not with 0x7f")
        if not re.fullmatch(rb"[A-Z0-9_.+-]+", name):
            odd.append("the mechanism's name is not in the standard's letters")
        if raw[32] > 1:
            odd.append(f"as-server is {raw[32]}")
        if any(raw[33:]):
            odd.append("the filler is not all zeros")
        self.mechanism = name.decode("ascii", "backslashreplace")
        values: dict[str, Value] = {
            "version": f"{raw[10]}.{raw[11]}",
            "mechanism": self.mechanism,
            "as-server": str(raw[32]),
        }
        return Unit("greeting", raw, len(raw), end, values=values, note="; ".join(odd))

    # -- frames -------------------------------------------------------------------------------

    def _read_header(self, data: bytes, at: int, base: int) -> int:
        held = self._held
        if not held:
            flags = data[at]
            if flags & ~(MORE | LONG | COMMAND):
                self.refuse(f"no frame of ZMTP 3 has the flags 0x{flags:02x}")
                return at
            if not self._inside and not flags & COMMAND:
                self.starts.append(base + at)
            held.append(flags)
            at += 1
        length = 9 if held[0] & LONG else 2
        piece = data[at : at + length - len(held)]
        held += piece
        if len(held) == length:
            size = int.from_bytes(held[1:], "big")
            if size >= 1 << 63:
                self.refuse(f"no frame of ZMTP 3 has {size} bytes")
                return at + len(piece)
            self._flags, self._size, self._missing = held[0], size, size
            self._body = bytearray()
            self._in_body = True
            held.clear()
        return at + len(piece)

    def _read_body(self, data: bytes, at: int) -> int:
        piece = min(self._missing, len(data) - at)
        room = self.keep - len(self._body)
        if room > 0:
            self._body += data[at : at + min(piece, room)]
        self._missing -= piece
        return at + piece

    def _finish(self, end: int) -> Unit:
        self._in_body = False
        flags, body, size = self._flags, bytes(self._body), self._size
        if flags & COMMAND:
            return self._command(body, size, flags, end)
        self._inside = bool(flags & MORE)
        if self.mechanism not in ("NULL", "PLAIN"):
            name, _ = _split_name(body)
            return Unit("encrypted", body, size, end, flags, name, note=f"by {self.mechanism}")
        return Unit("message", body, size, end, flags)

    def _command(self, body: bytes, size: int, flags: int, end: int) -> Unit:
        name, data = _split_name(body)
        unit = Unit("command", body, size, end, flags, name)
        odd = ["MORE on a command"] if flags & MORE else []
        if not name:
            odd.append("a command without a name")
        elif size > len(body):
            odd.append("too long to be read")
        elif self.mechanism not in ("NULL", "PLAIN"):
            odd.append(f"by {self.mechanism}")
        elif name in _READERS:
            try:
                unit.values = _READERS[name](data)
            except ValueError as error:
                odd.append(str(error))
        unit.note = "; ".join(odd)
        return unit


class Dialogue:
    """Both sides of one connection: where the one is old, the other goes down to its level."""

    def __init__(self, keep: int = KEEP) -> None:
        self.sides: dict[str, Decoder] = {"→": Decoder(keep), "←": Decoder(keep)}

    def feed(self, way: str, data: bytes) -> list[Unit]:
        """The units that these octets complete; `way` is "→" or "←"."""
        own, other = self.sides[way], self.sides["←" if way == "→" else "→"]
        if other.outdated:
            own.refuse(f"the other side does not speak ZMTP 3 ({other.refused})")
        return own.feed(data)


# -- what stands in a command -----------------------------------------------------------------


def _split_name(body: bytes) -> tuple[str, bytes]:
    """A command's name and its data; the name is "" where there is none."""
    length = body[0] if body else 0
    name = body[1 : 1 + length]
    if len(name) < length or not _NAME.fullmatch(name):
        return "", body
    return name.decode("ascii"), body[1 + length :]


def _properties(data: bytes) -> dict[str, Value]:
    """Name and value pairs: a length octet and a name, four length octets and a value."""
    found: dict[str, Value] = {}
    at = 0
    while at < len(data):
        length = data[at]
        name = data[at + 1 : at + 1 + length]
        at += 1 + length
        size = int.from_bytes(data[at : at + 4], "big")
        if not name or at + 4 + size > len(data):
            raise ValueError("its properties cannot be read")
        found[name.decode("ascii", "backslashreplace")] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return found


def _reason(data: bytes) -> dict[str, Value]:
    if not data or len(data) != 1 + data[0]:
        raise ValueError("its reason cannot be read")
    return {"reason": data[1:]}


def _ping(data: bytes) -> dict[str, Value]:
    if len(data) < 2:
        raise ValueError("a PING without its time to live")
    return {"ttl": int.from_bytes(data[:2], "big") / 10, "context": data[2:]}


_READERS: dict[str, Callable[[bytes], dict[str, Value]]] = {
    "READY": _properties,
    "INITIATE": _properties,
    "ERROR": _reason,
    "PING": _ping,
    "PONG": lambda data: {"context": data},
    "SUBSCRIBE": lambda data: {"topic": data},
    "CANCEL": lambda data: {"topic": data},
    "JOIN": lambda data: {"group": data},
    "LEAVE": lambda data: {"group": data},
}
