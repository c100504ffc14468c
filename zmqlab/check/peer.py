"""A client or a worker that a check plays by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zmqlab.envelope import show

from .dispatch import Frames, Left

if TYPE_CHECKING:
    from .stage import Stage

HIDDEN = b"(what a REP keeps)"  # stands for the addresses that a REP does not show


class Peer:
    """One client or worker: a socket of the stage. All frames as on the wire."""

    def __init__(self, stage: Stage, role: str, name: str, socket: Any, reads: bool) -> None:
        self.stage, self.role, self.name, self.socket = stage, role, name, socket
        self.kind: str = socket.note.kind
        self.reads = reads  # whether it takes in what comes to it
        self.answered = 0  # how many requests it has answered

    def __repr__(self) -> str:
        return f"{self.name}, a {self.kind}"

    def send(self, *frames: bytes) -> None:
        """Send a message; what its kind of socket puts before it is left to the socket."""
        self.stage.last = f"{self!r}, had sent {show(frames, 'DEALER')}", frames
        hidden = {"REQ": 1, "REP": frames.index(b"") + 1 if b"" in frames else 0}
        self.socket.send_multipart(frames[hidden.get(self.kind, 0) :])

    def ask(self, *body: bytes) -> None:
        """Send a request."""
        self.send(b"", *body)

    def leave(self) -> None:
        """Disconnect and be gone."""
        self.stage.peers.remove(self)
        self.stage.mark(Left(self.name))
        self.socket.close()


def on_the_wire(kind: str, frames: Frames) -> Frames:
    """What a socket of this kind sends or gets for what its program sees (28/REQREP)."""
    front = {"REQ": (b"",), "REP": (HIDDEN, b"")}
    return (*front.get(kind, ()), *frames)


def done(body: Sequence[bytes]) -> Frames:
    """The body of the answer to a request with this body: one frame to one, more to more.

    A body with nothing in it, no frame or an empty one, is answered by the same.
    """
    if tuple(body) in ((), (b"",)):
        return tuple(body)
    answer = (b"done: " + body[0], *body[1:])
    return answer if len(body) == 1 else (*answer, b"")
