"""Judge a client of Titanic (9/TSP): the suite is its broker and Titanic's three services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from .asking import Asked, Scenes
from .frames import MDP_01, Frames, Letter, show
from .front import Front
from .outcome import FAILED, PASSED, UNDECIDED, Outcome
from .rules import chosen, of
from .subject import Talking
from .titanic import CLOSE, REPLY, REQUEST

TEXT = b" 400 or 300, who knows"  # behind a status' digits; it means nothing


def check_titanic_client(
    start: str | Talking,
    *,
    service: bytes = b"suite",
    patience: float = 15.0,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    strict: bool = False,
    limit: float = 120.0,
    progress: Callable[[str], None] = lambda title: None,
) -> Outcome:
    """What a client of Titanic keeps of its rules.

    start: a command line with {endpoint}, {service} and {requests}; it hands each request to
    titanic.request, asks titanic.reply for the reply and prints its first frame. patience: seconds
    in which it has to come to its end in each scene, its asking again included.
    """
    rules = chosen(of("titanic client"), only, skip)
    client = Talking(start) if isinstance(start, str) else start
    with Front(MDP_01, 1.0, frozenset(rule.id for rule in rules), patience) as front:
        run = _Run(front, client, service, patience)
        return run.judge("titanic client", rules, strict, limit, progress)


@dataclass
class _Titanic:
    """The three services, by a script.

    accepts: what titanic.request says, first to last, then 200. replies: likewise titanic.reply,
    of the first UUID. text: what follows the digits. asked: what came, service and body.
    """

    accepts: Sequence[bytes] = ()
    replies: Sequence[bytes] = ()
    text: bytes = b""
    asked: list[tuple[bytes, Frames]] = field(default_factory=list)
    bodies: dict[bytes, Frames] = field(default_factory=dict)  # by UUID

    def of(self, service: bytes) -> list[Frames]:
        """The bodies that came for one of the services."""
        return [body for name, body in self.asked if name == service]

    def __call__(self, asked: list[Asked]) -> list[Frames]:
        """The answer to the newest question."""
        letter = asked[-1].letter
        if letter is None:
            return []
        self.asked.append((letter.service, letter.body))
        status, *more = self.answer(letter)
        return [MDP_01.answer(letter.service, (status + self.text, *more))]

    def answer(self, letter: Letter) -> Frames:
        """A status, and what goes with it."""
        times = len(self.of(letter.service)) - 1
        if letter.service == REQUEST:
            if times < len(self.accepts):
                return (self.accepts[times],)
            uuid = b"%032X" % (len(self.bodies) + 1)
            self.bodies[uuid] = letter.body[1:]
            return b"200", uuid
        if letter.service == CLOSE:
            return (b"200",)
        uuid = letter.body[0]
        if letter.service != REPLY or uuid not in self.bodies:
            return (b"400",)
        if uuid == next(iter(self.bodies)) and times < len(self.replies):
            return (self.replies[times],)
        return b"200", b"re: " + b"".join(self.bodies[uuid][:1])


class _Run(Scenes):
    """A client with one request a scene."""

    def scenes(self) -> list[Callable[[], None]]:
        """In this order."""
        return [self.text, self.pending, self.cannot_now, self.unknown]

    def ask(self, titanic: _Titanic) -> tuple[bool, str]:
        """Let it hand over one request; whether it printed the reply, and what was seen."""
        _, said, how = self.run(titanic, requests=1)
        got = not how and len(said) == 1 and said[0].startswith("re: ")
        asked = ", ".join(show((service, *body[:1])) for service, body in titanic.asked)
        return got, f"it asked {asked or 'nothing'}; printed {said}; {how or 'exit status 0'}"

    def text(self) -> None:
        """Statuses with text behind their digits."""
        got, seen = self.ask(_Titanic())
        if not got:
            self.front.say("9.C01", UNDECIDED, f"not even by bare digits it got a reply: {seen}")
            return
        got, seen = self.ask(_Titanic(text=TEXT))
        self.front.check("9.C01", got, f"bare digits, and it got its reply; with text {seen}")

    def pending(self) -> None:
        """The reply is not there yet."""
        self.again(_Titanic(replies=[b"300", b"300"]), REPLY, 3)

    def cannot_now(self) -> None:
        """Titanic cannot do it now."""
        self.again(_Titanic(accepts=[b"500"]), REQUEST, 2)
        self.again(_Titanic(replies=[b"500"]), REPLY, 2)

    def again(self, titanic: _Titanic, service: bytes, times: int) -> None:
        """It asks a service so often, for the script says it may, and gets its reply."""
        got, seen = self.ask(titanic)
        asked = len(titanic.of(service))
        if got or not asked:
            said = "" if got else f"{service.decode()} was never asked: {seen}"
            self.front.say("9.C02", PASSED if got else UNDECIDED, said)
        elif asked < times and not self.client_ended(seen):
            self.front.say("9.C02", UNDECIDED, f"it waits longer than it was given: {seen}")
        else:
            self.front.say("9.C02", FAILED, seen)

    def client_ended(self, seen: str) -> bool:
        """Whether it came to its end by itself."""
        return "had not ended" not in seen

    def unknown(self) -> None:
        """Titanic does not know the UUID."""
        titanic = _Titanic(replies=[b"400"] * 50)
        _, seen = self.ask(titanic)
        asked = titanic.of(REPLY)
        if not asked:
            self.front.say("9.C02", UNDECIDED, f"titanic.reply was never asked: {seen}")
            return
        times = asked.count(asked[0])
        self.front.check("9.C02", times == 1, f"400, and it asked {times} times for it: {seen}")
