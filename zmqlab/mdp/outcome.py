"""What a run of the suite found: a verdict per rule, as text, JSON and JUnit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from xml.etree import ElementTree

from .frames import Frames, show
from .rules import RULES
from .table import Rule

PASSED, FAILED, UNDECIDED = "passed", "failed", "undecided"
RANK = {PASSED: 0, UNDECIDED: 1, FAILED: 2}
MARKS = {PASSED: "✓", FAILED: "✗", UNDECIDED: "?"}
MANY = 5  # rules with one reason to be undecided are said together
EXIT = {PASSED: 0, FAILED: 1, UNDECIDED: 2}


class Line(NamedTuple):
    """One message that a peer of the suite sent ("→") or got ("←"), seconds after the start."""

    time: float
    who: str
    way: str
    frames: Frames

    def __str__(self) -> str:
        return f"{self.time:8.3f}  {self.who:<6} {self.way} {show(self.frames)}"


@dataclass
class Result:
    """What was found about one rule: the evidence in words, and the last messages of its scene."""

    rule: Rule
    verdict: str
    evidence: str = ""
    lines: Sequence[Line] = ()
    scene: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        mark = MARKS[self.verdict]
        text = f"{mark} {self.rule.id:<6} {self.rule.level:<7} {self.verdict:<9} {self.rule.text}"
        if self.evidence and (self.verdict != PASSED or not self.rule.binding):
            text += f"\n      {self.evidence}"
        if self.verdict == FAILED:
            text += "".join(f"\n      {line}" for line in self.lines)
        return text


class Death(NamedTuple):
    """The program under test ended, or served no longer: in which scene, and its last words."""

    scene: str
    why: str

    def __str__(self) -> str:
        return f"{self.scene}: it served no longer" + (f" ({self.why})" if self.why else "")


@dataclass
class Outcome:
    """All that a run found.

    results: by rule, in the rules' order. interval: seconds between the subject's heartbeats,
    given or measured; None: not known. late: by how many seconds heartbeats came late at most,
    the suite's own or the subject's. strict: a broken *should* fails, too. required: what counts
    although it was not offered ("8").
    """

    what: str
    results: dict[str, Result] = field(default_factory=dict)
    died: list[Death] = field(default_factory=list)
    interval: float | None = None
    late: float = 0.0
    seconds: float = 0.0
    strict: bool = False
    expected: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)
    absent: bool = False  # nobody was there at all

    def counts(self, result: Result) -> bool:
        """Whether the verdict depends on it."""
        return result.rule.counts(self.strict)

    @property
    def surprises(self) -> list[Result]:
        """Rules that were expected to fail, and passed."""
        return [
            result
            for result in self.results.values()
            if result.rule.id in self.expected and result.verdict == PASSED
        ]

    @property
    def verdict(self) -> str:
        """Failed if a rule that counts is broken; undecided if one is open; else passed."""
        found = PASSED if self.results else UNDECIDED  # who tries nothing proves nothing
        for result in self.results.values():
            if self.counts(result) and result.rule.id not in self.expected:
                found = max(found, result.verdict, key=RANK.__getitem__)
        broken = any(result.verdict == FAILED for result in self.results.values())
        if self.surprises or (self.died and not broken):  # a death that no rule was to tell
            return FAILED
        return found

    def __bool__(self) -> bool:
        return self.verdict == PASSED

    def __str__(self) -> str:
        alike = Counter(r.evidence for r in self.results.values() if r.verdict == UNDECIDED)
        many = {why for why, times in alike.items() if times > MANY}
        lines = [str(r) for r in self.results.values() if r.evidence not in many]
        for why in many:
            numbers = " ".join(n for n, r in self.results.items() if r.evidence == why)
            lines.append(f"{MARKS[UNDECIDED]} {why}: {numbers}")
        found = Counter(result.verdict for result in self.results.values())
        said = ", ".join(f"{found[verdict]} {verdict}" for verdict in RANK if found[verdict])
        lines += [f"! {death}" for death in self.died]
        lines += [
            f"! {result.rule.id} was expected to fail, and passed" for result in self.surprises
        ]
        lines += self.notes
        interval = f"; heartbeats every {self.interval:.3g} s" if self.interval else ""
        lines.append(f"{self.what}: {self.verdict} ({said}; {self.seconds:.1f} s{interval})")
        return "\n".join(lines)

    def json(self) -> str:
        """The same for programs."""
        return json.dumps(self._data(), indent=1, ensure_ascii=False)

    def _data(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "verdict": self.verdict,
            "interval": self.interval,
            "late": round(self.late, 4),
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
            "died": [death._asdict() for death in self.died],
            "results": [
                {
                    "rule": result.rule.id,
                    "level": result.rule.level,
                    "text": result.rule.text,
                    "verdict": result.verdict,
                    "expected": result.rule.id in self.expected,
                    "evidence": result.evidence,
                    "scene": result.scene,
                    "seconds": round(result.seconds, 3),
                    "frames": [
                        {
                            "time": round(line.time, 4),
                            "who": line.who,
                            "way": "sent" if line.way == "→" else "received",
                            "frames": [frame.hex() for frame in line.frames],
                        }
                        for line in result.lines
                    ],
                }
                for result in self.results.values()
            ],
        }

    def junit(self) -> str:
        """The same for continuous integration: a test case per rule.

        What is undecided is skipped, and so is a failure that was expected or does not count.
        """
        suite = ElementTree.Element("testsuite", name="majordomo", time=f"{self.seconds:.3f}")
        kinds: Counter[str] = Counter()
        for result in self.results.values():
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=f"majordomo.{result.rule.who}.{result.rule.level}",
                name=f"{result.rule.id} {result.rule.text}",
                time=f"{result.seconds:.3f}",
            )
            kind = self._kind(result)
            if kind:
                kinds[kind] += 1
                found = ElementTree.SubElement(case, kind, message=_printable(self._why(result)))
                found.text = _printable("\n".join(map(str, result.lines)))
        suite.set("tests", str(len(self.results)))
        suite.set("failures", str(kinds["failure"]))
        suite.set("skipped", str(kinds["skipped"]))
        ElementTree.indent(suite)
        return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"

    def _why(self, result: Result) -> str:
        """Why a rule's case is no success."""
        if result.verdict == PASSED:
            return "it was expected to fail, and passed"
        return result.evidence

    def _kind(self, result: Result) -> str:
        expected = result.rule.id in self.expected
        if result.verdict == PASSED:
            return "failure" if expected else ""
        fails = result.verdict == FAILED and self.counts(result) and not expected
        return "failure" if fails else "skipped"


def _printable(text: str) -> str:
    """Text without the characters that XML has no room for."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def keep_worst(results: dict[str, Result], found: Iterable[Result]) -> None:
    """Put what was found among results, by rule: of two verdicts the worse one stays."""
    for result in found:
        old = results.get(result.rule.id)
        if old is None or RANK[result.verdict] > RANK[old.verdict]:
            results[result.rule.id] = result


def first_broken(results: Iterable[Result], strict: bool) -> str:
    """The number of a rule that is broken and counts; "" if there is none."""
    broken = (r.rule for r in results if r.verdict == FAILED and r.rule.counts(strict))
    return next((rule.id for rule in broken), "")


def not_tried(rules: Iterable[Rule], why: str) -> dict[str, Result]:
    """Results of rules that nothing was seen of."""
    return {rule.id: Result(RULES[rule.id], UNDECIDED, why) for rule in rules}
