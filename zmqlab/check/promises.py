"""What a store has promised, folded from what its peers sent and got: a rule about all of it. Pure.

A client's messages are `Odd` events, told apart here by their frames; a worker's are those of
dispatch. An `Odd` of the role "server" says how that has died. What a client has asked then may
have been done or not: whoever asked asks again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from zmqlab.envelope import show_frame

from .dispatch import Answered, Event, Frames, Given, History, Left, Odd, Ready, brief
from .rules import Broken

REQUEST, REPLY, CLOSE = b"REQUEST", b"REPLY", b"CLOSE"
OK, WAIT, UNKNOWN = b"200", b"300", b"400"

ANSWERED = "each message of a client is answered once, with its id"
TAKEN = "REQUEST is answered [200, id], whether a worker is there or not; a copy of it, too"
OTHER = "another body under the same id is answered [400, id], and changes nothing"
FETCHED = (
    "REPLY is answered [300, id] until there is a reply, then with it, as often as it is asked"
)
STRANGER = "REPLY for an unknown id is answered [400, id]"
CLOSED = "CLOSE is answered [200, id]; the id is unknown then, and is not executed any more"
GIVEN = "a request is given to a worker that has said READY and holds no other: id and body as sent"
ONCE = "while the server lives, a request is given out once"
HOLDER = "a reply counts from the worker that holds the request, and from nobody else"
FIRST = "the first reply stays"
KEPT = "what was answered [200, id] is still there when the server is started again"
FINISHED = "what a client has got the reply of is not given out again"

SCHEDULE = "At which message does an id become known in your server, and at which does it go?"
HINTS = {
    ANSWERED: "Go through the table: which rows of it does your server answer, and how often?",
    TAKEN: "What does your server wait for before it answers a REQUEST? Which ids are one to it?",
    OTHER: "What do you compare when you have seen the id before? All frames, one by one?",
    FETCHED: "What becomes of a reply when it is fetched? When may it be forgotten?",
    STRANGER: SCHEDULE,
    CLOSED: "In how many places is an id known in your server? CLOSE has to reach them all.",
    GIVEN: "Which worker is free, and from which message on? Are the frames still the client's?",
    ONCE: "How does your server know that somebody has this request already?",
    HOLDER: "Who was given this id? Where is that written, and who compares it?",
    FIRST: "What does your server do with a second reply to the same request?",
    KEPT: "Where was it at that moment: on the disk, or in a variable, or in an open transaction?",
    FINISHED: "What in your file says that a request is finished, and who reads that?",
}


@dataclass
class Promise:
    """What is known of a request that was asked."""

    body: Frames
    safe: bool = False  # the client was told so
    holder: str = ""  # the worker that has it now
    given: str = ""  # the last that was given it, while this server lives
    replies: list[Frames] = field(default_factory=list)  # by holders: any of them may be kept
    late: list[Frames] = field(default_factory=list)  # by a holder that had replied before
    reply: Frames | None = None  # that a client has got
    closing: bool = False  # CLOSE was asked, and may have been done


class Question(NamedTuple):
    """A client's message that is not answered yet."""

    command: bytes
    id: bytes
    body: Frames


class Promises:
    """What follows from a history; `broken` is the first promise that was not kept."""

    def __init__(self, history: History = ()) -> None:
        self.known: dict[bytes, Promise] = {}
        self.closed: dict[bytes, int] = {}  # by id: how many events before
        self.now = 0  # events so far
        self.asked: dict[str, Question] = {}  # by client
        self.told: dict[str, Frames] = {}  # by client: the latest answer
        self.idle: dict[str, int] = {}  # since when
        self.holds: dict[str, bytes] = {}  # by worker
        self.died = ""  # how the server died last, in words
        self.broken: Broken | None = None
        for event in history:
            self.note(event)

    def note(self, event: Event) -> None:
        """Fold in the next event."""
        self.now += 1
        match event:
            case Odd("client", who, "sent", (b"", command, id, *body)):
                self._asks(who, Question(command, id, tuple(body)))
            case Odd("client", who, "received", (b"", *frames)):
                self._told(who, tuple(frames))
            case Odd("client" | "worker", who, "received", frames):
                self._break(ANSWERED, f"{who} has got {brief(frames)}.", frames)
            case Ready(who):
                self.idle[who] = self.now
            case Given(who, (id, *_), body):
                self._given(who, id, body)
            case Answered(who, (id, *_), reply) if self.holds.get(who) == id:
                del self.holds[who]
                self.idle[who] = self.now
                if id in self.known and self.known[id].holder == who:
                    self.known[id].holder = ""
                    self.known[id].replies.append(reply)
            case Answered(who, (id, *_), reply) if id in self.known:
                if self.known[id].given == who:
                    self.known[id].late.append(reply)
            case Left(who):
                self.asked.pop(who, None)
            case Odd("server", how):
                self.died = how
                self.asked, self.idle, self.holds = {}, {}, {}
                for promise in self.known.values():
                    promise.holder = promise.given = ""

    def _break(self, rule: str, evidence: str, frames: Frames = ()) -> None:
        if self.broken is None:
            after = f"\nBefore that, {self.died}." if self.died else ""
            self.broken = Broken(rule, evidence + after, HINTS[rule], frames)

    # ---- clients

    def _asks(self, who: str, question: Question) -> None:
        self.asked[who] = question
        if question.command == REQUEST:
            self.known.setdefault(question.id, Promise(question.body))
        elif question.command == CLOSE and question.id in self.known:
            self.known[question.id].closing = True

    def _told(self, who: str, frames: Frames) -> None:
        question = self.asked.pop(who, None)
        got, self.told[who] = f"{who} has got {brief(frames)}", frames
        if question is None:
            self._break(ANSWERED, f"{got}, and had asked nothing since its last answer.", frames)
            return
        command, id, body = question
        said = f"{got} for {brief((command, id, *body))}"
        if frames[1:2] != (id,) or (len(frames) > 2 and (command, frames[0]) != (REPLY, OK)):
            self._break(ANSWERED, f"{said}.", frames)
            return
        promise = self.known.get(id)
        if command == CLOSE:
            self._closed(said, frames[0], id)
        elif command == REQUEST and promise is not None:
            self._taken(said, frames[0], id, body, promise)
        elif command == REPLY and promise is not None:
            self._fetched(said, frames, promise)
        elif command == REPLY and frames[0] != UNKNOWN:
            rule, why = (CLOSED, "was closed") if id in self.closed else (STRANGER, "is unknown")
            self._break(rule, f"{said}, and that id {why}.", (id,))

    def _closed(self, said: str, status: bytes, id: bytes) -> None:
        if status != OK:
            self._break(CLOSED, f"{said}.", (id,))
        self.known.pop(id, None)
        self.closed[id] = self.now

    def _taken(self, said: str, status: bytes, id: bytes, body: Frames, promise: Promise) -> None:
        other = body != promise.body
        if other and status != UNKNOWN:
            self._break(OTHER, f"{said}. The body of this id is {brief(promise.body)}.", (id,))
        elif not other and status != OK:
            known = promise.safe and self.died
            self._break(KEPT if known else TAKEN, f"{said}{self._was_safe(promise)}.", (id,))
        promise.safe = promise.safe or not other

    def _was_safe(self, promise: Promise) -> str:
        if promise.reply is not None:
            return f". It had been told [200] and the reply {brief(promise.reply)}"
        return ". Of that id it had been told [200]" if promise.safe else ""

    def _fetched(self, said: str, frames: Frames, promise: Promise) -> None:
        status, id, *reply = frames
        said = f"{said}{self._was_safe(promise)}."
        rule = KEPT if self.died else FETCHED
        if status == OK:
            self._replied(said, id, tuple(reply), promise)
        elif status != WAIT or promise.reply is not None:
            self._break(rule, said, (id,))

    def _replied(self, said: str, id: bytes, reply: Frames, promise: Promise) -> None:
        kept, promise.reply = promise.reply, reply
        if (kept is not None and kept != reply) or (kept is None and reply in promise.late):
            self._break(FIRST, f"{said} The first was {brief(promise.replies[0])}.", (id,))
        elif reply not in promise.replies:
            whose = " or ".join(map(brief, promise.replies)) or "nothing"
            same = any(b"".join(reply) == b"".join(right) for right in promise.replies)
            rule = HOLDER if reply and not same else KEPT if self.died else FETCHED
            self._break(rule, f"{said} Its worker has replied {whose}.", (id,))

    # ---- workers

    def _given(self, who: str, id: bytes, body: Frames) -> None:
        promise, held = self.known.get(id), self.holds.get(who)
        was = f"{who} was given {brief((id, *body))}"
        if promise is None and id in self.closed:
            if self.idle.get(who, self.now) > self.closed[id]:  # else it may have been on its way
                self._break(CLOSED, f"{was}, and that id was closed.", (id,))
        elif promise is None:
            self._break(GIVEN, f"{was}, and nobody had asked that.", (id, *body))
        elif body != promise.body:
            self._break(GIVEN, f"{was}; asked was {brief(promise.body)}.", (id, *body))
        elif promise.given:
            self._break(ONCE, f"{was}, and {promise.given} had been given it before.", (id,))
        elif promise.reply is not None:
            self._break(FINISHED, f"{was}{self._was_safe(promise)}.", (id,))
        elif held is not None:
            self._break(GIVEN, f"{was} while it held {show_frame(held)}.", (id, held))
        elif who not in self.idle:
            self._break(GIVEN, f"{was}, and had not said READY to this server.", (id,))
        self.idle.pop(who, None)
        self.holds[who] = id
        if promise is not None:
            promise.holder = promise.given = who

    # ---- what has to happen

    @property
    def waiting(self) -> dict[bytes, Promise]:
        """What is safe, and that nobody was given yet."""
        return {
            id: promise
            for id, promise in self.known.items()
            if promise.safe and not (promise.given or promise.replies or promise.closing)
        }

    def owed(self) -> list[str]:
        """What has to happen without the peers' doing, in words."""
        found = [
            f"{who} has no answer to {brief((command, id, *body))}."
            for who, (command, id, body) in self.asked.items()
        ]
        idle = ", ".join(self.idle)
        for id in self.waiting if idle else ():
            found.append(
                f"{show_frame(id)} was answered [200], and is given to nobody. Idle: {idle}."
            )
        return found


def kept(history: History) -> Broken | None:
    """The rule: all that was promised."""
    return Promises(history).broken
