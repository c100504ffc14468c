"""The glossary's words stand where it says, and are explained where they first stand."""

import functools
import re
from pathlib import Path

import pytest

import build
from zmqlab.learn.course import COURSE

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (?P<words>\*\*.+?) \| (?P<meaning>.+) \| (?P<lessons>\[.+) \|$")
ROWS = [
    found
    for line in (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
    if (found := ROW.match(line))
]
WORDS = {word: row for row in ROWS for word in re.findall(r"\*\*(.+?)\*\*", row["words"])}
EVERYDAY = {
    "way",
    "service",
    "command",
}  # said by everybody, long before a lesson makes a term of it
LESSONS = {t.source.stem: t for t in build.targets() if t.kind == "lesson"}


def linked(row: re.Match[str]) -> list[str]:
    """The lessons that a row names, by the names of their notebooks."""
    return re.findall(r"\]\(notebooks/(\w+)\.ipynb\)", row["lessons"])


@functools.cache
def prose(lesson: str) -> str:
    """What a lesson tells: its text cells, without code, links, and the first one's promises.

    An option's name is always code: there it is set off by that.
    """
    cells = build.unexecuted(LESSONS[lesson]).cells[1:]
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    text = re.sub(r"`([A-Z_]+)`", r"*\1*", text)
    text = re.sub(r"(?ms)^```.*?^```|`[^`]*`|\[[^\]]*\]\([^)]*\)", "", text)
    return re.sub(r"\s+", " ", text)


def stands(word: str, text: str) -> bool:
    """Whether a word, or its plural, stands in a text; one in capitals only as such."""
    return bool(re.search(rf"(?<!\w){word}e?s?(?!\w)", text, 0 if word.isupper() else re.I))


def emphasised(text: str) -> str:
    """What is bold or in italics."""
    return "; ".join(found[1] for found in re.findall(r"(\*{1,2})(?=\S)(.+?)\1", text))


def first_with(word: str) -> str | None:
    """The first lesson in which a word stands, in the order of the course; None without any."""
    for lesson in (chapter.name for chapter in COURSE if chapter.name in LESSONS):
        told = emphasised(prose(lesson)) if word in EVERYDAY else prose(lesson)
        if stands(word, told):
            return lesson
    return None


def test_every_row_is_read():
    assert len(ROWS) > 40


def test_every_word_in_bold_is_named_once():
    words = [word for row in ROWS for word in re.findall(r"\*\*(.+?)\*\*", row["words"])]
    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["words"].split("**")[1])
def test_a_word_is_linked_to_the_lesson_where_it_first_stands(row):
    """The row's first link is the earliest of these; another word of the row may have another."""
    first = {word: first_with(word) for word, its in WORDS.items() if its is row}
    assert None not in first.values(), "it stands in no lesson"
    assert linked(row)[0] == min(first.values()), first
    assert set(first.values()) <= set(linked(row)), first


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_set_off_where_it_first_stands(word):
    """In bold, or in italics: there it is explained."""
    first = first_with(word)
    set_off = first is not None and stands(word, emphasised(prose(first)))
    assert set_off, f"write **{word}** in {first}, where it is explained"


def test_a_word_is_found_as_a_word():
    assert stands("queue", "the Queues")
    assert not stands("frame", "in the same timeframe")
    assert not stands("REP", "a rep")
    assert emphasised("a **high-water mark**, and *credit*: 2 * 3 * 4") == "high-water mark; credit"
