"""Judge a Titanic server: the suite is its clients and its workers, behind any Majordomo broker."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .frames import MDP_01, Frames, Letter, show
from .outcome import FAILED, PASSED, UNDECIDED, Death, Line, Outcome, Result, keep_worst, not_tried
from .rules import chosen, of
from .stage import Gone, Peer, Stage
from .subject import Command, somebody_at

REQUEST, REPLY, CLOSE = b"titanic.request", b"titanic.reply", b"titanic.close"
STATUS = re.compile(rb"(200|300|400|500)( .*)?", re.DOTALL)
NO_UUID = b"0" * 32
ONCE = 5.0  # seconds in which a request that was executed might be executed again
BAIT = ("bait", "bait.q", "bait.a", "bait.req", "bait.rep", "bait.request", "bait.reply")


def check_titanic(
    at: str,
    *,
    start: str | Command | None = None,
    folder: str | Path | None = None,
    patience: float = 3.0,
    executes: float = 20.0,
    returns: float = 30.0,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    strict: bool = False,
    limit: float = 240.0,
    progress: Callable[[str], None] = lambda title: None,
) -> Outcome:
    """What a Titanic server (9/TSP) keeps of its rules.

    at: the endpoint of the broker at which it serves. start: its command line, with {endpoint} for
    the broker's; without it nothing is killed, and the rules about that are undecided. folder:
    where it keeps its files; then bait is laid beside it. patience: seconds for an answer.
    executes: seconds in which an accepted request is to reach a worker that is there. returns:
    seconds in which a server that was started anew has to answer.
    """
    rules = chosen(of("titanic"), only, skip)
    server = Command(start) if isinstance(start, str) else start
    began, log = time.monotonic(), list[Line]()
    selected = frozenset(rule.id for rule in rules)
    died: list[Death] = []
    there = somebody_at(at)
    found: dict[str, Result] = {}
    results = not_tried(rules, "nothing was seen of it" if there else f"no broker at {at}")
    if there:
        if server is not None:
            server.start(endpoint=at)
        stage = Stage((at, at), MDP_01, None, patience, selected, log, began)
        run = _Run(stage, server, Path(folder) if folder else None, at, executes, returns)
        try:
            for scene in run.scenes():
                if time.monotonic() - began > limit:
                    break
                stage.begin_scene((scene.__doc__ or "").rstrip("."))
                progress(stage.title)
                try:
                    scene()
                except Gone:
                    died.append(Death(stage.title, "the broker behind which it serves is gone"))
                    break
                finally:
                    keep_worst(found, stage.found.values())
                if not run.answers():
                    why = server.why() if server is not None else ""
                    died.append(Death(stage.title, why))
                    if server is None or not run.start_anew():
                        break
        finally:
            stage.close()
            if server is not None:
                server.stop()
    results |= found
    return Outcome(
        f"titanic server at {at}",
        {rule.id: results[rule.id] for rule in rules},
        died,
        seconds=time.monotonic() - began,
        strict=strict,
        absent=not there,
    )


class Answer(NamedTuple):
    """What the server said: the status and what follows it; an empty status: no answer came."""

    status: str
    rest: Frames = ()

    def __str__(self) -> str:
        if not self.status:
            return "no answer"
        return self.status + (f" and {show(self.rest)}" if self.rest else "")


class _Run:
    """One server, asked scene by scene."""

    def __init__(
        self,
        stage: Stage,
        server: Command | None,
        folder: Path | None,
        at: str,
        executes: float,
        returns: float,
    ) -> None:
        self.stage, self.server, self.folder, self.at = stage, server, folder, at
        self.executes, self.returns = executes, returns
        self.workers: list[Peer] = []
        self.executed: Counter[bytes] = Counter()  # by the first frame of the body

    def scenes(self) -> list[Callable[[], None]]:
        """In this order."""
        return [
            self.receipts,
            self.executed_later,
            self.closed,
            self.nonsense,
            self.each_once,
            self.killed_at_once,
            self.killed_while_busy,
            self.killed_afterwards,
        ]

    # ---- scenes

    def receipts(self) -> None:
        """Requests for a service that nobody serves."""
        stage, service = self.stage, self.stage.service()
        if not self.answers(self.returns):
            stage.say("9.S01", FAILED, f"{show((REQUEST,))} is not answered")
            return
        found = [self.ask(REQUEST, service, b"alike") for _ in range(3)]
        uuids = [answer.rest[0] if answer.rest else b"" for answer in found]
        seen = "; ".join(map(str, found))
        accepted = all(a.status == "200" and len(a.rest) == 1 for a in found)
        stage.check("9.S05", accepted, seen)
        uuid = uuids[0]
        answers = [self.ask(REPLY, uuid), self.ask(CLOSE, uuids[1])]
        stage.check("9.S01", accepted and all(a.status for a in answers), f"{seen}; {answers}")
        hexadecimal = re.fullmatch(rb"[0-9A-Fa-f]{32}", uuid)
        if not hexadecimal and re.fullmatch(rb"[0-9A-Za-z]{32}", uuid):
            stage.say("9.S02", UNDECIDED, f"letters beyond F: {show((uuid,))}")
        else:
            stage.check("9.S02", hexadecimal, f"the UUID is {show((uuid,))}")
        stage.check("9.S03", len(set(uuids)) == 3, f"three requests: {show(tuple(uuids))}")
        stage.check("9.S04", answers[0].status == "300", f"before execution: {answers[0]}")
        unknown = self.ask(REPLY, NO_UUID)
        stage.check("9.S08", unknown.status == "400", f"an unknown UUID: {unknown}")

    def executed_later(self) -> None:
        """A worker comes after the request."""
        stage, service = self.stage, self.stage.service()
        uuid = self.accepted(service, b"later", b"", bytes(range(256)))
        with self.serving(service):
            if not stage.check("9.S05", self.done(b"later"), "a worker came, and never got it"):
                return
            answer = self.reply_of(uuid)
        right = (b"re: later", b"", bytes(range(256)))
        kept = answer.status == "200" and answer.rest == right
        stage.check("9.S06", kept, f"the worker replied {show(right)}; the client got {answer}")
        again = [self.ask(REPLY, uuid) for _ in range(3)]
        stage.check("9.S07", all(a == answer for a in again), "; ".join(map(str, again)))

    def closed(self) -> None:
        """titanic.close, before and after execution."""
        stage, service = self.stage, self.stage.service()
        unknown = [self.ask(CLOSE, NO_UUID), self.ask(CLOSE, NO_UUID)]
        closed, marker = self.accepted(service, b"closed"), self.accepted(service, b"marker")
        twice = [self.ask(CLOSE, closed), self.ask(CLOSE, closed)]
        said = [*unknown, *twice]
        stage.check("9.S09", all(a.status == "200" for a in said), "; ".join(map(str, said)))
        answer = self.ask(REPLY, closed)
        stage.check("9.S10", answer.status == "400", f"after titanic.close: {answer}")
        with self.serving(service):
            if self.done(b"marker"):
                ran = self.executed[b"closed"]
                stage.check("9.S11", not ran, "it was executed although it had been closed")
            else:
                stage.say("9.S11", UNDECIDED, "what was not closed was not executed, either")
            self.reply_of(marker)

    def nonsense(self) -> None:
        """Requests that are none."""
        stage, baits = self.stage, self.lay_bait()
        tried: list[tuple[bytes, Frames]] = [
            (REQUEST, (stage.service(),)),
            *((service, (b"",)) for service in (REPLY, CLOSE)),
            *((s, (b"../bait",)) for s in (REPLY, CLOSE)),
            *((s, (b"../../bait",)) for s in (REPLY, CLOSE)),
            *((s, (b"\xff\xfe\x00",)) for s in (REPLY, CLOSE)),
        ]
        for service, body in tried:
            answer = self.ask(service, *body)
            # What is no UUID is an unknown one, and titanic.close says 200 to that, too.
            fine = {"400", "200"} if service == CLOSE else {"400"}
            what = f"{show((service, *body))}: {answer}"
            if not answer.status and not self.answers():
                stage.say("9.S14", FAILED, f"{what}, and then it answered nothing any more")
                break
            stage.check("9.S14", answer.status in fine, what)
        for path in baits:
            stage.check("9.S14", path.exists(), f"a file beside its folder is gone: {path.name}")
            path.unlink(missing_ok=True)

    def each_once(self) -> None:
        """Three requests for two services, of which one comes later."""
        stage, soon, later = self.stage, self.stage.service(), self.stage.service()
        names = [b"first of two", b"waits", b"second of two"]
        for name, service in zip(names, (soon, later, soon), strict=True):
            self.accepted(service, name)
        with self.serving(soon):
            done = self.done(names[0]) and self.done(names[2])
            self.look(ONCE / 2)
            with self.serving(later):
                done = self.done(names[1]) and done
                self.look(ONCE / 2)
        times = [self.executed[name] for name in names]
        stage.check("9.S17", done and times == [1, 1, 1], f"they were executed {times} times")

    def killed_at_once(self) -> None:
        """Killed when its 200 is out."""
        stage, service = self.stage, self.stage.service()
        if not self.can_be_killed("9.S12"):
            return
        uuid = self.accepted(service, b"kept")
        self.kill()
        if not self.start_anew():
            stage.say("9.S12", FAILED, "started anew, it answers nothing")
            return
        with self.serving(service):
            kept = self.done(b"kept")
            stage.check("9.S12", kept, "it had its 200, and was never executed")
            self.look(ONCE / 2)
            self.reply_of(uuid)
        stage.say("9.S16", PASSED, f"{self.executed[b'kept']} times")

    def killed_while_busy(self) -> None:
        """Killed while a worker of another service has a request of it."""
        stage, busy, service = self.stage, self.stage.service(), self.stage.service()
        if not self.can_be_killed("9.S12"):
            return
        holder = stage.worker(busy)
        self.accepted(busy, b"held")
        if not stage.until(lambda: holder.news, self.executes):
            stage.say(
                "9.S12", UNDECIDED, "no worker was given the request that was to keep it busy"
            )
            holder.close()
            return
        self.accepted(service, b"behind")
        self.kill()
        holder.close()
        if not self.start_anew():
            stage.say("9.S12", FAILED, "started anew, it answers nothing")
            return
        with self.serving(busy), self.serving(service):
            kept = self.done(b"behind")
            stage.check("9.S12", kept, "accepted while another was at work, and never executed")
            self.done(b"held")

    def killed_afterwards(self) -> None:
        """Killed when a reply has been fetched."""
        stage, service = self.stage, self.stage.service()
        if not self.can_be_killed("9.S13"):
            return
        uuid = self.accepted(service, b"replied")
        with self.serving(service):
            before = self.reply_of(uuid)
        if before.status != "200":
            stage.say("9.S13", UNDECIDED, f"before it was killed: {before}")
            return
        self.kill()
        back = self.start_anew()
        after = self.ask(REPLY, uuid) if back else Answer("")
        stage.check("9.S13", after == before, f"before: {before}; afterwards: {after}")

    # ---- asking

    def ask(self, service: bytes, *body: bytes) -> Answer:
        """One request, and the answer; its status is judged on the way."""
        stage, client = self.stage, self.stage.client()
        client.ask(service, *body)
        stage.until(lambda: self.works() or client.news)
        came = client.take()
        client.close()
        letter = MDP_01.with_client(came[0], to_broker=False) if came else None
        if not isinstance(letter, Letter):
            return Answer("")
        status, rest = letter.body[0], letter.body[1:]
        good = STATUS.fullmatch(status)
        stage.check(
            "9.S15", good, f"{show((service, *body))} was answered with {show(letter.body)}"
        )
        return Answer(status[:3].decode(errors="replace"), rest)

    def accepted(self, service: bytes, *body: bytes) -> bytes:
        """The UUID of a request; empty if it got none."""
        answer = self.ask(REQUEST, service, *body)
        return answer.rest[0] if answer.status == "200" and answer.rest else b""

    def reply_of(self, uuid: bytes) -> Answer:
        """What titanic.reply says, once it says no longer 300."""
        end = self.stage.now + self.executes
        while (answer := self.ask(REPLY, uuid)).status == "300" and self.stage.now < end:
            self.look(0.05)
        return answer

    def answers(self, seconds: float = 0.0) -> bool:
        """Whether the server answers, within so many seconds."""
        end = self.stage.now + seconds
        while not self.ask(CLOSE, NO_UUID).status:
            if self.stage.now > end:
                return False
        return True

    # ---- working

    @contextmanager
    def serving(self, service: bytes) -> Iterator[None]:
        """A worker of this service is there, and answers what it is given."""
        worker = self.stage.worker(service)
        self.workers.append(worker)
        try:
            yield
        finally:
            self.workers.remove(worker)
            worker.command("DISCONNECT")
            worker.close()

    def works(self) -> bool:
        """Let the workers answer what they were given; False, to stand before a condition."""
        for worker in self.workers:
            while worker.news:
                request = self.stage.given_to(worker)
                if request is not None:
                    self.executed[request.body[0]] += 1
                    worker.reply(request, b"re: " + request.body[0], *request.body[1:])
        return False

    def done(self, name: bytes) -> bool:
        """Whether the request whose body begins so is executed in time."""
        return self.stage.until(lambda: self.works() or self.executed[name], self.executes)

    def look(self, seconds: float) -> None:
        """Let so much time pass; workers answer meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.stage.step()
            self.works()

    # ---- killing

    def can_be_killed(self, rule: str) -> bool:
        """Whether the suite has started the server."""
        if self.server is None:
            self.stage.say(rule, UNDECIDED, "it was started by somebody else: give --start")
        return self.server is not None

    def kill(self) -> None:
        """End the server as kill -9 does."""
        assert self.server is not None
        self.server.kill()

    def start_anew(self) -> bool:
        """Start it at the same broker; whether it answers: the broker has to forget the old one."""
        assert self.server is not None
        self.server.start(endpoint=self.at)
        return self.answers(self.returns)

    def lay_bait(self) -> list[Path]:
        """Files beside the server's folder, and above that."""
        if self.folder is None:
            return []
        places = [self.folder.parent, self.folder.parent.parent]
        baits = [place / name for place in places for name in BAIT]
        laid = [path for path in baits if not path.exists()]
        for path in laid:
            path.touch()
        return laid
