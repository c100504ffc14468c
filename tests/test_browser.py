"""The course in the real JupyterLab, in a headless Chromium: what a learner does on the first day.

Screenshots are left in build/screenshots/. The notebooks are copies; the learner's are not touched.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image

import build
from zmqlab.learn import mine
from zmqlab.run.threads import eventually
from zmqlab.show.look import NIGHT, PAPER

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

ROOT = Path(__file__).parent.parent
SCREENSHOTS = ROOT / "build" / "screenshots"
FIRST, SECOND = "notebooks/00_start_here.ipynb", "notebooks/01_share_out.ipynb"
LAB = "labs/01_share_out.ipynb"
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PREDICTION = ".zmqlab-field"
PREDICTIONS = """
from zmqlab.show import Prediction
number = Prediction("Tasks < 100 & more", low=0, high=100)
who = Prediction("Which worker?", choices=["w1", "w2", "by chance"])
display(number, number.compare(7), who, who.compare("w2"))
"""
# One of each kind of what a lesson or lab shows; the test's own folder has a history to show.
ALL_KINDS = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from IPython.display import HTML
from test_replay import idle_worker_broker
from zmqlab.check.report import Report, failed, passed, undecided
from zmqlab.learn import progress
from zmqlab.show import Picture, Prediction, Replay, Sliders, bars, plots
from zmqlab.wire.record import Record, Wire
from zmqlab.wire.trail import follow
from zmqlab.wire.zmtp import Unit

h = idle_worker_broker(ready_first=True).journal
few = Prediction("Workers of three", 1, low=0, high=3)
long = "by chance, and nobody can say so before all of the workers have said that they are ready"
who = Prediction("Which worker?", "w1", choices=["w1", "w2", long])
display(few, few.compare(2), who, who.compare("w2"), Replay(h, follow=b"hello"), follow(h))
wire = Wire([Record(1.0, 1, "→", Unit("message", b"x" * 80, 80, 0))])
display(wire, HTML(bars({{f"w{{n}}": n for n in range(1, 9)}}, "tasks", 40)), progress.map())
told = "a word for each and every worker who got it, and another for who did not, " * 3
findings = passed("one", told), failed("two", told, told, h), undecided("three", told)
display(Report("lab05", findings, told, told))
Sliders(lambda load: Picture(plots.shares, {{"w1": round(load * 9)}}), load=(0.0, 1.0, 0.1, 0.5))
"""
# Words that do not stand out from their ground by 4.5 to 1, and lines by 3 to 1 (WCAG 2.2).
FAINT = """() => {
    const channels = (colour) => {
        const canvas = document.createElement("canvas").getContext("2d");
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) =>
        under.map((c, n) => top[n] * top[3] + c * (1 - top[3]));
    const ground = (e) => {
        if (!e) return [255, 255, 255];
        const own = channels(getComputedStyle(e).backgroundColor);
        return own[3] === 1 ? own.slice(0, 3) : over(own, ground(e.parentElement));
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((c) => c / 255)
            .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (colour, e) => {
        const under = ground(e);
        const [a, b] = [light(over(channels(colour), under)), light(under)];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    };
    const found = [];
    const note = (e, what, colour, least) => {
        const ratio = contrast(colour, e);
        if (ratio < least) {
            const name = e.getAttribute("class") ?? e.textContent.slice(0, 20);
            found.push(`${what} ${ratio.toFixed(2)}: ${e.tagName} ${name}`);
        }
    };
    for (const e of window.panel.content.node.querySelectorAll(".jp-OutputArea-output *")) {
        const style = getComputedStyle(e);
        const words = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!e.checkVisibility() || e.closest("style")) continue;
        if (words) note(e, "words", e.closest("svg") ? style.fill : style.color, 4.5);
        if (e.closest("svg") && e.tagName !== "text" && style.stroke !== "none") {
            note(e, "line", style.stroke, 3);
        }
        if (e.tagName === "CODE" || e.classList.contains("box")) {
            note(e.parentElement, "edge", style.borderTopColor, 3);
        }
    }
    return found;
}"""
# What has no room for all that is in it.
CUT = """() => [...window.panel.content.node.querySelectorAll(".jp-OutputArea-output *")]
    .filter((e) => e.checkVisibility() && e.clientWidth > 0
        && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline")
    .map((e) => `${e.tagName} ${e.getAttribute("class")}: ${e.scrollWidth} > ${e.clientWidth}`)
"""
SECONDS_PER_NOTEBOOK = 120

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def no_leftovers() -> None:
    """The driver keeps its threads from test to test; they end with the browser."""


def chromium() -> str:
    """The browser to drive; one that is there but does not start is not there."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path and not subprocess.run([path, "--version"], capture_output=True).returncode:
            return path
    pytest.skip("no Chromium here: on Debian, apt-get install chromium")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A learner's copy of the course, and JupyterLab's settings as `make lab` writes them."""
    if not all((ROOT / path).exists() for path in (FIRST, SECOND, LAB)):
        pytest.skip("the first notebooks have not been built")
    course = tmp_path_factory.mktemp("course")
    mine.settle()
    mine.update(ROOT, course)
    return course


@pytest.fixture(scope="module")
def address(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running JupyterLab with settings of its own; the address with its token."""
    own = tmp_path_factory.mktemp("jupyter")
    for name, values in SETTINGS.items():
        path = own / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "IPYTHONDIR": str(own / "ipython"),
    }
    environment.pop("ZMQLAB_PROGRESS", None)  # the learner's progress is what is looked at
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = (own / "log").open("w")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser"),
            *("--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
        ],
        cwd=course,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )

    def info() -> dict[str, Any]:
        (file,) = (own / "runtime").glob("jpserver-*.json")
        read: dict[str, Any] = json.loads(file.read_text())
        return read

    def answers() -> bool:
        assert server.poll() is None, (own / "log").read_text()
        try:
            with socket.create_connection(("127.0.0.1", info()["port"]), timeout=1):
                return True
        except (ValueError, OSError):  # not there yet, or half written
            return False

    try:
        eventually(answers, within=60, what="JupyterLab to answer", every=0.05)
        yield f"{info()['url']}lab?token={info()['token']}"
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


class Lab:
    """JupyterLab as a page: its notebooks by path, its commands, what the cells show."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def start(self, address: str) -> None:
        self.page.goto(address)
        self.page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
        self.page.evaluate("() => window.jupyterapp.restored")

    def open(self, path: str) -> None:
        """Open a notebook and wait until its kernel is connected and idle."""
        self.page.evaluate(
            """async (path) => {
                const app = window.jupyterapp;
                const open = {path, factory: "Notebook"};
                const panel = await app.commands.execute("docmanager:open", open);
                await panel.context.ready;
                const session = panel.sessionContext;
                await session.ready;
                while (!(session.session?.kernel?.connectionStatus === "connected"
                         && session.session.kernel.status === "idle")) {
                    await new Promise((done) => setTimeout(done, 20));
                }
                app.shell.activateById(panel.id);
                window.panel = panel;
            }""",
            path,
        )

    def saved_widgets(self) -> int:
        """Save the open notebook; how many widgets are in it."""
        saved: int = self.page.evaluate(
            """async () => {
                await window.panel.context.save();
                const { metadata } = window.panel.content.model.toJSON();
                const mime = "application/vnd.jupyter.widget-state+json";
                return Object.keys(metadata.widgets?.[mime]?.state ?? {}).length;
            }"""
        )
        return saved

    def all_widgets_are_saved(self) -> bool:
        """Save the open notebook; whether each widget that it shows is in it."""
        whole: bool = self.page.evaluate(
            """async () => {
                await window.panel.context.save();
                const { cells, metadata } = window.panel.content.model.toJSON();
                const mime = "application/vnd.jupyter.widget-state+json";
                const state = metadata.widgets?.[mime]?.state ?? {};
                const view = "application/vnd.jupyter.widget-view+json";
                return cells.flatMap((cell) => cell.outputs ?? [])
                    .map((output) => output.data?.[view]?.model_id)
                    .every((id) => !id || id in state);
            }"""
        )
        return whole

    def close(self) -> None:
        """Save the open notebook with all of its widgets, end its kernel, and close it.

        A page makes its widgets when it comes to it: what is saved before lacks those to come.
        """
        eventually(self.all_widgets_are_saved, within=30, what="all widgets to be saved")
        self.page.evaluate(
            """async () => {
                const { panel } = window;
                await panel.sessionContext.shutdown();
                panel.dispose();
            }"""
        )

    def run_all(self) -> None:
        """Run all cells of the open notebook, and wait for the last one."""
        done = self.page.evaluate(
            """(seconds) => Promise.race([
                window.jupyterapp.commands.execute("notebook:run-all-cells").then(() => true),
                new Promise((done) => setTimeout(() => done(false), seconds * 1000)),
            ])""",
            SECONDS_PER_NOTEBOOK,
        )
        assert done, f"Run All did not end within {SECONDS_PER_NOTEBOOK} s"

    def outputs(self) -> list[dict[str, Any]]:
        """All outputs of the open notebook, in nbformat's form."""
        found: list[dict[str, Any]] = self.page.evaluate(
            """() => Array.from(window.panel.content.model.cells)
                .filter((cell) => cell.type === "code")
                .flatMap((cell) => cell.outputs.toJSON())"""
        )
        return found

    def errors(self) -> list[str]:
        return [
            f"{o['ename']}: {o['evalue']}" for o in self.outputs() if o["output_type"] == "error"
        ]

    def here(self, selector: str) -> Any:
        """What the open notebook has of a kind."""
        return self.page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) {selector}")

    def shown(self) -> str:
        """The words on the page below the cells, as a reader sees them."""
        areas = self.here(".jp-OutputArea-output")
        return "\n".join(areas.all_inner_texts())

    def write(self, cell: int, source: str) -> None:
        """Replace what stands in a cell, by keyboard."""
        editor = self.here(f".jp-Cell >> nth={cell} >> .cm-content")
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(source)

    def theme(self, name: str) -> None:
        self.page.evaluate(
            "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name
        )
        light = "true" if name == "JupyterLab Light" else "false"
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    def picture(self, name: str, *, whole: bool = True) -> None:
        """Keep the notebook, or what is in view of it, as a picture in a dark and a light theme."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        if whole:
            high = self.page.evaluate(
                """() => Array.from(window.panel.content.node.querySelectorAll(".jp-Cell"))
                    .reduce((sum, cell) => sum + cell.offsetHeight + 10, 0)"""
            )
            self.page.set_viewport_size({"width": 1200, "height": min(10_000, high + 200)})
            self.page.evaluate(
                """() => window.panel.content.node.querySelector(".jp-WindowedPanel-outer")
                    .scrollTo(0, 0)"""
            )
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            self.theme(theme)
            self.page.screenshot(path=SCREENSHOTS / f"{name}-{theme.split()[1].lower()}.png")
        self.page.set_viewport_size({"width": 1200, "height": 900})

    def enlarged(self, name: str, selector: str) -> None:
        """Keep the first such output at 200 % zoom, in a dark and a light theme.

        A page zoomed to 200 % has half as many pixels of CSS; the file browser is put away.
        """
        self.page.set_viewport_size({"width": 600, "height": 450})
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            self.theme(theme)
            self.here(selector).first.scroll_into_view_if_needed()
            kept = SCREENSHOTS / f"{name}-200-{theme.split()[1].lower()}.png"
            self.page.screenshot(path=kept)
        self.page.set_viewport_size({"width": 1200, "height": 900})


@pytest.fixture(scope="module")
def lab(address: str) -> Iterator[Lab]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
        page.set_default_timeout(60_000)
        lab = Lab(page)
        lab.start(address)
        yield lab
        browser.close()


def move_the_first_slider(lab: Lab) -> tuple[str, str]:
    """Move a prediction by one arrow key; what stood in the comparisons before and after."""
    slider = lab.here(PREDICTION).get_by_role("slider").first
    said = lab.here(".jp-OutputArea [role=status]")
    slider.scroll_into_view_if_needed()
    slider.focus()
    before, value = "\n".join(said.all_inner_texts()), slider.input_value()
    lab.page.keyboard.press("ArrowRight")
    eventually(lambda: slider.input_value() != value, within=10, what="the slider to move")
    eventually(
        lambda: "\n".join(said.all_inner_texts()) != before,
        within=10,
        what="the comparison to follow the slider",
    )
    return before, "\n".join(said.all_inner_texts())


def test_the_front_door_runs(lab):
    lab.open(FIRST)
    lab.run_all()
    assert lab.errors() == []
    assert "○ to do" in lab.shown()
    for picture in lab.here(".jp-OutputArea-output img").all():  # one was a moving one
        picture.wait_for(state="visible")
    lab.picture("00_start_here")


def test_a_lesson_runs_and_its_prediction_follows_the_keyboard(lab):
    lab.open(SECOND)
    lab.run_all()
    assert lab.errors() == []
    before, after = move_the_first_slider(lab)
    assert "no guess this time" in before
    assert "you predicted" in after
    lab.picture("01_share_out")
    lab.enlarged("prediction", PREDICTION)


def test_a_prediction_has_a_name_and_choices_are_made_by_keyboard(lab):
    """Shift+Enter is still the notebook's: it runs the cell."""
    lab.open(FIRST)
    lab.write(1, PREDICTIONS)
    lab.page.keyboard.press("Shift+Enter")
    predictions = lab.here(f".jp-Cell >> nth=1 >> {PREDICTION}")  # the lesson has some, too
    slider = predictions.get_by_role("slider", name="Tasks < 100 & more", exact=True)
    slider.wait_for()
    assert slider.get_attribute("aria-valuetext") == "no guess yet"
    ends = predictions.first.locator(".ends").bounding_box()
    assert [ends[side] for side in ("x", "width")] == [
        slider.bounding_box()[side] for side in ("x", "width")
    ]
    predictions.first.locator(".question").click()
    assert slider.get_attribute("aria-valuetext") == "no guess yet"
    slider.click()  # in the middle, where it is already
    assert slider.get_attribute("aria-valuetext") == "50"
    slider.focus()
    lab.page.keyboard.press("ArrowUp")  # in a notebook this key is the cell above's
    lab.page.keyboard.press("ArrowLeft")
    lab.page.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "49"
    first = predictions.get_by_role("group", name="Which worker?").get_by_role("radio").first
    first.focus()
    lab.page.keyboard.press("ArrowDown")
    said = lab.here(".jp-OutputArea [role=status]")
    eventually(
        lambda: "you predicted w2, and so it is" in "".join(said.all_inner_texts()),
        within=10,
        what="the comparison to follow the choice",
    )
    outputs = predictions.locator("output").all_inner_texts()
    assert outputs == ["Your guess: 49", "Your guess: w2"]
    ran = "() => window.panel.content.model.cells.get(1).executionCount"
    before = lab.page.evaluate(ran)
    lab.page.keyboard.press("Shift+Enter")
    eventually(lambda: lab.page.evaluate(ran) not in (before, None), within=10, what="the cell")
    lab.picture("predictions", whole=False)


def test_a_picture_has_its_words_and_the_ground_of_the_theme(lab):
    lab.open(SECOND)
    lab.run_all()
    assert lab.errors() == []
    pictures = lab.here(".jp-OutputArea-output img")
    pictures.first.wait_for()
    assert pictures.count() > 1
    for picture in pictures.all():
        assert len((picture.get_attribute("alt") or "").split()) > 5
    for theme, ground in (("JupyterLab Dark", NIGHT), ("JupyterLab Light", PAPER)):
        lab.theme(theme)
        shown = Image.open(BytesIO(pictures.first.screenshot())).convert("RGB")
        assert shown.getpixel((4, 4)) == tuple(bytes.fromhex(ground[1:]))
    lab.enlarged("01_share_out", ".jp-OutputArea-output img")


def test_all_that_is_shown_stands_out_and_has_room_at_200_percent(lab):
    lab.open(FIRST)
    lab.write(1, ALL_KINDS)
    lab.page.keyboard.press("Shift+Enter")
    shown = lab.here(".jp-Cell >> nth=1")
    slider = shown.get_by_role("slider", name="load", exact=True)
    slider.wait_for()
    slider.focus()
    lab.page.keyboard.press("ArrowRight")
    picture = shown.get_by_role("img", name="w1 got all 5 tasks")
    picture.wait_for()
    assert shown.get_by_text('the way of "hello"').count() == 0  # the player tells it
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.theme(theme)
        assert lab.page.evaluate(FAINT) == []
    lab.picture("all-kinds")
    lab.enlarged("all-kinds", ".zmqlab-replay")
    lab.page.set_viewport_size({"width": 600, "height": 450})
    try:
        eventually(lambda: not lab.page.evaluate(CUT), within=10, what="all to have room")
    finally:
        lab.page.set_viewport_size({"width": 1200, "height": 900})


def test_a_lesson_that_is_closed_and_opened_again_is_as_it_was(lab):
    """Also with a new kernel, which knows nothing of the sliders."""
    lab.open(SECOND)
    lab.run_all()
    _, said = move_the_first_slider(lab)
    lab.close()
    lab.open(SECOND)
    guess = lab.here(f"{PREDICTION} output").first
    guess.wait_for()
    assert re.fullmatch(r"Your guess: \d+", guess.inner_text())
    assert "model not found" not in lab.shown()
    signs = lab.here(".jupyter-widgets-disconnected").evaluate_all(
        """all => all.filter((e) => getComputedStyle(e, "::before").content !== "none")
            .filter((e) => !e.querySelector(".zmqlab-field")).map((e) => e.className)"""
    )
    assert signs == []  # of a broken link, where none is needed
    assert "\n".join(lab.here(".jp-OutputArea [role=status]").all_inner_texts()) == said
    lab.picture("01_share_out-reopened")
    lab.run_all()
    assert lab.errors() == []


def test_what_runs_again_leaves_no_more_in_the_notebook(lab):
    """JupyterLab saves each widget that lives, whether or not it is still to be seen."""
    lab.open(FIRST)
    lab.run_all()
    once = lab.saved_widgets()
    lab.run_all()
    assert 0 < lab.saved_widgets() <= once


def test_a_lab_is_undone_then_solved_and_the_map_says_so(lab, course):
    lab.open(LAB)
    lab.run_all()
    assert lab.errors() == []
    assert "is not done yet" in lab.shown()
    lab.picture("lab_01-undone")
    fill(lab, course)
    lab.run_all()
    assert lab.errors() == []
    assert "lab01: ✓ passed" in lab.shown()
    lab.picture("lab_01-solved")
    lab.open(FIRST)
    lab.run_all()
    assert "✓ passed" in lab.shown()
    assert (course / "progress.json").exists()
    lab.picture("00_start_here-after-lab_01")


REPLAYED = [
    f"notebooks/{target.notebook.name}"
    for target in build.targets()
    if target.kind == "lesson" and re.search(r"\bReplay\(", target.source.read_text())
]


@pytest.mark.parametrize("path", REPLAYED)
def test_a_request_is_stepped_through_by_keyboard(lab, path):
    lab.open(path)
    lab.run_all()
    assert lab.errors() == []
    forward = lab.here("button[aria-label='Step forward']").first
    said = lab.here("[role=status]").filter(has_text=re.compile(r"\bhops?\b", re.I)).first
    forward.scroll_into_view_if_needed()
    forward.focus()
    heard = [said.inner_text()]
    for _ in range(3):
        lab.page.keyboard.press("ArrowRight")
        eventually(lambda: said.inner_text() != heard[-1], within=10, what="the next hop")
        heard.append(said.inner_text())
    lab.page.keyboard.press("ArrowLeft")
    eventually(lambda: said.inner_text() == heard[-2], within=10, what="the hop before")
    lab.picture(Path(path).stem, whole=False)


def fill(lab: Lab, course: Path) -> None:
    """Write the solution into each hole of lab 01."""
    (solution,) = (
        target
        for target in build.targets()
        if target.kind == "solution" and target.source.stem == Path(LAB).stem
    )
    filled = {
        source.split("(")[0]: source
        for cell in build.unexecuted(solution).cells
        if build.BEGIN in (source := cell.source)
    }
    for number, cell in enumerate(nbformat.read(course / LAB, as_version=4).cells):
        if "yours to write" in cell.source:
            lab.write(number, filled[cell.source.split("(")[0]])
