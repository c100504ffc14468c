"""The learner's own copy: no answers in it, and nothing of the learner's is ever lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from zmqlab.learn import mine

LESSON, LAB, SOLUTION = "notebooks/01_x.ipynb", "labs/01_x.ipynb", "solutions/01_x.ipynb"


def notebook(*sources, output="the answer"):
    outputs = [{"output_type": "stream", "name": "stdout", "text": output}]
    cells = [
        {"cell_type": "code", "source": source, "outputs": outputs, "execution_count": 1}
        for source in sources
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def source(path):
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


@pytest.fixture
def course(tmp_path):
    for name in (LESSON, LAB, SOLUTION):
        put(tmp_path / name, notebook(name))
    mine.update(tmp_path)
    return tmp_path


def test_lessons_and_labs_come_without_answers_and_solutions_with(course):
    assert "the answer" not in (course / "mine" / LESSON).read_text()
    assert "the answer" not in (course / "mine" / LAB).read_text()
    assert "the answer" in (course / "mine" / SOLUTION).read_text()


def test_what_was_run_only_is_brought_up_to_date(course):
    put(course / "mine" / LESSON, notebook(LESSON, output="what the learner's run printed"))
    put(course / LESSON, notebook("a new text"))
    assert mine.update(course) == []
    assert source(course / "mine" / LESSON) == ["a new text"]


def test_a_run_stays_while_the_course_is_the_same(course):
    put(course / "mine" / LESSON, notebook(LESSON, output="what the learner's run printed"))
    assert mine.update(course) == []
    assert "what the learner's run printed" in (course / "mine" / LESSON).read_text()


def test_what_the_learner_wrote_stays_and_the_new_one_lies_beside_it(course):
    put(course / "mine" / LAB, notebook("my own code"))
    assert mine.update(course) == []
    put(course / LAB, notebook("a new lab"))
    (line,) = mine.update(course)
    assert LAB in line
    assert "01_x.new.ipynb" in line
    assert source(course / "mine" / LAB) == ["my own code"]
    assert source(course / "mine" / "labs" / "01_x.new.ipynb") == ["a new lab"]
    assert mine.update(course) == [], "it is said once"
    assert source(course / "mine" / LAB) == ["my own code"]


def test_without_a_manifest_nothing_is_written_over(course):
    put(course / "mine" / LAB, notebook("my own code"))
    (course / "mine" / mine.GIVEN).write_text("damaged")
    assert len(mine.update(course)) == 1
    assert source(course / "mine" / LAB) == ["my own code"]


def test_a_file_that_is_no_notebook_is_the_learners_too(course):
    (course / "mine" / LAB).write_text("half a note")
    put(course / LAB, notebook("a new lab"))
    assert len(mine.update(course)) == 1
    assert (course / "mine" / LAB).read_text() == "half a note"


def test_what_was_deleted_comes_back(course):
    (course / "mine" / LAB).unlink()
    assert mine.update(course) == []
    assert source(course / "mine" / LAB) == [LAB]


@pytest.mark.parametrize("changed", [False, True])
def test_what_the_course_has_no_more_goes_unless_it_was_changed(course, changed):
    if changed:
        put(course / "mine" / LAB, notebook("my own code"))
    (course / LAB).unlink()
    assert len(mine.update(course)) == changed
    assert (course / "mine" / LAB).exists() is changed


def test_reset_gives_it_out_anew_and_sets_the_learners_aside(course):
    for text in ("my first try", "my second try"):
        put(course / "mine" / LAB, notebook(text))
        assert [line.split(":")[0] for line in mine.reset("01", course)] == [LESSON, LAB, SOLUTION]
    assert source(course / "mine" / LAB) == [LAB]
    kept = sorted(source(path)[0] for path in (course / "mine" / "labs").glob("*old*"))
    assert kept == ["my first try", "my second try"]


def test_reset_of_a_name_that_nothing_has_says_so(course):
    with pytest.raises(ValueError, match="'99'"):
        mine.reset("99", course)


def test_progress_moves_into_the_copy_once(course):
    (course / "progress.json").write_text("old")
    mine.update(course)
    assert (course / "mine" / "progress.json").read_text() == "old"
    (course / "progress.json").write_text("from elsewhere")
    mine.update(course)
    assert (course / "mine" / "progress.json").read_text() == "old"


def test_settings_of_others_stay(tmp_path):
    path = tmp_path / "share/jupyter/lab/settings/overrides.json"
    put(path, {"@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"}})
    for _ in range(2):
        mine.settle(tmp_path)
        assert json.loads(path.read_text()) == {
            "@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"},
            **mine.SETTINGS,
        }


def test_the_copy_of_this_course_is_out_of_gits_sight(tmp_path):
    root = Path(mine.__file__).parents[2]
    ignored = subprocess.run(["git", "check-ignore", "mine/labs/x"], cwd=root, capture_output=True)
    if ignored.returncode == 128:
        pytest.skip("not a git checkout")
    assert ignored.stdout


def test_the_command_says_what_it_does():
    done = subprocess.run(
        [sys.executable, "-m", "zmqlab.learn.mine", "--help"], capture_output=True, text=True
    )
    assert "--reset" in done.stdout
