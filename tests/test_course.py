"""The course's table, and that whatever lists lessons or labs agrees with it."""

import ast
from pathlib import Path

import pytest

import build
from zmqlab import check
from zmqlab.learn.course import COURSE, LABS

ROOT = Path(__file__).parent.parent


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
