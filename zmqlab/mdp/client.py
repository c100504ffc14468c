"""Judge a client: the suite is its broker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .asking import ENDED, QUESTIONS, Asked, Scenes
from .frames import DIALECTS, PARTIAL, Frames, show
from .front import Front
from .outcome import FAILED, PASSED, UNDECIDED, Outcome
from .rules import chosen, of
from .subject import Asking, Talking

WRONG = b"wrong"  # what must not be taken
OWN, TAKEN = "not taken for another's", "taken"  # evidence of 7.C05 and 7.C06


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
    with Front(spoken, 1.0, frozenset(rule.id for rule in rules), patience) as front:
        run = _Run(front, client, service, patience)
        return run.judge("client", rules, strict, limit, progress, first=first)


class _Run(Scenes):
    """A client, question by question."""

    def scenes(self) -> list[Callable[[], None]]:
        """In this order."""
        scenes = [self.plain, self.several_frames, self.no_reply, self.late_reply]
        scenes += [self.other_service, self.invalid_reply]
        return [*scenes, self.in_parts] if PARTIAL in self.d.codes else scenes

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
            (*d.start, d.client, *d.to_client.values(), self.service),
        ]

        def answer(asked: list[Asked]) -> Sequence[Frames]:
            first = len(asked) % len(bad)  # a REQ takes one: each time another
            return [*bad[first:], *bad[:first], *self.reply(asked[-1])]

        asked, said, how = self.run(answer)
        taken = {*said} - {self.first(question).decode(errors="replace") for question in asked}
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
