import json
import multiprocessing
import os
import re
from datetime import datetime
from pathlib import Path

import pytest

from zmqlab.learn import progress
from zmqlab.learn.course import COURSE
from zmqlab.learn.progress import Map, Progress

WHEN = datetime.fromisoformat("2026-11-03T12:34:56+01:00")


@pytest.fixture
def labs(tmp_path, monkeypatch):
    """A course with a learner at work in its labs folder."""
    for folder in ("labs", "notebooks", "solutions"):
        (tmp_path / folder).mkdir()
    monkeypatch.delenv(progress.ELSEWHERE, raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(progress, "HOME", tmp_path / "no course")
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
    assert progress.record(name) == ""
    passed = progress.load().labs
    assert list(passed) == ["01"]
    assert before <= passed["01"] <= datetime.now().astimezone()


def test_the_first_pass_is_the_one_that_counts(kept):
    kept.write_text(json.dumps({"labs": {"01": WHEN.isoformat()}}))
    assert progress.record("lab01") == ""
    assert progress.load().labs == {"01": WHEN}


def test_it_can_be_seen_from_the_lessons(labs, monkeypatch):
    progress.record("lab02")
    monkeypatch.chdir(labs.parent / "notebooks")
    assert list(progress.load().labs) == ["02"]


@pytest.mark.parametrize("folder", ["solutions", "notebooks"])
def test_solutions_and_lessons_do_not_count(labs, kept, monkeypatch, folder):
    monkeypatch.chdir(labs.parent / folder)
    assert progress.record("lab01") == ""
    assert not kept.exists()


def test_where_nothing_tells_the_notebook_a_pass_is_not_noted_and_that_is_said(
    labs, kept, monkeypatch
):
    monkeypatch.chdir(labs.parent)
    assert "nothing says which notebook this is" in progress.record("lab01")
    assert not kept.exists()


class Shell:
    """What IPython gives for the kernel, as VS Code leaves it."""

    def __init__(self, notebook):
        self.user_ns = {"__vsc_ipynb_file__": str(notebook)}


@pytest.mark.parametrize("works_in", [".", "notebooks"])
def test_vs_code_says_which_notebook_it_is_wherever_the_kernel_works(
    labs, kept, monkeypatch, works_in
):
    monkeypatch.chdir(labs.parent / works_in)
    monkeypatch.setattr("IPython.get_ipython", lambda: Shell(labs / "01_share_out.ipynb"))
    assert progress.record("lab01") == ""
    assert list(progress.load().labs) == ["01"]
    assert kept.exists()
    monkeypatch.setattr("IPython.get_ipython", lambda: Shell(labs.parent / "solutions/02_x.ipynb"))
    assert progress.record("lab02") == ""
    assert list(progress.load().labs) == ["01"]


def test_jupyter_says_which_notebook_it_is(labs, kept, monkeypatch):
    monkeypatch.chdir(labs.parent)
    monkeypatch.setenv("JPY_SESSION_NAME", str(labs / "01_share_out.ipynb"))
    assert progress.record("lab01") == ""
    assert list(progress.load().labs) == ["01"]


def test_a_lab_that_was_moved_is_noted_in_the_course_around_the_package(
    labs, kept, tmp_path_factory, monkeypatch
):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "mine.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(elsewhere))
    monkeypatch.setattr(progress, "HOME", labs.parent)
    monkeypatch.chdir(elsewhere.parent)
    assert progress.record("lab01") == ""
    assert kept.exists()
    assert list(elsewhere.parent.iterdir()) == []


def test_outside_of_a_course_nothing_is_kept_and_that_is_said(labs, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("elsewhere") / "labs"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert "there is no course around this notebook" in progress.record("lab01")
    assert list(folder.parent.iterdir()) == [folder]


def test_a_build_can_ask_for_a_map_without_anybodys_progress(labs, kept, monkeypatch):
    progress.record("lab01")
    monkeypatch.setenv(progress.ELSEWHERE, "")
    assert progress.load() == Progress()
    assert progress.record("lab02") == ""


def test_what_it_does_not_know_is_kept(kept):
    kept.write_text(json.dumps({"name": "Zoë", "labs": {"99": WHEN.isoformat()}}))
    progress.record("lab01")
    content = json.loads(kept.read_text())
    assert content["name"] == "Zoë"
    assert sorted(content["labs"]) == ["01", "99"]


def test_a_lone_surrogate_is_kept_as_it_was(kept):
    kept.write_text('{"\\ud800": "\\udfff", "labs": {}}')
    assert progress.record("lab01") == ""
    assert json.loads(kept.read_text(encoding="utf-8"))["\ud800"] == "\udfff"
    assert list(progress.load().labs) == ["01"]


def test_a_link_stays_a_link_and_what_it_names_is_written(labs, kept, tmp_path_factory):
    real = tmp_path_factory.mktemp("synchronised") / "mine.json"
    kept.symlink_to(real)
    for lab in ("lab01", "lab02"):
        assert progress.record(lab) == ""
        assert kept.is_symlink()
    assert sorted(json.loads(real.read_text())["labs"]) == ["01", "02"]
    assert list(real.parent.iterdir()) == [real]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_file_keeps_its_mode(kept, mode):
    kept.write_text("{}")
    kept.chmod(mode)
    assert progress.record("lab01") == ""
    assert kept.stat().st_mode & 0o777 == mode


def test_a_new_file_has_the_mode_that_any_new_file_has(labs, kept):
    assert progress.record("lab01") == ""
    (labs / "other").touch()
    assert kept.stat().st_mode == (labs / "other").stat().st_mode


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


def test_a_pass_is_noted_though_the_file_was_damaged_and_says_so(kept):
    kept.write_text("nonsense")
    assert "set aside as progress.damaged-" in progress.record("lab01")
    assert list(progress.load().labs) == ["01"]


def test_a_file_that_cannot_be_read_or_written_is_said_and_left_alone(kept):
    kept.mkdir()
    assert "cannot be read" in progress.load().notice
    assert "could not be noted in progress.json: Is a directory" in progress.record("lab01")
    assert kept.is_dir()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(kept, monkeypatch):
    progress.record("lab01")
    before = kept.read_bytes()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device" in progress.record("lab02")
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


def test_the_map_of_a_beginner_points_to_the_first_lesson():
    text = str(Map(COURSE, Progress()))
    assert "✓" not in text
    assert text.count("○ to do") == sum(chapter.has_lab for chapter in COURSE)
    assert text.endswith("Next: lesson 01, Share out a hundred tasks; then its lab.")


def test_the_map_shows_what_passed_and_points_to_the_first_that_did_not():
    there = Map(COURSE, Progress({"01": WHEN, "03": WHEN}))
    assert there.next.number == "02"
    assert str(there).count("✓ passed 2026-11-03") == 2
    assert there._repr_html_().count("✓ passed 2026-11-03") == 2


def test_the_map_of_one_who_did_it_all_has_something_left():
    done = Progress({chapter.number: WHEN for chapter in COURSE})
    assert Map(COURSE, done).next is None
    assert "Change a worked solution" in str(Map(COURSE, done))
    assert "Change a worked solution" in Map(COURSE, done)._repr_html_()


def test_text_and_html_tell_the_same():
    there = Map(COURSE, Progress({"01": WHEN}, notice="It is <damaged>."))
    shown = there._repr_html_()
    assert "It is &lt;damaged&gt;." in shown
    for chapter in COURSE:
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
    assert set(titles) == {chapter.name for chapter in COURSE}
    for chapter in COURSE:
        assert titles[chapter.name].startswith(f"{int(chapter.number)} · {chapter.title}")
