"""What lab 12 asks of a worker and a client beyond the suite, and all three roles together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from zmqlab.envelope import show
from zmqlab.mdp.frames import HEARTBEAT, MDP_01, REPLY, Frames
from zmqlab.mdp.front import Front
from zmqlab.mdp.playing import FORGIVEN
from zmqlab.run.threads import GaveUp, eventually

from .ask import as_code, plain_frames
from .call import brief
from .conformance import Asking, Serving
from .judge import Trial
from .report import Finding, failed, passed, undecided
from .subject import MACHINE

INTERVAL, LIVENESS = 0.2, 5  # seconds between heartbeats, and how many may be missing
PATIENCE = 3.0  # seconds for anything that takes a few milliseconds
SERVICE = b"suite"
LONG, MUTE, HANG = b"long", b"mute", b"hang"  # bodies that take a work some time
LASTS = {LONG: 8, MUTE: 4}  # intervals; the first is more than the liveness
UNDER_WAY = 0.1  # seconds for what was sent before
TRIES, TRY = 3, 0.3  # of a client that nobody answers; seconds
COMPANY = 4.0, 2  # patience and tries of clients whose worker may hang

BEATS = "while the work calls beat, a HEARTBEAT goes out once per interval"
SILENT = "while the work does not call beat, no HEARTBEAT goes out"
OVERSLEPT = "heartbeats that came during a long work count: the conversation goes on"
WORKS = "work is called once for each request, with its body, and the reply is what it returns"
GIVES_UP = "without a reply client raises TimeoutError"
SO_OFTEN = "client asks as often as it was told, each time the same and on a new socket"
FRAMES = "client returns all frames of the reply's body"
TOGETHER = "each client gets the reply to each of its questions"
RESCUED = "the request of a worker that hangs in its work is done by another"
BACK = "when another broker comes in the place of the old one, the workers register there"

UNREAD = (
    "They lie unread in the socket when the work is done. What does your worker do first then: "
    "read, or judge?"
)
DUE = "beat is called often. What does it have to know to send only what is due?"
HELPER = "Who sends them while the loop that works does not come round? What do they prove?"
HANDS = "What stands behind the second empty frame of REQUEST? That is the body, frame by frame."
NEXT = "When is a try over, whatever comes meanwhile? And what comes after the last one?"
NEW = (
    "What comes on an old socket may be the reply to an old try. What belongs to one try, and is "
    "made and closed with it?"
)
BODY = "Header and service come first; what is behind them is the body, empty frames as well."
WAITS = "Each of the three keeps its rules. Who waits for whom here?"


class Work:
    """A `work(body, beat)` that answers b"re: …"; see LONG, MUTE and HANG.

    LONG lasts some intervals, in which it calls beat; MUTE as well, and it does not; the first
    HANG lasts until `release` is set.
    """

    def __init__(self, hung: threading.Event | None = None) -> None:
        self.bodies: list[Frames] = []  # that it was called with
        self.due = 0  # how many HEARTBEATs its calls of beat should have sent
        self.began = self.ended = 0.0
        self.release, self.hung = threading.Event(), hung or threading.Event()

    def __call__(self, body: Any, beat: Callable[[], Any]) -> list[bytes]:
        """Work."""
        frames = plain_frames(body)
        if not isinstance(frames, tuple) or not frames:
            self.bodies.append((b"no list of frames",))
            return [b"?"]
        self.bodies.append(frames)
        first, *more = frames
        self.began = beaten = time.monotonic()
        while time.monotonic() < self.began + LASTS.get(first, 0) * INTERVAL:
            self.release.wait(INTERVAL / 10)
            if first == LONG:
                beat()
                if time.monotonic() - beaten >= INTERVAL:
                    beaten, self.due = time.monotonic(), self.due + 1
        if first == HANG and not self.hung.is_set():
            self.hung.set()
            self.release.wait()
        self.ended = time.monotonic()
        return [b"re: " + first, *more]


def answer(*body: bytes) -> list[bytes]:
    """What `Work` answers."""
    return [b"re: " + body[0], *body[1:]]


# ------------------------------------------------------------------ a worker at work


def at_work(broker: Any, worker: Any, client: Any) -> list[Finding]:
    """A worker whose work takes long, with and without beat; the check is its broker."""
    work = Work()
    serving = Serving("worker", worker, SERVICE, work, INTERVAL, LIVENESS)
    with Front(MDP_01, INTERVAL, frozenset(), PATIENCE) as front:
        try:
            serving.start(endpoint=front.endpoint)
            front.until(front.readys)
            bodies: list[Frames] = [(LONG, b"", b"more"), (b"short",), (MUTE, b"")]
            steps = (_works(front, serving, work, body) for body in bodies)
            found = next(filter(None, steps), None) or _goes_on(front)
        finally:
            work.release.set()
            serving.stop()
    if found and front.latest > FORGIVEN * INTERVAL:
        late = f"The check's own heartbeats were {front.latest:.1f} s late.\n{found.evidence}"
        return [undecided(found.rule, late, MACHINE)]
    if found or serving.wrong:
        return [found] if found else serving.wrong
    return [
        passed(BEATS, f"a work of {LASTS[LONG]} intervals"),
        passed(SILENT, f"a work of {LASTS[MUTE]} intervals"),
        passed(OVERSLEPT, "no second READY"),
        passed(WORKS, f"{len(bodies)} of {len(bodies)}"),
    ]


def _works(front: Front, serving: Serving, work: Work, body: Frames) -> Finding | None:
    """One request: what is wrong with how it is worked at."""
    since, calls = len(front.inbox), len(work.bodies)
    front.send(front.readys()[0].peer, *MDP_01.request(b"c1", body))
    front.until(lambda: front.of_kind(REPLY, since), 2 * PATIENCE)
    front.wait(UNDER_WAY)
    if found := _goes_on(front, 0):
        return found
    replies = [message.frames for message in front.of_kind(REPLY, since)]
    if work.bodies[calls:] != [body] or replies != [MDP_01.reply(b"c1", (*answer(*body),))]:
        lines = [f"REQUEST had the body {show(body)}."]
        lines += [f"work was called with {show(frames)}." for frames in work.bodies[calls:]]
        lines += [f"There came {show(frames)}." for frames in replies]
        return failed(WORKS, "\n".join([*lines, serving.why()]), HANDS)
    beats = [message.time for message in front.of_kind(HEARTBEAT, since)]
    during = sum(work.began + UNDER_WAY < beat < work.ended for beat in beats)
    seen = f"{during} HEARTBEATs came while a work took {work.ended - work.began:.1f} s"
    if body[0] == LONG and not work.due / 2 <= during <= work.due + 2:
        return failed(BEATS, f"{seen} and called beat all the time. {work.due} were due.", DUE)
    if body[0] == MUTE and during > 1:
        return failed(SILENT, f"{seen} and did not call beat.", HELPER)
    return None


def _goes_on(front: Front, intervals: float = 2) -> Finding | None:
    """That no READY comes anew, in some intervals either."""
    front.wait(intervals * INTERVAL)
    if len(front.readys()) == 1:
        return None
    return failed(OVERSLEPT, "After a long work READY came anew.", UNREAD)


# ------------------------------------------------------------------ a client in vain


def unanswered(broker: Any, worker: Any, client: Any) -> list[Finding]:
    """A client that nobody answers, then one that strays reach; then it gets several frames."""
    asking = Asking(client, TRY, TRIES)
    with Front(MDP_01, INTERVAL, frozenset(), PATIENCE) as front:
        try:
            found = _in_vain(front, asking, strays=False)
            if found and found.rule == SO_OFTEN:  # a connection may have come too late for a try
                found = _in_vain(front, asking, strays=False)
            found = found or _in_vain(front, asking, strays=True)
            if found is None:
                asking.patience = PATIENCE
                found = _several_frames(front, asking)
        finally:
            asking.stop()
    if found and asking.raised is None:
        return [found]
    return asking.wrong or [
        passed(GIVES_UP, f"{TRIES} tries"),
        passed(SO_OFTEN, f"{TRIES} times"),
        passed(FRAMES, "empty ones among them"),
    ]


def _in_vain(front: Front, asking: Asking, *, strays: bool) -> Finding | None:
    """It asks, and gets nothing, or replies of another service."""
    since, came, stray_at = len(front.inbox), front.came, 0.0
    began = time.monotonic()
    asking.ask(front.endpoint, SERVICE, [[b"is anybody there?"]])

    def over() -> bool:
        nonlocal stray_at
        if strays and len(front.inbox) > since and time.monotonic() > stray_at:
            stray_at = time.monotonic() + TRY / 3
            front.send(front.inbox[-1].peer, *MDP_01.answer(b"other", (b"stray",)))
        return asking.over

    front.until(over, TRIES * TRY + PATIENCE)
    front.wait(UNDER_WAY)
    asks = [message.frames for message in front.inbox[since:]]
    if strays and asking.answers:
        return None  # it took one: of that 7.C06 tells more
    if not asking.over or not isinstance(asking.error, TimeoutError):
        seen = f"After {time.monotonic() - began:.1f} s it had asked {len(asks)} times"
        seen += ", and got replies of another service" if strays else ", and got nothing"
        how = f"client returned {as_code(asking.answers[0])}" if asking.answers else asking.why()
        return failed(GIVES_UP, f"{seen}.\n{how}", NEXT)
    if strays or (len(asks) == TRIES <= front.came - came and len({*asks}) == 1):
        return None
    seen = f"It was to ask {TRIES} times. There came {len(asks)} messages on {front.came - came} "
    return failed(SO_OFTEN, f"{seen}connections, {len({*asks})} different ones.", NEW)


def _several_frames(front: Front, asking: Asking) -> Finding | None:
    """Replies of some frames, which it has to return as they are."""
    reply: Frames = (b"", b"re", bytes(range(256)), b"")
    answered = len(front.inbox)
    asking.ask(front.endpoint, SERVICE, [[b"one"], [b"two"]])

    def over() -> bool:
        nonlocal answered
        for message in front.inbox[answered:]:
            front.send(message.peer, *MDP_01.answer(SERVICE, reply))
            answered += 1
        return asking.over

    front.until(over, TRIES * PATIENCE)
    for got in asking.answers:
        if plain_frames(got) != reply:
            seen = f"The reply's body was {as_code(reply)}, and client returned {as_code(got)}."
            return failed(FRAMES, seen, BODY)
    return None  # if it was not answered: of that its rules tell more


# ------------------------------------------------------------------ all three


class Company:
    """A broker, two workers and three clients, all the learner's, at one endpoint."""

    def __init__(self, broker: Any, worker: Any, client: Any, at: str) -> None:
        hung = threading.Event()
        self.at = at
        self.works = [Work(hung), Work(hung)]
        self.broker = Serving("broker", broker, INTERVAL, LIVENESS, endpoint=at)
        self.workers = [
            Serving("worker", worker, SERVICE, work, INTERVAL, LIVENESS, endpoint=at)
            for work in self.works
        ]
        self.clients = [Asking(client, *COMPANY, f"c{number}") for number in (1, 2, 3)]

    def start(self) -> None:
        """Let broker and workers begin."""
        for serving in (self.broker, *self.workers):
            serving.start()

    def stop(self) -> None:
        """End all of them."""
        for work in self.works:
            work.release.set()
        for each in self._all:
            each.stop()

    @property
    def wrong(self) -> list[Finding]:
        """What was wrong with how one of them ended."""
        return [finding for each in self._all for finding in each.wrong]

    @property
    def _all(self) -> list[Serving | Asking]:
        return [*self.clients, *self.workers, self.broker]

    def ask(self, rule: str, *questions: Sequence[list[bytes]]) -> Finding | None:
        """Let clients ask, each some questions; the finding where an answer is not right."""
        pairs = list(zip(self.clients, questions, strict=False))
        for client, bodies in pairs:
            client.ask(self.at, SERVICE, bodies)
        patience, tries = COMPANY
        with suppress(GaveUp):
            eventually(lambda: all(c.over for c, _ in pairs), tries * patience + PATIENCE, "")
        for client, bodies in pairs:
            for number, body in enumerate(bodies):
                got = client.answers[number] if number < len(client.answers) else None
                if plain_frames(got) != (*answer(*body),):
                    lines = [f"{client.name} asked {show((*body,))}, and got {brief(got)}."]
                    lines += [each.why() for each in self._all]
                    return failed(rule, "\n".join(filter(None, lines)), WAITS)
        return None


def together(broker: Any, worker: Any, client: Any) -> list[Finding]:
    """Three clients, two workers and a broker; a work hangs, and a broker comes anew."""
    with Trial("together") as place:
        company = Company(broker, worker, client, place.endpoint())
        try:
            company.start()
            found = next(filter(None, _scenes(company)), None)
        finally:
            company.stop()
    if found or company.wrong:
        return [found] if found else company.wrong
    return [
        passed(TOGETHER, "30 of 30"),
        passed(RESCUED, "the other did it"),
        passed(BACK, "and the next request was answered"),
    ]


def _scenes(company: Company) -> Iterator[Finding | None]:
    """What is wrong with each scene, or None."""
    names = (b"c1", b"c2", b"c3")
    questions = [[[b"%s asks, %d" % (who, n), b"", b"more"] for n in range(10)] for who in names]
    yield company.ask(TOGETHER, *questions)
    yield company.ask(RESCUED, [[HANG]])
    company.broker.start()  # anew
    yield company.ask(BACK, [[b"is anybody there?"]])
