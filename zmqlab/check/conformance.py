"""A learner's functions under `zmqlab.mdp`: started for the suite, ended, and what it found.

`Serving` goes on until its context ends, as a broker or a worker does; `Asking` asks some
questions and returns. Both are in threads of a Trial. `findings` puts an outcome of the suite
into the words of a report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zmqlab.mdp import Outcome, Result
from zmqlab.record.journal import Hop, Journal
from zmqlab.run.interrupt import put_off_interrupt

from .ask import Wrong, plain_frames
from .call import Call, brief, said
from .chronicle import in_short
from .judge import Trial
from .machine import Lap, Watch
from .report import Finding, failed, undecided
from .subject import MACHINE, Function

SPINS = 0.3  # part of its time that a thread may run that mostly waits
LONG = 2.0  # seconds of a life, below which that says nothing
WITHOUT = "without using the processor"

# Of rules that the suite leaves open, by number: what is asked for here, and whether that is kept.
Decided = Mapping[str, tuple[str, Callable[[Result], bool]]]


class Serving:
    """A function that serves until its context ends: `function(ctx, endpoint, *more)`.

    wrong: what was wrong with how it ended, each time; also that it used the processor to wait.
    """

    restarts = False  # once it has died, its report is long enough

    def __init__(
        self, name: str, function: Callable[..., Any], *more: Any, endpoint: str = ""
    ) -> None:
        self.name, self.function, self.more, self.endpoint = name, function, more, endpoint
        self.wrong: list[Finding] = []
        self._subject: Function | None = None

    def start(self, **places: str) -> str:
        """Call it in a thread, at the endpoint that is named or that it had; returns that."""
        self.stop()
        self.endpoint = places.get("endpoint", self.endpoint)
        self._watch = Watch()
        with put_off_interrupt():  # what has begun can be ended
            self._subject = Function(self.name, self.function)
            self._subject.begin({"endpoint": self.endpoint}, *self.more)
            self._life: Lap = self._watch.lap([self._subject.trial.tasks[0].thread])
        return self.endpoint

    def stop(self) -> None:
        """End its context, and note what is wrong with how it took that."""
        if (subject := self._subject) is None:
            return
        self._subject = None
        try:
            self._note_spinning(subject)
            self.wrong += subject.end(self._watch.lap())
        finally:
            subject.close(None, None, None)

    def _note_spinning(self, subject: Function) -> None:
        if self._life.seconds > LONG and not subject.over and (busy := self._life.busy) > SPINS:
            evidence = (
                f"{self.name} was at work for {busy:.0%} of {self._life.seconds:.0f} s, in which "
                f"it mostly had to wait, at {subject.here()}"
            )
            hint = "Which call there returns at once, and when is the next moment to do something?"
            self.wrong.append(failed(f"{self.name} waits {WITHOUT}", evidence, hint))

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._subject is None or self._subject.over

    def why(self) -> str:
        """Why it ended, or at which line it is."""
        if self._subject is None:
            return ""
        ended = self._subject.early_end()
        return ended.evidence if ended else f"{self.name} was at {self._subject.here()}"


class Asking:
    """A client of the learner's: `client(ctx, endpoint, service, body, patience, tries)`.

    It asks one question after the other. answers: what it returned. error: what it raised;
    raised: the finding for that, if it was no TimeoutError. wrong: what was wrong with any of it.
    """

    def __init__(
        self, client: Callable[..., Any], patience: float, tries: int, name: str = "client"
    ) -> None:
        self.client, self.patience, self.tries, self.name = client, patience, tries, name
        self.answers: list[Any] = []
        self.wrong: list[Finding] = []
        self.raised: Finding | None = None
        self._trial: Trial | None = None

    def start(self, **places: str) -> None:
        """Let it ask so many `requests` of a `service` at an `endpoint`, in a thread."""
        service = places["service"].encode()
        bodies = [[b"question %d" % n] for n in range(int(places["requests"]))]
        self.ask(places["endpoint"], service, bodies)

    def ask(self, endpoint: str, service: bytes, bodies: Sequence[list[bytes]]) -> None:
        """Let it ask these, one after the other, in a thread."""
        self.stop()
        self.answers = []
        self.call = Call("client", self._ask)
        with put_off_interrupt():  # what has begun can be ended
            self._trial = Trial(self.name)
            self._trial.__enter__()
            self._trial.start(self.name, self.call, endpoint, service, bodies)

    def _ask(self, ctx: Any, endpoint: str, service: bytes, bodies: Sequence[list[bytes]]) -> None:
        for body in bodies:
            self.answers.append(
                self.client(ctx, endpoint, service, list(body), self.patience, self.tries)
            )

    @property
    def over(self) -> bool:
        """Whether it has asked all, or raised."""
        return self._trial is None or self.call.done

    @property
    def status(self) -> int | None:
        """0 once it has returned an answer to each question, 1 if it raised."""
        return None if not self.call.done else int(self.call.state != "returned")

    @property
    def error(self) -> BaseException | None:
        """What it raised."""
        return self.call.error

    def said(self) -> list[str]:
        """The first frame of each answer."""
        answers = [plain_frames(answer) for answer in self.answers]
        return [
            answer[0].decode(errors="replace") if isinstance(answer, tuple) and answer else ""
            for answer in answers
        ]

    def why(self) -> str:
        """What it raised, or at which line it is."""
        if self._trial is None:
            return ""
        if self.call.error is not None:
            return f"client raised {said(self.call.error)}, at {self.call.where}"
        return "" if self.call.done else f"client was at {self.call.here()}"

    def stop(self) -> None:
        """End its context, and note what is wrong with what it did."""
        if (trial := self._trial) is None:
            return
        self._trial = None
        call, where = self.call, "" if self.call.done else self.call.here()
        try:
            trial.end()
        finally:
            trial.__exit__(None, None, None)
        self.raised = None if isinstance(call.error, TimeoutError) else call.raised()
        late = (
            failed("client returns", f"It had not returned, and was at {where}") if where else None
        )
        found = [self.raised, late, call.sockets_left(), call.context_ended(), self._spun()]
        self.wrong += [finding for finding in (*found, *map(_no_frames, self.answers)) if finding]

    def _spun(self) -> Finding | None:
        waited = self.call.seconds - self.call.in_line
        if self.call.seconds < self.patience or self.call.cpu < SPINS * waited:
            return None
        return failed(
            f"client waits {WITHOUT}",
            f"In {self.call.seconds:.1f} s, of which it had to wait for most, it used the "
            f"processor for {self.call.cpu:.1f} s.",
            "`poll` waits as long as it is told to. Which call in your loop returns at once?",
        )


def _no_frames(answer: Any) -> Finding | None:
    found = plain_frames(answer)
    if not isinstance(found, Wrong):
        return None
    evidence = f"client returned {brief(answer)}.\n{found.why}."
    hint = "It returns the reply's body as a list of frames, or raises TimeoutError."
    return failed("client returns the frames of the reply's body", evidence, hint)


# ------------------------------------------------------------------ an outcome in words


def findings(
    outcome: Outcome,
    subject: Serving | Asking,
    hints: Mapping[str, str],
    decided: Decided,
) -> list[Finding]:
    """What is wrong; nothing, if all was right.

    hints: by the rule's number, or its beginning.
    """
    results = outcome.results.values()
    broken = [r for r in results if r.verdict == "failed" and outcome.counts(r)]
    if broken:
        return [_finding(result, hints) for result in broken]
    if subject.wrong:
        return subject.wrong
    for number, (rule, kept) in decided.items():
        result = outcome.results[number]
        if not kept(result):
            evidence = f"{result.scene}: {result.rule.text}? {result.evidence}"
            return [failed(f"{number}: {rule}", evidence, hints.get(number, ""), story(result))]
    return [
        undecided(_title(result), f"{result.scene}: {result.evidence}".lstrip(": "), MACHINE)
        for number, result in outcome.results.items()
        if result.verdict == "undecided" and (outcome.counts(result) or number in decided)
    ]


def seen(evidence: str) -> Callable[[Result], bool]:
    """Whether the suite has seen this of an open rule, where it could tell."""
    return lambda result: result.verdict != "passed" or result.evidence == evidence


def seen_but(evidence: str) -> Callable[[Result], bool]:
    """Whether it has seen anything else, where it could tell."""
    return lambda result: result.verdict != "passed" or result.evidence != evidence


def _title(result: Result) -> str:
    return f"{result.rule.id}: {result.rule.text}"


def _finding(result: Result, hints: Mapping[str, str]) -> Finding:
    hint = hints.get(result.rule.id) or next(
        (hint for number, hint in hints.items() if result.rule.id.startswith(number)), ""
    )
    evidence = result.evidence
    if result.scene and not evidence.startswith(result.scene):
        evidence = f"{result.scene}: {evidence}"
    return failed(_title(result), evidence, hint, story(result))


def story(result: Result) -> Journal | None:
    """The last messages of a result's scene as a journal, the broker's side made up of them."""
    if not result.lines:
        return None
    journal, end = Journal(), "tcp://127.0.0.1:5555"
    router = journal.open_socket("broker", "ROUTER", bound=[end])
    notes = {}
    for line in result.lines:
        if line.who not in notes:
            notes[line.who] = journal.open_socket(line.who, "DEALER", connected=[end])
        frames = tuple(map(in_short, line.frames))
        ends = [
            Hop(line.time, line.who, notes[line.who], "sent", frames, line.time),
            Hop(line.time, "broker", router, "received", (line.who.encode(), *frames), line.time),
        ]
        if line.way == "←":
            ends = [
                hop._replace(way="received" if hop.way == "sent" else "sent") for hop in ends[::-1]
            ]
        for hop in ends:
            journal.add(hop)
    journal.start = min(line.time for line in result.lines)
    return journal
