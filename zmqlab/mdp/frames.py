"""The frames of Majordomo, in its two dialects: built, and taken apart. Pure.

7/MDP is version 0.1, 18/MDP version 0.2 (rfc.zeromq.org). Frames are as a DEALER sends and gets
them: without the address that a ROUTER puts before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Frames = tuple[bytes, ...]

# What a command is, in both dialects. PARTIAL is of 0.2 alone, where REPLY is called FINAL.
READY, REQUEST, REPLY = "READY", "REQUEST", "REPLY"
HEARTBEAT, DISCONNECT, PARTIAL = "HEARTBEAT", "DISCONNECT", "PARTIAL"


class Command(NamedTuple):
    """A valid message between broker and worker."""

    kind: str
    service: bytes = b""  # of READY
    client: bytes = b""  # of REQUEST, REPLY and PARTIAL: the client's address
    body: Frames = ()


class Letter(NamedTuple):
    """A valid message between broker and client; `kind` is REQUEST, REPLY or PARTIAL."""

    kind: str
    service: bytes
    body: Frames


class Invalid(NamedTuple):
    """A message that the dialect does not know, and why."""

    why: str


@dataclass(frozen=True)
class Dialect:
    """One version of Majordomo on the wire.

    codes: the command octet of each kind between broker and worker. to_broker, to_client: the
    octets that a client's message carries, where it carries one. delimiter: whether each message
    begins with an empty frame.
    """

    name: str
    client: bytes
    worker: bytes
    codes: dict[str, bytes]
    delimiter: bool
    to_broker: dict[str, bytes]
    to_client: dict[str, bytes]

    @property
    def start(self) -> Frames:
        """What stands before the header."""
        return (b"",) if self.delimiter else ()

    # ---- between broker and worker

    def command(self, kind: str, *rest: bytes) -> Frames:
        """Any message with a worker's header: the kind's octet, and what follows."""
        return (*self.start, self.worker, self.codes[kind], *rest)

    def ready(self, service: bytes) -> Frames:
        """A worker registers for a service."""
        return self.command(READY, service)

    def request(self, client: bytes, body: Frames) -> Frames:
        """The broker gives a worker a client's request."""
        return self.command(REQUEST, client, b"", *body)

    def reply(self, client: bytes, body: Frames, kind: str = REPLY) -> Frames:
        """A worker answers; kind PARTIAL (0.2): and has more to say."""
        return self.command(kind, client, b"", *body)

    def with_worker(self, frames: Frames) -> Command | Invalid:
        """What a message between broker and worker says, whoever sent it."""
        rest = self._behind(self.worker, frames)
        if isinstance(rest, Invalid):
            return rest
        kind = next((k for k, code in self.codes.items() if rest and rest[0] == code), None)
        match kind, rest[1:]:
            case None, _:
                return Invalid(f"unknown command {show(rest[:1])}")
            case "READY", (service,):
                return Command(READY, service=service)
            case "HEARTBEAT" | "DISCONNECT", ():
                return Command(kind)
            case "REQUEST" | "REPLY" | "PARTIAL", (client, b"", *body) if body:
                return Command(kind, client=client, body=tuple(body))
            case _, more:
                return Invalid(f"{kind} with {len(more)} frames behind it: {show(more)}")

    # ---- between broker and client

    def ask(self, service: bytes, body: Frames) -> Frames:
        """A client's request."""
        return (*self.start, self.client, *self._octet(self.to_broker, REQUEST), service, *body)

    def answer(self, service: bytes, body: Frames, kind: str = REPLY) -> Frames:
        """The broker's message to a client."""
        return (*self.start, self.client, *self._octet(self.to_client, kind), service, *body)

    def with_client(self, frames: Frames, *, to_broker: bool) -> Letter | Invalid:
        """What a message between broker and client says."""
        rest = self._behind(self.client, frames)
        if isinstance(rest, Invalid):
            return rest
        codes, kind = (self.to_broker if to_broker else self.to_client), None
        if codes:
            kind = next((k for k, code in codes.items() if rest and rest[0] == code), None)
            if kind is None:
                return Invalid(f"unknown command {show(rest[:1])}")
            rest = rest[1:]
        if len(rest) < 2:
            return Invalid(f"no body behind the service: {show(rest)}")
        kind = kind or (REQUEST if to_broker else REPLY)
        return Letter(kind, rest[0], rest[1:])

    # ---- both

    def _octet(self, codes: dict[str, bytes], kind: str) -> Frames:
        return (codes[kind],) if codes else ()

    def _behind(self, header: bytes, frames: Frames) -> Frames | Invalid:
        if self.delimiter:
            if frames[:1] != (b"",):
                return Invalid("no empty frame first")
            frames = frames[1:]
        if frames[:1] != (header,):
            return Invalid(f"header {show(frames[:1])} in place of {show((header,))}")
        return frames[1:]


MDP_01 = Dialect(
    name="0.1",
    client=b"MDPC01",
    worker=b"MDPW01",
    codes={
        READY: b"\x01",
        REQUEST: b"\x02",
        REPLY: b"\x03",
        HEARTBEAT: b"\x04",
        DISCONNECT: b"\x05",
    },
    delimiter=True,
    to_broker={},
    to_client={},
)
MDP_02 = Dialect(
    name="0.2",
    client=b"MDPC02",
    worker=b"MDPW02",
    codes={
        READY: b"\x01",
        REQUEST: b"\x02",
        PARTIAL: b"\x03",
        REPLY: b"\x04",
        HEARTBEAT: b"\x05",
        DISCONNECT: b"\x06",
    },
    delimiter=False,
    to_broker={REQUEST: b"\x01"},
    to_client={PARTIAL: b"\x02", REPLY: b"\x03"},
)
DIALECTS = {dialect.name: dialect for dialect in (MDP_01, MDP_02)}

LONG = 40  # octets of a frame that are shown whole


def show(frames: Frames) -> str:
    """Frames in one line: '' for an empty one, text as text, other octets in hexadecimal."""
    return " | ".join(map(_one, frames)) or "(nothing)"


def _one(frame: bytes) -> str:
    if not frame:
        return "''"
    if len(frame) > LONG:
        return f"<{len(frame)} octets>"
    if frame.isascii() and frame.decode().isprintable():
        return frame.decode()
    return frame.hex() if len(frame) == 1 else f"0x{frame.hex()}"
