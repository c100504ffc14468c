"""The glossary's words are where it says that they are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| (?P<words>\*\*.+?) \| (?P<meaning>.+) \| (?P<lessons>\[.+) \|$")
ROWS = [
    found
    for line in (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
    if (found := ROW.match(line))
]


def test_every_row_is_read():
    assert len(ROWS) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["words"].split("**")[1])
def test_a_word_stands_in_the_lessons_that_it_names(row):
    lessons = re.findall(r"\]\(notebooks/(\w+)\.ipynb\)", row["lessons"])
    assert lessons
    text = "\n".join(
        path.read_text(encoding="utf-8").casefold()
        for lesson in lessons
        if (path := ROOT / "authoring" / "lessons" / f"{lesson}.py").exists()
    )
    if not text:
        pytest.skip("none of its lessons is there yet")
    missing = [
        word for word in re.findall(r"\*\*(.+?)\*\*", row["words"]) if word.casefold() not in text
    ]
    assert missing == []


def test_every_word_in_bold_is_named_once():
    words = [word for row in ROWS for word in re.findall(r"\*\*(.+?)\*\*", row["words"])]
    assert sorted(words) == sorted(set(words))
