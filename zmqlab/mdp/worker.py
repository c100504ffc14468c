"""Judge a worker: the suite is its broker."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import cycle, pairwise

from .frames import DIALECTS, DISCONNECT, HEARTBEAT, PARTIAL, READY, REPLY, REQUEST, Frames, show
from .front import Front, Message
from .outcome import FAILED, PASSED, UNDECIDED, Death, Outcome, first_broken, not_tried
from .rules import chosen, of
from .subject import Command, Started

REQUESTS: list[tuple[bytes, Frames]] = [
    (b"\0\x01\x02\x03\x04", (b"a question",)),
    (b"\xff" * 255, (b"several", b"", b"frames")),
    (b"c", (bytes(range(256)),)),
    (b"MDPW01", (b"\x01", b"")),
    (b"d", (b"",)),
    (b"ends with NUL\0\0", (b"x",)),
    (b"\r\n blanks around \t", (b"x",)),
    *((b"%d of 10" % number, (b"once more",)) for number in range(10)),
]
UNTOLD = 0.5  # seconds between heartbeats where nobody says how many
SILENCE = 6  # intervals
AT_MOST = 12  # intervals after which a silent broker should be given up
SLOWER = 2.5  # times the interval: still no silence
FASTER = 0.4  # of the interval: no pause is as long as that
SOON = 0.1  # seconds for what only has to arrive
LONGEST = 20.0  # seconds that one scene of silence takes at most


def check_worker(
    start: str | Started,
    *,
    service: bytes = b"suite",
    dialect: str = "0.1",
    heartbeat: float | None = None,
    patience: float = 5.0,
    discover: float = 8.0,
    slow: bytes | None = None,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    strict: bool = False,
    first: bool = False,
    limit: float = 120.0,
    progress: Callable[[str], None] = lambda title: None,
) -> Outcome:
    """What a worker of 7/MDP (dialect "0.2": 18/MDP) keeps of its rules.

    start: a command line with {endpoint} and {service}, or what is `Started` like one.
    heartbeat: seconds between heartbeats, the suite's and the worker's; None: half a second, and
    the worker's own interval is measured. patience: seconds for an answer. discover:
    seconds in which the worker's heartbeats are to come. slow: the body of a request that it works
    at for long. strict: a *should* counts, too. first: end with the first scene in which a rule
    that counts is broken. limit: seconds after which no further scene begins.
    """
    spoken = DIALECTS[dialect]
    rules = chosen(of("worker", spoken), only, skip)
    worker = Command(start) if isinstance(start, str) else start
    began = time.monotonic()
    with Front(
        spoken, heartbeat or UNTOLD, frozenset(rule.id for rule in rules), patience
    ) as front:
        run = _Run(front, worker, service, patience, discover, slow, heartbeat is not None)
        try:
            for scene in run.scenes():
                if time.monotonic() - began > limit:
                    break
                front.begin_scene((scene.__doc__ or "").rstrip("."))
                progress(front.title)
                if not scene() or (first and first_broken(front.found.values(), strict)):
                    break
        finally:
            worker.stop()
        results = not_tried(rules, "nothing was seen of it") | front.found
        return Outcome(
            "worker",
            {rule.id: results[rule.id] for rule in rules},
            run.died,
            run.interval,
            front.latest,
            time.monotonic() - began,
            strict=strict,
            absent=not front.inbox,
        )


class _Run:
    """One worker's conversation with the suite, scene by scene; a scene says whether to go on."""

    def __init__(
        self,
        front: Front,
        worker: Started,
        service: bytes,
        patience: float,
        discover: float,
        slow: bytes | None,
        given: bool,
    ) -> None:
        self.given = given
        self.front, self.worker, self.service = front, worker, service
        self.patience, self.discover, self.slow = patience, discover, slow
        self.d = front.dialect
        self.interval: float | None = None
        self.died: list[Death] = []

    @property
    def peer(self) -> bytes:
        """Its address in the present conversation: that of its last READY."""
        return self.front.readys()[-1].peer

    def scenes(self) -> list[Callable[[], bool]]:
        """In this order."""
        return [
            self.first_words,
            self.requests,
            self.heartbeats,
            self.two_at_once,
            self.long_work,
            self.only_commands,
            self.told_to_go,
            self.invalid,
            self.silence,
            self.gone_and_back,
        ]

    # ---- scenes

    def first_words(self) -> bool:
        """The worker starts."""
        front = self.front
        self.worker.start(endpoint=front.endpoint, service=self.service.decode())
        front.until(lambda: front.inbox or self.worker.over, self.patience)
        front.until(lambda: front.inbox, SOON)
        if not front.inbox:
            front.say("7.W01", FAILED, f"nothing came. {self.worker.why()}")
            return False
        first = front.inbox[0]
        command = front.command(first)
        good = command is not None and command.kind == READY and command.service == self.service
        seen = f"a {first.socket} sent {show(first.frames)}"
        front.check("18.W02", good, seen)
        front.check("7.W01", good and first.socket == "DEALER", seen)
        return front.begins(first, READY)  # if with too many frames: see what else it does

    def requests(self) -> bool:
        """Requests of all kinds."""
        front = self.front
        for address, body in REQUESTS:
            since = len(front.inbox)
            what = f"REQUEST {show((address, b'', *body))}"
            if not self.answered(address, body):
                front.say("7.W04", FAILED, f"{what}: no reply. {self.worker.why()}")
                front.say("18.W01", FAILED, f"{what}: no FINAL. {self.worker.why()}")
                return not self.dead("requests of all kinds", "7.W04")
            front.wait(SOON)
            self.judge_replies(since, address, what)
        front.say("7.W04", PASSED)
        return True

    def answered(self, address: bytes, body: Frames) -> bool:
        """Whether a request is answered; it is sent again where a conversation has begun anew."""
        for _ in range(2):
            since, peer = len(self.front.inbox), self.peer
            self.ask(address, body)
            if self.front.until(partial(self.finals, since), self.patience):
                return True
            if self.peer == peer:
                break
        return False

    def judge_replies(self, since: int, address: bytes, what: str) -> None:
        """One REPLY, to the same address."""
        front = self.front
        replies = [m for m in front.inbox[since:] if self.is_reply(m)]
        came = "; ".join(show(message.frames) for message in replies)
        commands = [front.command(message) for message in replies]
        right = all(command and command.client == address for command in commands)
        one = len(self.finals(since)) == 1
        last = bool(replies) and front.kind_of(replies[-1]) == REPLY
        front.check("7.W03", right and one and last, f"{what} was answered: {came}")
        front.check("18.W01", right and one and last, f"{what} was answered: {came}")

    def heartbeats(self) -> bool:
        """It has nothing to do."""
        front, since = self.front, len(self.front.inbox)
        front.until(lambda: len(front.of_kind(HEARTBEAT, since)) >= 4, self.discover)
        times = [message.time for message in front.of_kind(HEARTBEAT, since)]
        gaps = [after - before for before, after in pairwise(times)]
        beat = self.d.command(HEARTBEAT)
        odd = [m for m in front.inbox if front.begins(m, HEARTBEAT) and m.frames != beat]
        front.check("18.W02", not odd, f"it sent {show(odd[0].frames) if odd else ''}")
        if odd:
            front.say("7.W05", FAILED, f"it sent {show(odd[0].frames)}")
        elif len(gaps) < 3:
            verdict = FAILED if self.given else UNDECIDED
            front.say("7.W05", verdict, f"{len(times)} HEARTBEATs in {self.discover:g} s")
        else:
            self.interval = statistics.median(gaps)
            front.say("7.W05", PASSED, f"every {self.interval:.2f} s")
            self.independent()
        ready = front.readys()
        front.check("7.W02", len(ready) == 1, f"{len(ready)} READYs in one conversation")
        return True

    def independent(self) -> None:
        """Whether its heartbeats keep their interval when the suite's come less often."""
        front, since = self.front, len(self.front.inbox)
        assert self.interval is not None
        front.interval *= SLOWER
        front.until(lambda: len(front.of_kind(HEARTBEAT, since)) >= 4, self.discover)
        front.interval /= SLOWER
        times = [message.time for message in front.of_kind(HEARTBEAT, since)]
        gaps = [after - before for before, after in pairwise(times)]
        echo = len(gaps) >= 3 and statistics.median(gaps) > SLOWER * self.interval * 0.75
        seen = "its HEARTBEATs come when the suite's do: they are to be independent"
        front.check("7.W05", not echo, seen)
        since = len(front.inbox)
        front.interval *= FASTER
        goes_on = front.until(lambda: len(front.of_kind(HEARTBEAT, since)) >= 3, self.discover)
        front.interval /= FASTER
        came = len(front.of_kind(HEARTBEAT, since))
        seen = f"{came} HEARTBEATs in {self.discover:g} s, in which the suite's came more often"
        front.check("7.W05", goes_on, seen)

    def two_at_once(self) -> bool:
        """A second request before the first is answered."""
        front, since = self.front, len(self.front.inbox)
        self.ask(b"first", (b"1",))
        self.ask(b"second", (b"2",))
        front.until(lambda: len(self.finals(since)) == 2, self.patience)
        answered = [command.client for m in self.finals(since) if (command := front.command(m))]
        said = "both answered" if len(answered) == 2 else f"answered: {show(tuple(answered))}"
        front.say("7.W12", PASSED, said)
        return not self.dead("a second request", "7.W12")

    def long_work(self) -> bool:
        """A request that takes long."""
        front, since = self.front, len(self.front.inbox)
        if self.slow is None:
            front.say("7.W11", UNDECIDED, "which request takes long? give --slow")
            return True
        self.ask(b"slow", (self.slow,))
        front.until(lambda: self.finals(since), max(self.patience, LONGEST))
        beats = len(front.of_kind(HEARTBEAT, since))
        front.say("7.W11", PASSED, f"{beats} HEARTBEATs until its reply")
        return True

    def only_commands(self) -> bool:
        """The broker sends requests, and no heartbeats."""
        front, since = self.front, len(self.front.inbox)
        front.beats = False
        end = time.monotonic() + min(SILENCE * self.longer(), LONGEST)
        due = time.monotonic()
        for pause in cycle((0.7, 1.4)):  # not in step with its own heartbeats, nor always before
            if time.monotonic() > end:
                break
            front.was_late(time.monotonic() - due)
            self.ask(b"c", (b"x",))
            due = time.monotonic() + pause * front.interval
            front.wait(pause * front.interval)
        again = front.readys(since)
        front.check("7.W09", not again, "it said READY anew although REQUESTs came")
        front.beats, front.beat_at = True, 0.0
        return True

    def told_to_go(self) -> bool:
        """The broker sends DISCONNECT."""
        front, since, old = self.front, len(self.front.inbox), self.peer
        if self.interval is not None:  # it is idle since its last reply
            goes_on = front.until(lambda: front.of_kind(HEARTBEAT, since), 3 * self.longer() + 1)
            front.check("7.W05", goes_on, "its HEARTBEATs have stopped")
        gone, came = front.gone, front.came
        front.registered.remove(old) if old in front.registered else None
        front.send(old, *self.d.command(DISCONNECT))
        sent = time.monotonic()
        front.until(lambda: front.readys(since) or self.worker.over, self.patience + LONGEST / 2)
        back = bool(front.readys(since))
        front.until(lambda: front.gone > gone, self.patience if back else 0)
        # What was on its way when DISCONNECT was sent does not count; a DISCONNECT never was.
        late = [
            message
            for message in front.inbox[since:]
            if message.peer == old  # or a new connection with the old routing id: that says READY
            and not front.begins(message, READY)
            and (message.time > sent + 3 * SOON or front.begins(message, DISCONNECT))
        ]
        still = "; ".join(show(m.frames) for m in late) or "nothing"
        seen = (
            f"READY anew: {_yes(back)}; the old connection closed: {_yes(front.gone > gone)}; a "
            f"new one: {_yes(front.came > came)}; sent on the old one: {still}"
        )
        kept = back and front.gone > gone and front.came > came and not late
        front.check("7.W06", kept, seen)
        return self.lives("DISCONNECT", "7.W06") if back else self.start_anew()

    def invalid(self) -> bool:
        """Commands that are none."""
        front, d, since = self.front, self.d, len(self.front.inbox)
        for frames in [
            (*d.start, b"MDPX09", d.codes[REQUEST], b"c", b"", b"x"),
            (*d.start, d.worker, b"\x09"),
            (*d.start, d.worker),
            (b"x",),
            d.command(REQUEST),
        ]:
            front.send(self.peer, *frames)
            front.wait(SOON)
        taken = "; ".join(show(message.frames) for message in self.finals(since))
        served = False
        for _ in range(2):  # it may rather begin a new conversation, and is asked there then
            heard = len(front.inbox)
            self.ask(b"c", (b"and now?",))
            served = front.until(
                lambda n=heard: self.finals(n) or front.readys(n) or self.worker.over,  # type: ignore[misc]
                self.patience,
            )
            if not front.readys(since) or self.finals(heard):
                break
        if self.worker.over:
            front.say("7.W08", FAILED, f"it ended: {self.worker.why()}")
            self.died.append(Death("invalid commands", self.worker.why()))
            return self.start_anew()
        front.check("7.W08", served, "no reply after invalid commands")
        front.check("7.W08", not taken, f"what is no REQUEST of this version was answered: {taken}")
        return True

    def silence(self) -> bool:
        """The broker says nothing any more."""
        front, since, came = self.front, len(self.front.inbox), self.front.came
        front.beats = False
        longest = max(AT_MOST * self.longer(), 1.0) + 1
        back = front.until(lambda: front.readys(since), min(longest, 2 * LONGEST))
        said = f"the broker was silent for {longest:.1f} s, and no READY came"
        if not back:
            front.say("7.W07", UNDECIDED, said)
        else:
            front.until(lambda: front.came > came, SOON)
            front.check("7.W07", front.came > came, "READY came again on the same connection")
        front.beats, front.beat_at = True, 0.0
        return not self.dead("a silent broker", "7.W07")

    def gone_and_back(self) -> bool:
        """The broker's socket is closed, and bound again."""
        front, since = self.front, len(self.front.inbox)
        front.close()
        front.open()
        back = front.until(lambda: front.readys(since), 3 * self.patience)
        front.check("7.W10", back, f"the endpoint is back, and no READY came. {self.worker.why()}")
        return False

    # ---- what scenes have in common

    def ask(self, address: bytes, body: Frames) -> None:
        """A REQUEST."""
        self.front.send(self.peer, *self.d.request(address, body))

    def is_reply(self, message: Message) -> bool:
        """Whether a message begins as a reply, valid or not."""
        kinds = [kind for kind in (REPLY, PARTIAL) if kind in self.d.codes]
        return any(self.front.begins(message, kind) for kind in kinds)

    def finals(self, since: int) -> list[Message]:
        """The replies that end something."""
        return [m for m in self.front.inbox[since:] if self.front.begins(m, REPLY)]

    def longer(self) -> float:
        """The longer one of the two intervals, in seconds."""
        return max(self.front.interval, self.interval or 0)

    def dead(self, scene: str, rule: str) -> bool:
        """Whether it has ended."""
        if self.worker.over:
            self.died.append(Death(scene, self.worker.why()))
            self.front.say(rule, FAILED, f"it ended: {self.worker.why()}")
        return self.worker.over

    def lives(self, scene: str, rule: str) -> bool:
        """Whether it goes on."""
        return not self.dead(scene, rule)

    def start_anew(self) -> bool:
        """Start the worker anew; whether it says READY."""
        front, since = self.front, len(self.front.inbox)
        front.registered.clear()
        self.worker.start(endpoint=front.endpoint, service=self.service.decode())
        return front.until(lambda: front.readys(since), self.patience)


def _yes(what: object) -> str:
    return "yes" if what else "no"
