"""The figure with which the README opens comes from lesson 01 as it is."""

import re
from pathlib import Path

import pytest
from PIL import Image

import readme_figure

ROOT = Path(__file__).parent.parent


def test_the_figure_is_what_the_lesson_gives():
    assert readme_figure.main(["--check"]) == 0


@pytest.mark.parametrize("figure", [readme_figure.FIGURE, readme_figure.DARK])
def test_the_figure_says_in_words_what_it_shows(figure):
    with Image.open(figure) as image:
        told = image.info["Description"]
    assert "one worker got everything" in told
    assert "each got a third" in told


def test_the_readme_shows_it_with_words_for_who_does_not_see_it():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (told,) = re.findall(r'<img src="docs/first_figure.png" alt="([^"]*)">', readme)
    assert len(told.split()) > 10


def test_a_page_in_a_dark_theme_gets_the_dark_one():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert '(prefers-color-scheme: dark)" srcset="docs/first_figure_dark.png"' in readme
    light, dark = (
        Image.open(figure).convert("RGB").getpixel((2, 2))
        for figure in (readme_figure.FIGURE, readme_figure.DARK)
    )
    assert (light, dark) == ((255, 255, 255), (17, 17, 17))


def test_only_the_lessons_programs_are_taken():
    programs = readme_figure.programs()
    assert "def textbook" in programs
    assert "range(12)" not in programs


def test_another_program_makes_the_figure_old(monkeypatch, tmp_path, capsys):
    changed = tmp_path / "lesson.py"
    lesson = readme_figure.LESSON.read_text(encoding="utf-8")
    changed.write_text(lesson.replace("range(100)", "range(99)"), encoding="utf-8")
    monkeypatch.setattr(readme_figure, "LESSON", changed)
    assert readme_figure.main(["--check"]) == 1
    assert "run python authoring/readme_figure.py" in capsys.readouterr().out


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_typical_run_is_the_one_in_the_middle(n):
    runs = [{"w1": 100 - k, "w2": k} for k in range(n)]
    assert readme_figure.typical(runs) == runs[(n - 1) // 2]
