"""What the house rules say of notebooks and tests, where a machine can tell."""

import ast
import itertools
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import nbformat
import pytest

import build

ROOT = Path(__file__).parent.parent
LESSONS = [target for target in build.targets() if target.kind == "lesson"]
LABS = [target for target in build.targets() if target.kind == "lab"]
SOLUTIONS = [target for target in build.targets() if target.kind == "solution"]
TESTS = [*sorted((ROOT / "tests").glob("test_*.py")), ROOT / "tests" / "conftest.py"]
PACKAGE = sorted((ROOT / "zmqlab").rglob("*.py"))
LONGEST_CELL = 25
LONGEST_FILE = 400
# These hold samples of what is banned, as text.
HOLDS_SAMPLES = {"tests/test_build.py", "tests/test_repository.py"}


def name(target: build.Target) -> str:
    return f"{target.kind}-{target.source.stem}"


def cells(target: build.Target, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in build.unexecuted(target).cells if cell.cell_type == kind]


def code_of(target: build.Target) -> list[str]:
    return [cell.source for cell in cells(target, "code")]


def tree(source: str) -> ast.Module:
    """The syntax of a cell or file; a cell may await and use IPython's signs."""
    lines = ("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    code = compile(
        "\n".join(lines), "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    assert isinstance(code, ast.Module)
    return code


def parsed(path: Path) -> ast.Module:
    return tree(path.read_text(encoding="utf-8"))


# What a rule looks for: each gives the lines it objects to.


def text_of(node: ast.AST) -> str:
    """A string as far as the source says it; {} for what is filled in at run time."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            text_of(part) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return ""


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def sleeps(source: ast.AST) -> list[ast.Call]:
    return [
        node for node in ast.walk(source) if isinstance(node, ast.Call) and called(node) == "sleep"
    ]


WAITS = ("until", "eventually")


def sleeps_in_disguise(source: ast.AST) -> list[str]:
    """Waits for what never comes true, which are there for their time limit.

    Not where their end is what is tested: inside `with pytest.raises(…)`.
    """
    if isinstance(source, ast.With) and any(
        called(item.context_expr) == "raises"
        for item in source.items
        if isinstance(item.context_expr, ast.Call)
    ):
        return []
    found = [] if not waits_for_nothing(source) else [ast.unparse(source)]
    return found + [
        wait for node in ast.iter_child_nodes(source) for wait in sleeps_in_disguise(node)
    ]


def waits_for_nothing(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or called(node) not in WAITS or not node.args:
        return False
    condition = node.args[0]
    return (
        isinstance(condition, ast.Lambda)
        and isinstance(condition.body, ast.Constant)
        and not condition.body.value
    )


PRIVATE = re.compile(r"_(?!_)\w*[a-zA-Z]")


def private_names(source: ast.AST) -> tuple[set[str], set[str]]:
    """The private names that a module makes, and those that it uses; of `import x._y`, `_y`."""
    made, used = set(), set()
    for node in ast.walk(source):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            of_others = isinstance(node, ast.Attribute) and ast.unparse(node.value) != "self"
            (made if isinstance(node.ctx, ast.Store) and not of_others else used).add(name)
        elif isinstance(node, ast.Import):  # `import _thread`
            made.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            used.update(alias.name for alias in node.names)
            used.update((node.module or "").split("."))
    private = [{name for name in names if PRIVATE.fullmatch(name)} for names in (made, used)]
    return private[0], private[1]


def test_the_rule_on_private_names_tells_ones_own_from_anothers():
    own = "class A:\n    _x: int = 0\n    def f(self, other):\n        self._y = other._x\n"
    assert private_names(tree(own)) == ({"_x", "_y"}, {"_x"})
    assert private_names(tree("from a import _b, c\nc._d = c._e()\n_f = __name__")) == (
        {"_f"},
        {"_b", "_d", "_e"},
    )


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("lab.until(lambda: False, within=1)", True),
        ("eventually(lambda: None, 1, 'nothing')", True),
        ("lab.until(lambda: done, within=1)", False),
        ("lab.until(call.done)", False),
        ("with pytest.raises(GaveUp):\n    lab.until(lambda: False, within=1)", False),
    ],
)
def test_the_rule_on_sleeps_in_disguise_sees_what_it_is_for(source, found):
    assert bool(sleeps_in_disguise(tree(source))) is found


def outside_functions(source: ast.Module) -> ast.Module:
    """The code that runs when the cell does, without the bodies of what it defines."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

    class WithoutBodies(ast.NodeTransformer):
        def generic_visit(self, node: ast.AST) -> ast.AST | None:
            return None if isinstance(node, functions) else super().generic_visit(node)

    kept = WithoutBodies().visit(source)
    assert isinstance(kept, ast.Module)
    return kept


def shared_contexts(source: ast.AST) -> list[str]:
    return [
        ast.unparse(node)
        for node in ast.walk(source)
        if isinstance(node, ast.Attribute)
        and node.attr == "instance"
        and "ontext" in ast.unparse(node)
    ]


OPENS = ("bind", "connect", "create_server", "bind_to_random_port", "Popen", "start", "spawn")
# Port 0 asks the system for one; at port 1 nobody listens, and a test may want nobody.
FIXED_PORT = re.compile(r"(?:tcp|udp)://[^/]*:(?![01]$)\d+$")
EVERYWHERE = re.compile(r"(?:tcp|udp)://(?:\*|0\.0\.0\.0|\[::\])|^0\.0\.0\.0$|^::$")


def endpoints(source: ast.AST) -> Iterator[str]:
    """What is written out as an address where something is opened."""
    for node in ast.walk(source):
        if isinstance(node, ast.Call) and called(node) in OPENS:
            yield from (text_of(part) for argument in node.args for part in ast.walk(argument))


def bad_endpoints(source: ast.AST) -> list[str]:
    return [
        text for text in endpoints(source) if FIXED_PORT.search(text) or EVERYWHERE.search(text)
    ]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("s.bind('tcp://*:5555')", True),
        ("s.bind('tcp://0.0.0.0:0')", True),
        ("s.connect(f'tcp://localhost:{port}')", False),
        ("s.connect('tcp://localhost:5555')", True),
        ("lab.start('w1', worker, 'tcp://127.0.0.1:5557')", True),
        ("s.bind('tcp://127.0.0.1:0')", False),
        ("socket.create_server(('0.0.0.0', 0))", True),
        ("Tap('tcp://*:5555')", False),
    ],
)
def test_the_rule_on_endpoints_sees_what_it_is_for(source, found):
    assert bool(bad_endpoints(tree(source))) is found


def test_the_rule_on_sleep_tells_work_from_waiting():
    work = tree("def worker():\n    time.sleep(1)\n")
    wait = tree("with Experiment() as lab:\n    time.sleep(1)\n")
    assert sleeps(work)
    assert not sleeps(outside_functions(work))
    assert sleeps(outside_functions(wait))


# Tests


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_tests_wait_for_conditions_and_take_free_ports(path):
    source = tree(path.read_text(encoding="utf-8"))
    assert [ast.unparse(call) for call in sleeps(source)] == []
    assert shared_contexts(source) == []
    assert bad_endpoints(source) == []


def by_file(paths: Iterable[Path], find: Callable[[Path], object]) -> dict[str, object]:
    """What a rule finds in these files, by file; those in which it finds nothing left out."""
    found = {str(path.relative_to(ROOT)): find(path) for path in paths}
    return {file: what for file, what in found.items() if what and file not in HOLDS_SAMPLES}


def test_nobody_waits_for_what_never_comes():
    paths = [*PACKAGE, *TESTS, *sorted((ROOT / "tests" / "submissions").rglob("*.py"))]
    assert by_file(paths, lambda path: sleeps_in_disguise(parsed(path))) == {}


# The package


def test_a_private_name_is_used_where_it_is_made():
    """What a module uses and does not make is no private name of another module of ours."""
    names = {path: private_names(parsed(path)) for path in PACKAGE}

    def of_others(path: Path) -> list[str]:
        made, used = names[path]
        theirs = set().union(*(names[other][0] for other in PACKAGE if other != path))
        return sorted((used - made) & theirs)

    assert by_file(PACKAGE, of_others) == {}


def test_tests_import_no_private_name():
    def private(path: Path) -> list[str]:
        imports = (n for n in ast.walk(parsed(path)) if isinstance(n, ast.ImportFrom))
        names = {alias.name for node in imports for alias in node.names}
        return sorted(name for name in names if PRIVATE.fullmatch(name))

    assert by_file(sorted((ROOT / "tests").glob("*.py")), private) == {}


def test_a_file_of_the_package_is_not_long():
    def too_long(path: Path) -> int:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        return lines if lines > LONGEST_FILE else 0

    assert by_file(PACKAGE, too_long) == {}


# Code in notebooks


@pytest.mark.parametrize("target", LESSONS + SOLUTIONS, ids=name)
def test_notebooks_know_instead_of_sleeping(target):
    """A worker's work may be a sleep; what a cell waits for is a condition."""
    for source in code_of(target):
        assert [ast.unparse(call) for call in sleeps(outside_functions(tree(source)))] == []


@pytest.mark.parametrize("target", LESSONS + LABS + SOLUTIONS, ids=name)
def test_notebooks_own_their_contexts_and_ports(target):
    for source in code_of(target):
        assert shared_contexts(tree(source)) == []
        assert bad_endpoints(tree(source)) == []


@pytest.mark.parametrize("target", LESSONS + LABS, ids=name)
def test_code_cells_are_short(target):
    too_long = [c for c in code_of(target) if len(c.splitlines()) > LONGEST_CELL]
    assert [source.splitlines()[0] for source in too_long] == []


@pytest.mark.parametrize("target", LESSONS, ids=name)
def test_only_the_first_code_cell_of_a_lesson_imports(target):
    late = [
        ast.unparse(node)
        for source in code_of(target)[1:]
        for node in tree(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert late == []


@pytest.mark.parametrize("target", LESSONS + LABS + SOLUTIONS, ids=name)
def test_the_first_code_cell_leads_to_the_repair_where_the_course_is_missing(target):
    """What a Python without the course says is seen below that cell; lesson 00 asks for all."""
    first = code_of(target)[0]
    assert "environment.check()" in first or first.startswith(build.ELSEWHERE)


@pytest.mark.parametrize("target", LESSONS + SOLUTIONS, ids=name)
def test_no_cell_hides_its_value_behind_a_semicolon(target):
    """IPython hides it, nbval does not: the outputs would differ. Give the value a name."""
    assert [source for source in code_of(target) if source.rstrip().endswith(";")] == []


@pytest.mark.parametrize("target", LESSONS, ids=name)
def test_a_lesson_ends_by_showing_that_nothing_is_left(target):
    assert code_of(target)[-1].splitlines()[-1] == "assert_all_quiet()"


# Text in notebooks


def prose(target: build.Target) -> Iterator[str]:
    """The lines of the text cells, without what stands in fenced code."""
    for cell in cells(target, "markdown"):
        yield from re.sub(r"(?ms)^\s*```.*?^\s*```\s*$", "", cell.source).splitlines()


@pytest.mark.parametrize("target", LESSONS + LABS + SOLUTIONS, ids=name)
def test_one_title_and_headings_in_order(target):
    levels = [len(h[1]) for line in prose(target) if (h := re.match(r"(#+) ", line))]
    assert levels[:1] == [1], "the first heading is the title"
    assert levels.count(1) == 1, "one title"
    jumps = [(a, b) for a, b in itertools.pairwise(levels) if b > a + 1]
    assert jumps == [], "a heading skips a level"


CALLOUT = re.compile(r"> \*\*(?:Predict|Watch out|In practice)\.\*\* ")
LIKE_A_CALLOUT = re.compile(
    r"> ?\*\*|>\s*(?:Predict|Watch out|In practice)\b|\*\*(?:Predict|Watch out|In practice)\b", re.I
)


@pytest.mark.parametrize("target", LESSONS + LABS + SOLUTIONS, ids=name)
def test_callouts_have_one_of_three_forms(target):
    other = [
        line for line in prose(target) if LIKE_A_CALLOUT.match(line) and not CALLOUT.match(line)
    ]
    assert other == [], "> **Predict.** or > **Watch out.** or > **In practice.**"


# Outputs as they are committed


def built(target: build.Target) -> nbformat.NotebookNode:
    if not target.notebook.exists():
        pytest.skip(f"{target.notebook.name} has not been built")
    return nbformat.read(target.notebook, as_version=4)


def texts(cell: nbformat.NotebookNode) -> Iterator[str]:
    """What a cell shows in words: printed, or beside a picture; a repr of the figure is none."""
    for output in cell.outputs:
        if output.output_type == "stream":
            yield output.text
        for mime in ("text/plain", "text/html", "text/markdown"):
            if output.get("data", {}).get(mime, "<Figure").startswith("<Figure") is False:
                yield output.data[mime]


@pytest.mark.parametrize("target", LESSONS + SOLUTIONS, ids=name)
def test_a_picture_has_the_same_in_words_beside_it(target):
    for cell in built(target).cells:
        pictures = [
            output
            for output in cell.get("outputs", [])
            if any(mime.startswith("image/") for mime in output.get("data", {}))
        ]
        if pictures:
            assert "".join(texts(cell)).strip(), f"no words beside the picture of\n{cell.source}"


@pytest.mark.parametrize("target", SOLUTIONS, ids=name)
def test_a_solution_was_built_when_it_passed(target):
    """On a machine with too much to do a check may run out of time; the build does not see it."""
    lab = f"lab{target.source.stem[:2]}: "
    code = [cell for cell in built(target).cells if cell.cell_type == "code"]
    said = [text for cell in code for text in texts(cell) if text.startswith(lab)]
    assert said[-1].startswith(f"{lab}passed")


# The repository


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    paths = (ROOT / path for path in listed.stdout.split("\0") if path)
    return [
        path
        for path in paths
        if path.is_file() and str(path.relative_to(ROOT)) not in HOLDS_SAMPLES
    ]


def test_no_tracked_file_names_a_folder_of_a_machine():
    somebodys = re.compile(r"(?<![\w.:/-])/(?:home|root|Users|work)/\w")
    found = []
    for path in tracked():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
            for number, line in enumerate(lines, 1)
            if "image/png" not in line and somebodys.search(line)
        ]
    assert found == []


def test_each_lab_belongs_to_a_lesson():
    lessons = {target.source.stem for target in LESSONS}
    strays = [t.source.stem for t in LABS if t.source.stem not in lessons]
    assert strays == []
    for stem in lessons:
        assert re.fullmatch(r"\d\d_[a-z_]+", stem)


def requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dependencies: list[str] = project["dependencies"]
    return sorted(dependencies)


def listed(path: str) -> list[str]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return sorted(line for line in lines if line and not line.startswith(("#", "-e")))


def test_requirements_are_those_of_the_package():
    assert listed("requirements.txt") == requirements()


def test_the_oldest_column_tests_the_lower_ends():
    lowest = []
    for line in requirements():
        package, low = line.split(">=")
        low = low.split(",")[0]
        lowest.append(f"{package}=={low}{'.0' * (2 - low.count('.'))}")
    assert listed(".github/oldest.txt") == lowest
