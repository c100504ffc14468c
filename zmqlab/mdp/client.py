"""Judge a client: the suite is its broker.

A client under test is a command: it asks so many questions, one after the other, prints the first
frame of each reply on a line of its own and exits with 0 when all were answered; 127: it cannot do
that. Each scene starts it anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .frames import DIALECTS, PARTIAL, Dialect, Frames, Letter, show
from .front import Front, Message
from .outcome import FAILED, PASSED, UNDECIDED, Death, Outcome, first_broken, not_tried
from .rules import chosen, of
from .subject import Asking, Talking

CANNOT = 127  # exit status: not supported
QUESTIONS = 3
WRONG = b"wrong"  # what must not be taken
OWN, TAKEN = "not taken for another's", "taken"  # evidence of 7.C05 and 7.C06
ENDED = 0.2  # seconds after the client's end in which what it sent still arrives


class Asked(NamedTuple):
    """A question as it came."""

    number: int  # from 1
    message: Message
    letter: Letter | None  # None: it is no valid request


Answer = Callable[[list[Asked]], Sequence[Frames]]  # all questions so far → what to send back


def check_client(
    start: str | Asking,
    *,
    service: bytes = b"suite",
    dialect: str = "0.1",
    patience: float = 15.0,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    strict: bool = False,
    first: bool = False,
    limit: float = 120.0,
    progress: Callable[[str], None] = lambda title: None,
) -> Outcome:
    """What a client of 7/MDP (dialect "0.2": 18/MDP) keeps of its rules.

    start: a command line with {endpoint}, {service} and {requests}, or what is `Asking` like one
    when it is started. patience: seconds in which it
    has to come to its end in each scene, all its tries included. strict: a *should* counts, too.
    first: end with the first scene in which a rule that counts is broken.
    """
    spoken = DIALECTS[dialect]
    rules = chosen(of("client", spoken), only, skip)
    client = Talking(start) if isinstance(start, str) else start
    began = time.monotonic()
    with Front(spoken, 1.0, frozenset(rule.id for rule in rules), patience) as front:
        run = _Run(front, client, service, patience)
        try:
            for scene in run.scenes():
                if time.monotonic() - began > limit:
                    break
                front.begin_scene((scene.__doc__ or "").rstrip("."))
                progress(front.title)
                scene()
                if run.cannot or (first and first_broken(front.found.values(), strict)):
                    break
        finally:
            client.stop()
        why = "the client says that it cannot do that" if run.cannot else "nothing was seen of it"
        results = not_tried(rules, why) | front.found
        return Outcome(
            "client",
            {rule.id: results[rule.id] for rule in rules},
            run.died,
            seconds=time.monotonic() - began,
            strict=strict,
            absent=not front.inbox,
        )


@dataclass
class _Run:
    """One client, started once for each scene."""

    front: Front
    client: Asking
    service: bytes
    patience: float
    died: list[Death] = field(default_factory=list)
    cannot: bool = False

    @property
    def d(self) -> Dialect:
        return self.front.dialect

    def scenes(self) -> list[Callable[[], None]]:
        """In this order."""
        scenes = [self.plain, self.several_frames, self.no_reply, self.late_reply]
        scenes += [self.other_service, self.invalid_reply]
        return [*scenes, self.in_parts] if PARTIAL in self.d.codes else scenes

    def run(self, answer: Answer, requests: int = QUESTIONS) -> tuple[list[Asked], list[str], str]:
        """Start the client and answer it; its questions, what it printed, and how it ended."""
        front, asked = self.front, list[Asked]()
        first = len(front.inbox)
        names = {"service": self.service.decode(), "requests": str(requests)}
        self.client.start(endpoint=front.endpoint, **names)

        def goes_on() -> bool:
            while first + len(asked) < len(front.inbox):
                message = front.inbox[first + len(asked)]
                asked.append(Asked(len(asked) + 1, message, front.letter(message)))
                for frames in answer(asked):
                    front.send(message.peer, *frames)
            return self.client.over

        if not front.until(goes_on, self.patience):
            how = f"it had not ended after {self.patience:g} s"
        else:
            front.until(goes_on, ENDED)
            status = self.client.status
            how = "" if status == 0 else f"exit status {status}, {self.client.why()}"
            self.cannot = self.cannot or (status == CANNOT and not asked)
        said = self.client.said()
        self.client.stop()
        return asked, said, how

    def reply(self, asked: Asked, *more: bytes) -> list[Frames]:
        """The right reply, or nothing to what is no request."""
        if asked.letter is None:
            return []
        return [self.d.answer(asked.letter.service, (self.first(asked), *more))]

    def first(self, asked: Asked) -> bytes:
        """The first frame of the right reply; empty to what is no request."""
        return b"re: " + asked.letter.body[0][:20] if asked.letter else b""

    # ---- scenes

    def plain(self) -> None:
        """It asks, and is answered."""
        front = self.front
        asked, said, how = self.run(lambda asked: self.reply(asked[-1]))
        if self.cannot:
            return
        if not asked:
            front.say("7.C01", FAILED, f"nothing came; {how}")
            return
        bad = next((a for a in asked if a.letter is None or a.letter.service != self.service), None)
        seen = f"a {asked[0].message.socket} sent {show((bad or asked[0]).message.frames)}"
        kind = asked[0].message.socket
        front.check("7.C01", bad is None, seen)
        front.check("18.C01", bad is None and kind == "DEALER", seen)
        if kind == "DEALER":
            front.check("7.C08", bad is None, seen)
        else:
            front.say("7.C08", PASSED, f"it is a {kind}, which makes the empty frame by itself")
        taken = not how and len(said) == QUESTIONS == len(asked)
        front.check("7.C02", taken, self.seen(asked, said, how))

    def several_frames(self) -> None:
        """Replies of several frames."""
        more = (b"", b"more", bytes(range(256)))
        asked, said, how = self.run(lambda asked: self.reply(asked[-1], *more))
        first = {self.first(question).decode(errors="replace") for question in asked}
        taken = asked and not how and {*said} <= first
        self.front.check("7.C03", taken, self.seen(asked, said, how))

    def no_reply(self) -> None:
        """Its first question gets no reply."""
        asked, _, how = self.run(lambda asked: self.reply(asked[-1]) if len(asked) > 1 else [])
        if len(asked) < 2:
            self.front.say("7.C04", PASSED, f"it did not ask again; {how or 'exit status 0'}")
            return
        same = asked[0].letter == asked[1].letter
        new = asked[0].message.peer != asked[1].message.peer
        said = f"it asked again, {'the same' if same else 'something else'}, on "
        self.front.say("7.C04", PASSED, said + ("a new socket" if new else "the same socket"))

    def late_reply(self) -> None:
        """The reply to its first try comes before that to its second."""
        first: list[tuple[bytes, list[Frames]]] = []

        def answer(asked: list[Asked]) -> Sequence[Frames]:
            if len(asked) == 1:
                first.append((asked[0].message.peer, self.reply(asked[0])))
                return []
            if len(asked) == 2:
                for peer, messages in first:
                    for frames in messages:
                        self.front.send(peer, *frames)
            return self.reply(asked[-1])

        asked, said, how = self.run(answer)
        if how or len(asked) < 2:
            self.front.say("7.C05", UNDECIDED, self.seen(asked, said, how))
            return
        right = [self.first(a) for a in asked[1:] if a.letter]
        own = [line.encode() for line in said] == right
        self.front.say("7.C05", PASSED, OWN if own else "taken for the next question's")

    def other_service(self) -> None:
        """A reply of another service comes first."""
        other = self.d.answer(b"other", (WRONG,))
        _, said, how = self.run(lambda asked: [other, *self.reply(asked[-1])])
        taken = WRONG.decode() in said
        self.front.say("7.C06", PASSED, TAKEN if taken else how or "not taken")

    def invalid_reply(self) -> None:
        """Replies that are none come first."""
        d = self.d
        bad = [
            (*d.start, b"MDPX01", *d.to_client.values(), self.service, WRONG),
            (*d.start, d.client),
        ]
        asked, said, how = self.run(lambda asked: [*bad, *self.reply(asked[-1])])
        taken = WRONG.decode() in said
        if asked and asked[0].message.socket == "REQ" and not taken:
            self.front.say("7.C07", PASSED, "a REQ takes one reply: it may give up")
            return
        self.front.check("7.C07", asked and not how and not taken, self.seen(asked, said, how))

    def in_parts(self) -> None:
        """A reply in parts (0.2)."""
        early: list[int] = []  # questions that it took for answered before their FINAL

        def answer(asked: list[Asked]) -> Sequence[Frames]:
            now = asked[-1]
            if now.letter is None:
                return []
            for _ in range(2):
                self.front.send(now.message.peer, *self.d.answer(self.service, (b"part",), PARTIAL))
            before = len(self.front.inbox)
            self.front.wait(ENDED)
            if self.client.over or len(self.front.inbox) > before:
                early.append(now.number)
            return self.reply(now)

        asked, said, how = self.run(answer)
        seen = self.seen(asked, said, how)
        if early:
            seen = f"question {early[0]}: it went on before FINAL was sent; {seen}"
        kept = not how and len(asked) == QUESTIONS and not early
        self.front.check("18.C02", kept, seen)

    def seen(self, asked: list[Asked], said: list[str], how: str) -> str:
        """What it did, in words."""
        return f"it asked {len(asked)} times and printed {said}; {how or 'exit status 0'}"
