"""The words of dispatch, and a ledger of them: who asked, who was given it, who waits. Pure.

A lab's `reading` turns what sockets did into these events, in the order in which they happened.
The ledger, folded from them, says who waits for what. The rules about them are in `rules`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from zmqlab.envelope import show

Frames = tuple[bytes, ...]


class Asked(NamedTuple):
    """A client has sent a request."""

    who: str
    body: Frames


class Ready(NamedTuple):
    """A worker has said that it is free."""

    who: str


class Given(NamedTuple):
    """A worker has been given a request; `to` is the address for its answer."""

    who: str
    to: Frames
    body: Frames


class Answered(NamedTuple):
    """A worker has answered."""

    who: str
    to: Frames
    body: Frames


class Got(NamedTuple):
    """A client has got an answer."""

    who: str
    body: Frames


class Odd(NamedTuple):
    """A message that has none of these forms; `role` is that of `who`."""

    role: str
    who: str
    way: str
    frames: Frames


class Read(NamedTuple):
    """The broker has read a message of somebody in this role; known where it is recorded."""

    role: str
    frames: Frames = ()


class Left(NamedTuple):
    """A peer waits for nothing any more: it is gone, or reads no answers."""

    who: str


class Gone(NamedTuple):
    """A client has left for so long that the broker can know it."""

    who: str


class Lost(NamedTuple):
    """The broker has said that a reply did not go out.

    who: the client whose routing id this is, "" if none is known. reply: the frames behind it.
    fault: what is wrong with saying it so, in words.
    """

    who: str
    client: bytes
    reply: Frames
    why: str
    fault: str = ""


class Beat(NamedTuple):
    """A worker has sent, or got, a heartbeat."""

    who: str
    way: str


class Silent(NamedTuple):
    """A worker has been silent for so long that the broker may take it for dead."""

    who: str


class Dead(NamedTuple):
    """A worker has been silent for so long that the broker has to take it for dead."""

    who: str


class Work(NamedTuple):
    """A worker's work on a body begins, or has ended."""

    who: str
    body: Frames
    begins: bool


class Stretch(NamedTuple):
    """A time in which heartbeats are counted begins, or has ended."""

    at: float  # seconds on the monotonic clock
    begins: bool
    rule: str  # that says how many
    who: tuple[str, ...]  # whose
    silent: bool = False  # whether there are to be none


Event = (
    Asked
    | Ready
    | Given
    | Answered
    | Got
    | Odd
    | Read
    | Left
    | Gone
    | Lost
    | Beat
    | Silent
    | Dead
    | Work
    | Stretch
)
History = Sequence[Event]


def carried(role: str, way: str, who: str, frames: Frames) -> Event | None:
    """What a message says where requests are carried as they came: the way back, '', the body.

    The way back is a client's own affair; a worker is given it with the client's address before.
    """
    at = frames.index(b"") + 1 if b"" in frames else 0
    to, body = frames[:at], frames[at:]
    match role, way:
        case "client", "sent" if to and body:
            return Asked(who, body)
        case "client", "received" if to:
            return Got(who, body)
        case "worker", "sent" if len(to) > 1:
            return Answered(who, to, body)
        case "worker", "received" if len(to) > 1 and body:
            return Given(who, to, body)
        case "client" | "worker", _:
            return Odd(role, who, way, frames)
    return None


class Request(NamedTuple):
    """What a client has asked, and the place of that in the history."""

    who: str
    body: Frames
    at: int


class Due(NamedTuple):
    """An answer on its way to whoever has asked this; the place of the answer in the history."""

    worker: str
    body: Frames
    answer: Frames
    at: int


class Ledger:
    """What follows from a history: who waits, who is idle, who is at what, what is due."""

    def __init__(self, history: History = ()) -> None:
        self.now = -1  # the place of the latest event
        self.open: list[Request] = []  # what no worker was given yet, the oldest first
        self.gone: list[Request] = []  # the same, of clients that have left
        self.asked: dict[str, list[Frames]] = {}  # by client: what it has no answer to
        self.left: dict[str, list[Frames]] = {}  # the same, of clients that have left
        self.idle: dict[str, int] = {}  # workers, longest idle first, and since when
        self.busy: dict[str, list[Given | Odd]] = {}  # by worker: what it has not answered
        self.out: dict[Frames, Request] = {}  # by body: what somebody was given
        self.back: list[Request] = []  # of `open`: what was given to workers that are dead
        self.due: list[Due] = []
        self.odd: set[str] = set()  # clients that have sent what is no request
        self.unread = 0  # messages of workers that the broker is not known to have read
        for event in history:
            self.note(event)

    def note(self, event: Event) -> None:
        """Fold in the next event."""
        self.now += 1
        match event:
            case Ready() | Answered() | Odd("worker", _, "sent") | Beat(_, "sent"):
                self.unread += 1
            case Read("worker"):
                self.unread = max(0, self.unread - 1)
        match event:
            case Asked(who, body):
                self.open.append(Request(who, body, self.now))
                self.asked.setdefault(who, []).append(body)
            case Ready(who) if who not in self.idle and who not in self.busy:
                self.idle[who] = self.now
            case Given(who, _, body):
                request = self.request(body)
                if request is not None:
                    (self.open if request in self.open else self.gone).remove(request)
                    self.back = [one for one in self.back if one != request]
                    self.out[body] = request
                self._take(who, event)
            case Odd("worker", who, "received"):
                self._take(who, event)
            case Odd("client", who, "sent"):
                self.odd.add(who)
            case Answered(who, to, body):
                self._answered(who, to, body)
            case Got(who, body):
                self._settled(who, body)
            case Lost(who, _, reply):
                self._settled(who, behind(reply))
            case Silent(who) | Dead(who):
                self.idle.pop(who, None)
                tasks = [task for task in self.busy.pop(who, []) if isinstance(task, Given)]
                again = [self.out[task.body] for task in tasks if task.body in self.out]
                self.open, self.back = [*again, *self.open], [*again, *self.back]
            case Gone(who):
                self.asked[who] = self.left.get(who, [])
            case Left(who):
                answered = [due.body for due in self.due]
                asked = self.asked.pop(who, [])
                self.left[who] = [body for body in asked if body not in answered]
                self.gone += [request for request in self.open if request.who == who]
                self.open = [request for request in self.open if request.who != who]

    def _take(self, who: str, task: Given | Odd) -> None:
        self.busy.setdefault(who, []).append(task)
        self.idle.pop(who, None)

    def _answered(self, who: str, to: Frames, answer: Frames) -> None:
        tasks = self.busy.get(who, [])
        fitting = [task for task in tasks if isinstance(task, Odd) or task.to == to]
        if not fitting:
            return
        task = min(fitting, key=lambda task: isinstance(task, Odd))
        tasks.remove(task)
        if isinstance(task, Given) and any(task.body in bodies for bodies in self.asked.values()):
            self.due.append(Due(who, task.body, answer, self.now))
        if not tasks:
            del self.busy[who]
            self.idle[who] = self.now

    def _settled(self, who: str, answer: Frames) -> None:
        if due := self.expected(who, answer):
            self.due.remove(due)
            self.asked[who].remove(due.body)

    def request(self, body: Frames) -> Request | None:
        """The first request of this body that nobody was given yet."""
        return next((r for r in (*self.open, *self.gone) if r.body == body), None)

    def expected(self, who: str, answer: Frames) -> Due | None:
        """The answer of a worker that this client gets here, if it is to get one like that."""
        asked = self.asked.get(who, ())
        return next((due for due in self.due if due.answer == answer and due.body in asked), None)

    def held(self) -> dict[str, int]:
        """How many requests each worker holds, those who hold none first."""
        busy = {who: len(tasks) for who, tasks in self.busy.items()}
        return dict.fromkeys(self.idle, 0) | busy

    def room(self, credit: float) -> dict[str, float]:
        """How many more each worker may hold, of those who may; each holds up to `credit`."""
        return {who: credit - held for who, held in self.held().items() if held < credit}

    def crew(self, credit: float = 1) -> str:
        """Who may be given a request, in words."""
        if credit in (1, math.inf):
            return f"Idle: {', '.join(self.idle) or 'nobody'}."
        return f"Outstanding: {', '.join(f'{who} {n}' for who, n in self.held().items())}."

    def owed(self, credit: float = 1, deaf: Collection[str] = ()) -> list[str]:
        """What has to happen without anybody else's doing, in words; [] if nothing has.

        credit: how many requests a worker may hold. deaf: clients that take nothing in now.
        """
        waiting = {
            body: who for who, bodies in self.asked.items() if who not in deaf for body in bodies
        }
        found = [
            f"{waiting[due.body]} asked {brief(due.body)}; {due.worker} answered "
            f"{brief(due.answer)}, and {self._missing(waiting[due.body])}."
            for due in self.due
            if due.body in waiting
        ]
        if self.room(credit):
            for request in self.open:
                if request.who in deaf:
                    continue
                found.append(
                    f"{request.who} asked {brief(request.body)}, and no worker got that. "
                    f"{self.crew(credit)}"
                )
        return found

    def _missing(self, who: str) -> str:
        return (
            f"nobody was told that {who} is gone" if who in self.left else f"{who} has not got that"
        )


def behind(frames: Frames) -> Frames:
    """What stands behind the first empty frame; all, if there is none."""
    return frames[frames.index(b"") + 1 :] if b"" in frames else frames


def brief(frames: Frames) -> str:
    """The first frames of a body, in words."""
    more = f" and {len(frames) - 3} more frames" if len(frames) > 3 else ""
    return show(frames[:3], "REQ") + more
