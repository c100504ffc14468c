import json
import textwrap
from pathlib import Path

import nbformat
import pytest

import build

LESSON = """
    # %% [markdown]
    # # Count to three

    # %%
    print(1)

    # %%
    1 + 1
"""
LAB = '''
    # %% [markdown]
    # # Add one

    # %%
    def add(number: int) -> int:
        """One more than `number`."""
        ### BEGIN SOLUTION
        more = number + 1
        return more
        ### END SOLUTION


    # %% [markdown] tags=["solution-only"]
    # One more is the successor.

    # %%
    try:
        print(add(1))
    except NotImplementedError as undone:
        print(undone)
'''


def write(root: Path, place: str, text: str) -> Path:
    source = root / "authoring" / place
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(textwrap.dedent(text).lstrip())
    return source


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def one_target(root: Path, kind: str) -> build.Target:
    (target,) = [target for target in build.targets(root) if target.kind == kind]
    return target


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# holes


def test_a_hole_says_which_function_is_to_be_written(tmp_path):
    write(tmp_path, "labs/01_add.py", LAB)
    lab = build.unexecuted(one_target(tmp_path, "lab"))
    source = code(lab)[0].source
    assert "number + 1" not in source
    assert source.endswith(
        '    raise NotImplementedError("add is yours to write: replace this line with your code.")'
    )
    compile(source, "lab", "exec")


def test_a_hole_keeps_the_indentation_of_its_mark():
    hole = "        ### BEGIN SOLUTION\n        x = 1\n        ### END SOLUTION\n"
    source = f"def f():\n    if True:\n{hole}    return 2"
    lines = build.with_holes(source, "x.py").splitlines()
    assert lines[2].startswith("        raise NotImplementedError(")
    assert lines[3] == "    return 2"


def test_two_holes_in_a_cell_are_named_each_after_its_function():
    hole = "    ### BEGIN SOLUTION\n    def inner(): ...\n    ### END SOLUTION\n"
    cut = build.with_holes(f"def one():\n{hole}async def two():\n{hole}", "x.py")
    assert [line.split('"')[1].split()[0] for line in cut.splitlines() if "raise" in line] == [
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "### BEGIN SOLUTION\nx = 1\n### END SOLUTION",
        "def f():\n    ### BEGIN SOLUTION\n    return 1",
        "def f():\n    return 1\n    ### END SOLUTION",
        "def f():\n    ### BEGIN SOLUTION\n    ### BEGIN SOLUTION\n    ### END SOLUTION",
    ],
)
def test_marks_that_do_not_pair_inside_a_function_stop_the_build(source):
    with pytest.raises(build.BuildError, match=r"SOLUTION|solution"):
        build.with_holes(source, "x.py")


def test_the_solution_keeps_its_marks_and_tells_nbgrader_what_to_cut(tmp_path):
    write(tmp_path, "labs/01_add.py", LAB)
    solution = build.unexecuted(one_target(tmp_path, "solution"))
    hole, answer = solution.cells[1], solution.cells[2]
    assert build.BEGIN in hole.source
    assert (hole.metadata.nbgrader.solution, hole.metadata.nbgrader.grade) == (True, False)
    assert (answer.metadata.nbgrader.solution, answer.metadata.nbgrader.grade) == (True, True)


def test_what_is_for_the_solution_only_is_not_in_the_lab(tmp_path):
    write(tmp_path, "labs/01_add.py", LAB)
    lab = build.unexecuted(one_target(tmp_path, "lab"))
    solution = build.unexecuted(one_target(tmp_path, "solution"))
    assert not any("successor" in cell.source for cell in lab.cells)
    assert any("successor" in cell.source for cell in solution.cells)


def test_no_tag_for_the_builder_reaches_a_notebook(tmp_path):
    write(tmp_path, "labs/01_add.py", LAB)
    for target in build.targets(tmp_path):
        assert "solution-only" not in json.dumps(build.unexecuted(target))


def test_an_unknown_tag_stops_the_build(tmp_path):
    write(tmp_path, "lessons/01_x.py", '# %% tags=["raise-exception"]\n1 / 0\n')
    with pytest.raises(build.BuildError, match="unknown tag raise-exception"):
        build.unexecuted(one_target(tmp_path, "lesson"))


# determinism


def test_the_same_source_gives_the_same_notebook(tmp_path):
    write(tmp_path, "lessons/01_x.py", LESSON)
    target = one_target(tmp_path, "lesson")
    assert build.unexecuted(target) == build.unexecuted(target)


def test_cells_alike_get_ids_that_differ(tmp_path):
    write(tmp_path, "lessons/01_x.py", "# %%\nprint(1)\n\n# %%\nprint(1)\n")
    first, second = build.unexecuted(one_target(tmp_path, "lesson")).cells
    assert second.id == f"{first.id}-2"


def test_an_edit_changes_no_other_cells_id(tmp_path):
    source = write(tmp_path, "lessons/01_x.py", LESSON)
    target = one_target(tmp_path, "lesson")
    before = [cell.id for cell in build.unexecuted(target).cells]
    source.write_text(source.read_text().replace("print(1)", "print(3)"))
    after = [cell.id for cell in build.unexecuted(target).cells]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


# outputs


def output(**fields):
    return nbformat.from_dict(fields)


def test_a_live_widget_is_kept_as_its_picture_and_text(tmp_path):
    write(tmp_path, "lessons/01_x.py", LESSON)
    target = one_target(tmp_path, "lesson")
    data = {build.WIDGET_VIEW: {"model_id": "1f"}, "image/png": "iVBO", "text/plain": "shares"}
    kept = build.portable(output(output_type="display_data", data=data, metadata={}), target)
    assert set(kept.data) == {"image/png", "text/plain"}
    only = {build.WIDGET_VIEW: {"model_id": "1f"}}
    assert (
        build.portable(output(output_type="display_data", data=only, metadata={}), target) is None
    )


def executed_with(tmp_path: Path, *outputs) -> list[str]:
    write(tmp_path, "lessons/01_x.py", "# %%\nprint(1)\n")
    target = one_target(tmp_path, "lesson")
    notebook = build.unexecuted(target)
    notebook.cells[0].outputs = list(outputs)
    notebook.cells[0].execution_count = 1
    return build.output_problems(notebook, target)


@pytest.mark.parametrize(
    "text",
    ["see /home/someone/course", "/tmp/1-kernel.json", "(/Users/me/x.py)", "at 0x7f12d4232490"],
)
def test_what_differs_on_the_next_machine_is_a_problem(tmp_path, text):
    assert executed_with(tmp_path, output(output_type="stream", name="stdout", text=text))


@pytest.mark.parametrize("text", ["and/or", "zmqlab/run/experiment.py", "https://a.example/home/x"])
def test_what_only_looks_like_a_path_is_none(tmp_path, text):
    assert not executed_with(tmp_path, output(output_type="stream", name="stdout", text=text))


def test_the_checkouts_own_folder_is_a_problem(tmp_path):
    text = f"{tmp_path}/notebooks"
    assert executed_with(tmp_path, output(output_type="stream", name="stdout", text=text))


def test_a_warning_is_a_problem(tmp_path):
    assert executed_with(tmp_path, output(output_type="stream", name="stderr", text="oh"))


# the whole way, with a kernel


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("course")
    write(root, "lessons/01_count.py", LESSON)
    write(root, "labs/01_add.py", LAB)
    assert build.main([], root) == 0
    return root


@pytest.mark.slow
def test_lessons_and_solutions_are_kept_with_outputs_and_counts(built):
    lesson = read(built / "notebooks" / "01_count.ipynb")
    assert [cell.execution_count for cell in code(lesson)] == [1, 2]
    assert code(lesson)[0].outputs[0].text == "1\n"
    assert code(read(built / "solutions" / "01_add.ipynb"))[1].outputs[0].text == "2\n"


@pytest.mark.slow
def test_labs_are_shipped_without_outputs(built):
    lab = read(built / "labs" / "01_add.ipynb")
    assert all(not cell.outputs and cell.execution_count is None for cell in code(lab))


@pytest.mark.slow
def test_a_second_build_executes_nothing(built, capsys):
    assert build.main([], built) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_a_notebook_as_built_passes_the_check(built, capsys):
    assert build.main(["--check"], built) == 0
    assert "3 notebooks match" in capsys.readouterr().out


@pytest.mark.slow
def test_a_kernel_works_in_the_notebooks_own_folder(tmp_path):
    write(tmp_path, "lessons/01_x.py", "# %%\nfrom pathlib import Path\nprint(Path.cwd().name)\n")
    assert build.main([], tmp_path) == 0
    assert code(read(tmp_path / "notebooks" / "01_x.ipynb"))[0].outputs[0].text == "notebooks\n"


@pytest.mark.slow
def test_a_cell_that_raises_stops_the_build_and_is_named(tmp_path, capsys):
    write(tmp_path, "lessons/01_x.py", "# %%\nprint(1)\n\n# %%\nvalue = 0\n1 / value\n")
    assert build.main([], tmp_path) == 1
    message = capsys.readouterr().err
    assert "01_x.py, as lesson: the cell that begins with\n    value = 0" in message
    assert "ZeroDivisionError" in message
    assert not (tmp_path / "notebooks" / "01_x.ipynb").exists()


@pytest.mark.slow
def test_a_cell_that_is_to_raise_may_and_shows_no_library_code(tmp_path):
    write(
        tmp_path,
        "lessons/01_x.py",
        '# %% tags=["raises-exception"]\nimport json\njson.loads("{")\n',
    )
    assert build.main([], tmp_path) == 0
    (shown,) = code(read(tmp_path / "notebooks" / "01_x.ipynb"))[0].outputs
    assert shown.ename == "JSONDecodeError"
    assert not any("decoder.py" in frame for frame in shown.traceback)


# the check, without a kernel


def copied(tmp_path: Path) -> build.Target:
    """A lab, which needs no kernel to build."""
    write(tmp_path, "labs/01_add.py", LAB)
    lab = one_target(tmp_path, "lab")
    build.build(lab)
    return lab


def test_a_notebook_changed_by_hand_is_found(tmp_path):
    lab = copied(tmp_path)
    assert build.problems(lab) == []
    notebook = read(lab.notebook)
    notebook.cells[0].source += "\nby hand"
    nbformat.write(notebook, lab.notebook)
    assert build.problems(lab) == ["its cells or metadata were changed by hand"]


def test_outputs_in_a_lab_are_found(tmp_path):
    lab = copied(tmp_path)
    notebook = read(lab.notebook)
    code(notebook)[0].execution_count = 1
    nbformat.write(notebook, lab.notebook)
    assert build.problems(lab) == ["it has outputs, and a lab is shipped without"]


def test_a_changed_source_is_found_with_what_to_edit_and_run(tmp_path, capsys):
    lab = copied(tmp_path)
    lab.source.write_text(lab.source.read_text() + "\n# %%\nprint(2)\n")
    assert build.main(["--check"], tmp_path) == 1
    message = capsys.readouterr().out
    assert "labs/01_add.ipynb: its source has changed since it was built" in message
    assert "edit authoring/labs/01_add.py" in message
    assert "run: python authoring/build.py labs/01_add" in message


def test_a_notebook_without_a_source_is_found(tmp_path, capsys):
    stray = tmp_path / "notebooks" / "09_stray.ipynb"
    stray.parent.mkdir()
    stray.write_text("{}")
    assert build.main(["--check"], tmp_path) == 1
    message = capsys.readouterr().out
    assert "notebooks/09_stray.ipynb: it has no source" in message
    assert "authoring/lessons/09_stray.py" in message


def test_a_name_that_matches_nothing_is_said(tmp_path, capsys):
    copied(tmp_path)
    assert build.main(["04_nothing"], tmp_path) == 1
    assert "no source is called 04_nothing" in capsys.readouterr().err
