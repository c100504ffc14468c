"""The course's table, and that whatever lists lessons or labs agrees with it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import build
from zmqlab import check
from zmqlab.learn.course import COURSE, FRONT, LABS, Chapter

ROOT = Path(__file__).parent.parent
LESSONS = {target.source.stem: target for target in build.targets() if target.kind == "lesson"}
NUMBERS = {"lesson": {int(chapter.number) for chapter in COURSE}, "lab": set(map(int, LABS))}


def test_numbers_are_unique_and_in_order():
    numbers = [chapter.number for chapter in COURSE]
    assert numbers == sorted(set(numbers))


def test_it_has_a_row_for_each_lesson_and_for_each_lab():
    sources = {kind: set() for kind in ("lesson", "lab", "solution")}
    for target in build.targets():
        sources[target.kind].add(target.source.stem)
    assert sources["lesson"] == {chapter.name for chapter in COURSE}
    assert sources["lab"] == {chapter.name for chapter in LABS.values()}


def table() -> list[str]:
    """The rows of README's map, as the course's table gives them."""
    lines = ["| | Lesson | The question |", "|---|---|---|"]
    for before, chapter in zip((None, *COURSE), COURSE, strict=False):
        part = chapter.part
        if part.sockets and (before is None or before.part != part):
            lines.append(f"| | **{part.title}** | **{part.sockets}** |")
        link = f"[{chapter.title}](notebooks/{chapter.name}.ipynb)"
        lines.append(f"| {chapter.number} | {link} | {chapter.question} |")
    return lines


def test_the_map_in_the_readme_is_the_courses_table():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    start = lines.index(table()[0])
    end = lines.index("", start)
    assert lines[start:end] == table(), "put these rows there:\n" + "\n".join(table())


# A lesson is one sitting


def name(chapter: Chapter) -> str:
    return chapter.name


@pytest.mark.parametrize("chapter", COURSE, ids=name)
def test_a_lesson_has_20_to_30_cells_and_the_front_door_fewer(chapter):
    cells = len(build.unexecuted(LESSONS[chapter.name]).cells)
    fewest, most = (1, 20) if chapter.part == FRONT else (20, 30)
    assert fewest <= cells <= most


@pytest.mark.parametrize("chapter", COURSE, ids=name)
def test_a_lesson_asks_for_at_most_four_predictions(chapter):
    cells = build.unexecuted(LESSONS[chapter.name]).cells
    assert sum(c.source.count("Prediction(") for c in cells if c.cell_type == "code") <= 4


# What names a lesson or lab names one that is there


def texts() -> Iterator[tuple[str, str]]:
    """What may name another lesson or lab, and where that stands."""
    for target in build.targets():
        if target.kind != "lab":  # the solution has all of it
            for cell in build.unexecuted(target).cells:
                yield f"{target.kind} {target.source.stem}", cell.source
    for path in [ROOT / "GLOSSARY.md", ROOT / "README.md", *(ROOT / "zmqlab").rglob("*.py")]:
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


NAMED = re.compile(
    r"\b(?P<kind>lesson|lab|solution)s? (?P<numbers>\d+(?:(?:, | and | to )\d+)*)"
    r"(?P<later>[^.;:]{0,40}\bto come\b)?",
    re.I,
)


def strangers(text: str) -> list[str]:
    """The lessons and labs that a text names and the course has not, nor are they "to come"."""
    text = re.sub(r"\s+(?:# )?", " ", text)
    return [
        found[0]
        for found in NAMED.finditer(text)
        if not found["later"]
        and not set(map(int, re.findall(r"\d+", found["numbers"])))
        <= NUMBERS["lesson" if found["kind"].lower() == "lesson" else "lab"]
    ]


def test_a_lesson_or_lab_that_is_named_is_in_the_course():
    assert [(where, found) for where, text in texts() for found in strangers(text)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("as in lesson 01, and in lab 2", []),
        ("see lessons 2 and 98, and lab 99.", ["lessons 2 and 98", "lab 99"]),
        ("lab 0", ["lab 0"]),
        ("Lesson\n# 99", ["Lesson 99"]),
        ("lesson 99 (to come) measures it", []),
    ],
)
def test_who_is_named_and_not_there_is_seen(text, found):
    assert strangers(text) == found


LINK = re.compile(r"\[(?P<words>[^\]]+)\]\((?P<path>(?:\.\./)?[\w/]+\.ipynb)\)")


def test_a_link_leads_to_the_notebook_that_its_words_name():
    notebooks = {target.notebook for target in build.targets()}
    wrong = []
    for target in build.targets():
        for cell in build.unexecuted(target).cells:
            for link in LINK.finditer(cell.source):
                to = (target.notebook.parent / link["path"]).resolve()
                named = {int(number) for number in re.findall(r"\d+", link["words"])}
                if to not in notebooks or not named <= {int(to.stem[:2])}:
                    wrong.append((target.source.stem, link[0]))
    assert wrong == []


SECTION = re.compile(r"[Ll]esson (?P<number>\d+), \*(?P<heading>[^*]+)\*")


def test_a_section_that_is_named_is_in_its_lesson():
    headings = {
        int(stem[:2]): re.findall(r"(?m)^# ##+ (.+)$", target.source.read_text(encoding="utf-8"))
        for stem, target in LESSONS.items()
    }
    missing = [
        (where, found[0])
        for where, text in texts()
        for found in SECTION.finditer(text)
        if found["heading"] not in headings.get(int(found["number"]), [])
    ]
    assert missing == []


# What adding a lab touches: its source, its check, its submissions, and its row in the table


@pytest.mark.parametrize("number", LABS)
def test_a_lab_has_its_source_its_check_and_its_submissions(number):
    assert (ROOT / "authoring" / "labs" / f"{LABS[number].name}.py").is_file()
    assert (ROOT / "zmqlab" / "check" / f"lab_{number}.py").is_file()
    assert list((ROOT / "tests" / "submissions" / f"lab_{number}").glob("*.py"))


@pytest.mark.parametrize("number", LABS)
def test_its_check_asks_for_the_contract_that_the_table_states(number):
    judged = getattr(check, f"lab{number}")
    chapter = LABS[number]
    report = judged(*[lambda: None] * len(chapter.functions))
    assert [finding.rule for finding in report.findings] == [
        f"{function} can be called as {contract}"
        for function, contract in zip(chapter.functions, chapter.lab, strict=True)
    ]


def test_nothing_but_the_table_lists_the_labs():
    """No module of the package names a lab's check but a lab's own, or one built upon it."""
    named = []
    for path in sorted((ROOT / "zmqlab").rglob("*.py")):
        if path.name.startswith("lab_"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                words = [node.module or "", *(alias.name for alias in node.names)]
                if any(word.split(".")[-1].startswith("lab_") for word in words):
                    named.append(path.name)
    assert named == []


def test_the_package_offers_a_check_for_each_lab_and_knows_no_other():
    assert {f"lab{number}" for number in LABS} <= set(check.__all__)
    with pytest.raises(AttributeError, match="lab99"):
        _ = check.lab99
