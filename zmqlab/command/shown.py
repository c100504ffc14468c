"""Reports and the map on a terminal: in colour where it is one, else as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import shorten

from rich.console import Console
from rich.padding import Padding
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from zmqlab.check.report import MARK, Report
from zmqlab.learn.progress import Map

LONGEST = 100  # characters of a reason
STYLE = {"passed": "green", "failed": "bold red", "undecided": "yellow"}


def report(found: Report, console: Console) -> None:
    """A report as in the notebook: verdict, a row a rule, where to look, what the sockets did."""
    if not console.is_terminal:
        console.print(str(found), markup=False, highlight=False, soft_wrap=True)
        return
    style = STYLE[found.verdict]
    console.print(Text(f"{found.lab}: {MARK[found.verdict]} {found.verdict}", style=style))
    table = Table(show_lines=True)
    titles = ["Verdict", "What was asked", "What was seen"]
    if hints := any(finding.hint for finding in found.findings):
        titles.append("Where to look")
    for title in titles:
        table.add_column(title, overflow="fold")
    for finding in found.findings:
        verdict = Text(f"{MARK[finding.verdict]} {finding.verdict}", style=STYLE[finding.verdict])
        cells = [finding.rule, finding.evidence, finding.hint][: 3 if hints else 2]
        table.add_row(verdict, *map(Text, cells))
    console.print(table)
    for title, text in (
        ("", found.notice),
        ("What the sockets did", found.told),
        ("Printed meanwhile", found.printed),
    ):
        if text:
            console.print(Text(title, style="bold"))
            console.print(Padding(Text(text, overflow="fold"), (0, 0, 0, 2)))


@contextmanager
def bar(steps: int, console: Console) -> Iterator[Callable[[], object]]:
    """A progress bar on a terminal; what is given is called for each step."""
    if not console.is_terminal:
        yield lambda: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Judging", total=steps)
        yield lambda: progress.advance(task)


def table(rows: Sequence[tuple[str, str, str, str, str]], console: Console) -> None:
    """Submissions with their verdicts, and how many there are of each."""
    counts = Counter(verdict for _, _, verdict, _, _ in rows)
    total = f"{len(rows)}: " + ", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items()))
    if not console.is_terminal:
        width = max(len(name) for name, *_ in rows)
        for name, lab, verdict, why, look in rows:
            odd = f" [look: {look}]" if look else ""
            said = shorten(why, LONGEST) if verdict != "passed" else ""
            line = f"{name:{width}}  {lab:2}  {verdict:10} {said}{odd}".rstrip()
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        console.print(total, markup=False, highlight=False)
        return
    drawn = Table("Submission", "Lab", "Verdict", "Why", "Look", title=total)
    for name, lab, verdict, why, look in rows:
        said = shorten(why, LONGEST) if verdict != "passed" else ""
        style = STYLE.get(verdict, "bold magenta")
        drawn.add_row(Text(name), lab, Text(verdict, style), Text(said), Text(look, "yellow"))
    console.print(drawn)


def course(found: Map, console: Console) -> None:
    """The learner's map, and what to do next."""
    if not console.is_terminal:
        console.print(str(found), markup=False, highlight=False, soft_wrap=True)
        return
    if found.progress.notice:
        console.print(Text(found.progress.notice, style="yellow"))
    table = Table("", "Lesson", "Its question", "Your lab", title="Who gets the next task?")
    for part, chapters in found.parts():
        table.add_section()
        table.add_row("", Text(part.title, style="bold"), Text(part.sockets, style="dim"), "")
        for chapter in chapters:
            state = found.state(chapter)
            style = "green" if state.startswith("✓") else ""
            here = "bold" if chapter == found.next else ""
            table.add_row(
                chapter.number, chapter.title, chapter.question, Text(state, style), style=here
            )
    console.print(table)
    console.print(Text(next_step(found), style="bold"))


def next_step(found: Map) -> str:
    """What to do next, in a terminal."""
    chapter = found.next
    if chapter is None:
        return "All labs pass. Change a worked solution and break it."
    return f"Next: zmqlab start {chapter.number} ({chapter.title}), or make lab for the notebooks."
