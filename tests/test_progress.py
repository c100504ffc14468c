import json
import multiprocessing
import os
import re
from datetime import datetime
from pathlib import Path

import pytest

from zmqlab.learn import progress
from zmqlab.learn.progress import COURSE, Chapter, Map, Progress

WHEN = datetime.fromisoformat("2026-11-03T12:34:56+01:00")


@pytest.fixture
def labs(tmp_path, monkeypatch):
    """A course with a learner at work in its labs folder."""
    for folder in ("labs", "notebooks", "solutions"):
        (tmp_path / folder).mkdir()
    monkeypatch.delenv(progress.ELSEWHERE, raising=False)
    monkeypatch.chdir(tmp_path / "labs")
    return tmp_path / "labs"


@pytest.fixture
def kept(labs):
    return labs.parent / "progress.json"


def test_nothing_has_passed_at_first_and_looking_leaves_no_file(kept):
    assert progress.load() == Progress()
    assert not kept.exists()


@pytest.mark.parametrize("name", ["lab01", "01", "1", "01_share_out"])
def test_a_pass_is_kept_with_its_time(kept, name):
    before = datetime.now().astimezone().replace(microsecond=0)
    assert progress.record(name)
    passed = progress.load().labs
    assert list(passed) == ["01"]
    assert before <= passed["01"] <= datetime.now().astimezone()


def test_the_first_pass_is_the_one_that_counts(kept):
    kept.write_text(json.dumps({"labs": {"01": WHEN.isoformat()}}))
    assert progress.record("lab01")
    assert progress.load().labs == {"01": WHEN}


def test_it_can_be_seen_from_the_lessons(labs, monkeypatch):
    progress.record("lab02")
    monkeypatch.chdir(labs.parent / "notebooks")
    assert list(progress.load().labs) == ["02"]


@pytest.mark.parametrize("folder", ["solutions", "notebooks", "."])
def test_only_the_learners_labs_count(labs, kept, monkeypatch, folder):
    monkeypatch.chdir(labs.parent / folder)
    assert not progress.record("lab01")
    assert not kept.exists()


def test_a_labs_folder_outside_of_a_course_keeps_nothing(tmp_path, monkeypatch):
    (tmp_path / "labs").mkdir()
    monkeypatch.delenv(progress.ELSEWHERE, raising=False)
    monkeypatch.chdir(tmp_path / "labs")
    assert not progress.record("lab01")
    assert list(tmp_path.iterdir()) == [tmp_path / "labs"]


def test_a_build_can_ask_for_a_map_without_anybodys_progress(labs, kept, monkeypatch):
    progress.record("lab01")
    monkeypatch.setenv(progress.ELSEWHERE, "")
    assert progress.load() == Progress()
    assert not progress.record("lab02")


def test_what_it_does_not_know_is_kept(kept):
    kept.write_text(json.dumps({"name": "Zoë", "labs": {"99": WHEN.isoformat()}}))
    progress.record("lab01")
    content = json.loads(kept.read_text())
    assert content["name"] == "Zoë"
    assert sorted(content["labs"]) == ["01", "99"]


DAMAGED = [
    b"",
    b'{"labs": {"01": "2026-11-0',
    b"\xff\xfe\x00nonsense",
    b"[]",
    b"null",
    b'{"labs": []}',
    b'{"labs": {"01": true}}',
    b'{"labs": {"01": "yesterday"}}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("damaged", DAMAGED, ids=lambda text: repr(text[:24]))
def test_a_damaged_file_is_set_aside_with_a_notice(kept, damaged):
    kept.write_bytes(damaged)
    found = progress.load()
    assert found.labs == {}
    aside = re.search(r"progress\.damaged-\d{4}-\d\d-\d\d\.json", found.notice)[0]
    assert kept.with_name(aside).read_bytes() == damaged
    assert not kept.exists()
    assert progress.load() == Progress()  # said once


def test_no_damaged_file_takes_the_place_of_another(kept):
    for text in ("one", "two", "three"):
        kept.write_text(text)
        progress.load()
    aside = sorted(path.read_text() for path in kept.parent.glob("progress.damaged-*.json"))
    assert aside == ["one", "three", "two"]


def test_a_pass_is_noted_though_the_file_was_damaged_and_says_so(kept, capsys):
    kept.write_text("nonsense")
    assert progress.record("lab01")
    assert list(progress.load().labs) == ["01"]
    assert "set aside as progress.damaged-" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_or_written_is_said_and_left_alone(kept, capsys):
    kept.mkdir()
    assert "cannot be read" in progress.load().notice
    assert not progress.record("lab01")
    assert "could not be noted" in capsys.readouterr().err
    assert kept.is_dir()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(kept, monkeypatch, capsys):
    progress.record("lab01")
    before = kept.read_bytes()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert not progress.record("lab02")
    assert "No space left on device" in capsys.readouterr().err
    assert kept.read_bytes() == before
    assert {path.name for path in kept.parent.iterdir()} == {
        "labs",
        "notebooks",
        "solutions",
        "progress.json",
    }


def _record_many(folder, numbers, start):
    os.chdir(folder)
    start.wait(20)
    for number in numbers:
        progress.record(f"lab{number:02}")


@pytest.mark.slow
def test_kernels_that_write_at_once_lose_nothing(labs):
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    kernels = [
        spawn.Process(target=_record_many, args=(labs, range(first, 61, 3), start))
        for first in (1, 2, 3)
    ]
    for kernel in kernels:
        kernel.start()
    for kernel in kernels:
        kernel.join(30)
    assert [kernel.exitcode for kernel in kernels] == [0, 0, 0]
    assert sorted(progress.load().labs) == [f"{number:02}" for number in range(1, 61)]


# ------------------------------------------------------------------ the map


def chapters(course=COURSE):
    return [chapter for part in course.values() for chapter in part]


def test_the_map_of_a_beginner_points_to_the_first_lesson():
    text = str(Map(COURSE, Progress()))
    assert "✓" not in text
    assert text.count("○ to do") == sum(chapter.has_lab for chapter in chapters())
    assert text.endswith("Next: lesson 01, Share out a hundred tasks; then its lab.")


def test_the_map_shows_what_passed_and_points_to_the_first_that_did_not():
    there = Map(COURSE, Progress({"01": WHEN, "03": WHEN}))
    assert there.next.number == "02"
    assert str(there).count("✓ passed 2026-11-03") == 2
    assert there._repr_html_().count("✓ passed 2026-11-03") == 2


def test_the_map_of_one_who_did_it_all_has_something_left():
    done = Progress({chapter.number: WHEN for chapter in chapters()})
    assert Map(COURSE, done).next is None
    assert "Change a worked solution" in str(Map(COURSE, done))
    assert "Change a worked solution" in Map(COURSE, done)._repr_html_()


def test_text_and_html_tell_the_same():
    there = Map(COURSE, Progress({"01": WHEN}, notice="It is <damaged>."))
    shown = there._repr_html_()
    assert "It is &lt;damaged&gt;." in shown
    for chapter in chapters():
        for fact in (chapter.title, chapter.question):
            assert fact in shown
            assert fact in str(there)


def test_the_map_of_a_build_is_always_the_same(labs, monkeypatch):
    progress.record("lab01")
    monkeypatch.setenv(progress.ELSEWHERE, "")
    assert str(progress.map()) == str(Map(COURSE, Progress()))


def test_the_map_reads_the_learners_file(labs, kept):
    kept.write_text("nonsense")
    assert "set aside as progress.damaged-" in str(progress.map())
    progress.record("lab01")
    assert "✓ passed" in progress.map()._repr_html_()


def test_the_map_and_the_lessons_agree():
    sources = Path(__file__).parent.parent / "authoring" / "lessons"
    titles = {
        path.stem: re.search(r"^# # (.*)", path.read_text(encoding="utf-8"), re.M)[1]
        for path in sources.glob("*.py")
    }
    assert set(titles) == {chapter.name for chapter in chapters()}
    for chapter in chapters():
        assert titles[chapter.name].startswith(f"{int(chapter.number)} · {chapter.title}")


def test_numbers_are_unique_and_in_order():
    numbers = [chapter.number for chapter in chapters()]
    assert numbers == sorted(set(numbers))
    assert Chapter("07_policy", "", "").has_lab
