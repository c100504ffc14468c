"""What a checker says: findings, each with its evidence, and the verdict over all of them."""

from __future__ import annotations

import base64
import html
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from textwrap import shorten
from typing import Any, Literal

from zmqlab.balance.standby import History
from zmqlab.record.journal import Hop, Journal

Verdict = Literal["passed", "failed", "undecided"]

MARK: dict[Verdict, str] = {"passed": "✓", "failed": "✗", "undecided": "?"}
LONGEST_STORY = 24  # messages of a story that are shown
LONGEST_TITLE = 160  # characters of its title


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule and what was seen of it.

    rule: what was promised, in words ("every task arrives once").
    verdict: "passed", "failed", or "undecided" where what was seen proves neither.
    evidence: what was seen, with names and numbers. Of a passed rule only what is the same in
        every run: a report that passed is the same text each time.
    hint: what to look at next.
    story: the messages in which it can be seen, or what befell two brokers; drawn under the table
        for the first failure.
    about: frames and hops of the story that show it, so that they are drawn if not all can be.
    who: whose lines its picture has, from the left; those that took part, if nobody is named.
    """

    rule: str
    verdict: Verdict
    evidence: str
    hint: str = ""
    story: Journal | History | None = field(default=None, compare=False, repr=False)
    about: Collection[bytes | Hop] = field(default=(), compare=False, repr=False)
    who: Sequence[str] = field(default=(), compare=False, repr=False)

    @property
    def title(self) -> str:
        """What was seen in short, for the picture of it."""
        return shorten(self.evidence.partition("\n")[0], LONGEST_TITLE).rstrip(".,:;")


def passed(rule: str, evidence: str) -> Finding:
    """A rule that was kept."""
    return Finding(rule, "passed", evidence)


def failed(
    rule: str,
    evidence: str,
    hint: str = "",
    story: Journal | History | None = None,
    about: Collection[bytes | Hop] = (),
    who: Sequence[str] = (),
) -> Finding:
    """A rule that was broken."""
    return Finding(rule, "failed", evidence, hint, story, about, who)


def undecided(rule: str, evidence: str, hint: str = "") -> Finding:
    """A rule of which nothing is proved: a time-out is unknown, never lost."""
    return Finding(rule, "undecided", evidence, hint)


def in_situation(situation: str, findings: Sequence[Finding]) -> list[Finding]:
    """The same rules once more, in another situation: one line if all were kept.

    Else those that were not, with the situation behind the rule: "none twice (workers die)".
    """
    if all(finding.verdict == "passed" for finding in findings):
        seen = findings[0].evidence if findings else "nothing"
        more = ", and the same rules" if len(findings) > 1 else ""
        return [passed(situation, seen + more)]
    return [
        replace(finding, rule=f"{finding.rule} ({situation})")
        for finding in findings
        if finding.verdict != "passed"
    ]


@dataclass(frozen=True)
class Report:
    """All findings of one run of a checker. True only if all that was asked has passed."""

    lab: str  # "lab01"
    findings: tuple[Finding, ...]
    printed: str = ""  # what the learner's code printed meanwhile
    notice: str = ""  # why a pass could not be noted

    @property
    def verdict(self) -> Verdict:
        """Failed if a rule was broken; passed if every rule was kept; else undecided."""
        verdicts = {finding.verdict for finding in self.findings}
        if "failed" in verdicts:
            return "failed"
        return "passed" if verdicts == {"passed"} else "undecided"

    def __bool__(self) -> bool:
        return self.verdict == "passed"

    def __str__(self) -> str:
        lines = [f"{self.lab}: {self.verdict}"]
        for finding in self.findings:
            lines += _as_text(finding)
        if self.notice:
            lines += ["", self.notice]
        if told := self.told:
            lines += ["", f"{_what(self._shown())}:", *_indented(told.splitlines())]
        if self.printed:
            lines += ["", "Printed meanwhile:", *_indented(self.printed.splitlines())]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        titles = ["Verdict", "What was asked", "What was seen"]
        if hints := any(finding.hint for finding in self.findings):
            titles.append("Where to look")
        head = "".join(f'<th scope="col" style="{_CELL}">{title}</th>' for title in titles)
        rows = "".join(_as_row(finding, hints) for finding in self.findings)
        return (
            f"<p><strong>{_html(self.lab)}: {MARK[self.verdict]} {self.verdict}</strong></p>"
            f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>"
            + (f"<p><strong>Notice.</strong> {_html(self.notice)}</p>" if self.notice else "")
            + self._story_as_html()
            + _folded("Printed meanwhile", self.printed)
        )

    def _shown(self) -> Finding | None:
        """The first failure that has a story."""
        broken = (finding for finding in self.findings if finding.verdict == "failed")
        return next((finding for finding in broken if finding.story), None)

    def _story_as_html(self) -> str:
        shown = self._shown()
        if shown is None:
            return ""
        return _picture(shown) + _folded(f"{_what(shown)}, in words", self.told)

    @property
    def told(self) -> str:
        """What the sockets did in the first failure that has a story, in words."""
        shown = self._shown()
        return "" if shown is None else _told(shown)


# ------------------------------------------------------------------ text


def _as_text(finding: Finding) -> Iterator[str]:
    yield f"  {MARK[finding.verdict]} {finding.verdict:9} {finding.rule}"
    yield from _indented(finding.evidence.splitlines(), by=14)
    if finding.hint:
        first, *rest = finding.hint.splitlines()
        yield from _indented([f"→ {first}", *(f"  {line}" for line in rest)], by=14)


def _indented(lines: Iterable[str], by: int = 2) -> list[str]:
    return [" " * by + line for line in lines]


def _what(finding: Finding | None) -> str:
    """What its story is of."""
    of_sockets = finding is not None and isinstance(finding.story, Journal)
    return "What the sockets did" if of_sockets else "What happened"


def _options(finding: Finding) -> dict[str, Any]:
    """How its story is told and drawn."""
    if not isinstance(finding.story, Journal):
        return {"title": finding.title}
    return {
        "title": finding.title,
        "who": finding.who or None,
        "limit": LONGEST_STORY,
        "about": finding.about,
    }


def _told(finding: Finding) -> str:
    """A story in words; nothing where it cannot be told: no verdict depends on it."""
    try:
        from zmqlab.show.plots import pair_text, space_time_text

        assert finding.story is not None
        if isinstance(finding.story, Journal):
            return space_time_text(finding.story, **_options(finding))
        return pair_text(finding.story, **_options(finding))
    except Exception:
        return ""


# ------------------------------------------------------------------ HTML

_CELL = "text-align:left; vertical-align:top; padding:0.3em 0.8em"


def _html(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>")


def _as_row(finding: Finding, hints: bool) -> str:
    weight = "" if finding.verdict == "passed" else "; font-weight:bold"
    verdict = f"{MARK[finding.verdict]}&nbsp;{finding.verdict}"
    cells = "".join(
        f'<td style="{_CELL}">{_html(text)}</td>'
        for text in (finding.rule, finding.evidence, finding.hint)[: 3 if hints else 2]
    )
    return f'<tr><th scope="row" style="{_CELL}{weight}">{verdict}</th>{cells}</tr>'


def _folded(title: str, text: str) -> str:
    if not text:
        return ""
    pre = f"<pre>{html.escape(text, quote=False)}</pre>"
    return f"<details><summary>{_html(title)}</summary>{pre}</details>"


def _picture(finding: Finding) -> str:
    """The story as a space-time diagram; nothing where it cannot be drawn."""
    try:
        from zmqlab.show.picture import as_html
        from zmqlab.show.plots import Picture, pair, space_time

        draw = space_time if isinstance(finding.story, Journal) else pair
        picture = Picture(draw, finding.story, **_options(finding))
        drawn = as_html(base64.b64encode(picture.png()).decode(), picture.alt)
    except Exception:
        return ""
    return f"<p>{drawn}</p>"
