"""The player of a replay in a headless Chromium, in a page of its own."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from test_browser import FLAGS, chromium, playwright
from test_replay import idle_worker_broker

from zmqlab.run.threads import eventually
from zmqlab.show.replay import Replay

pytestmark = [pytest.mark.slow, pytest.mark.browser]
HOPS = 10  # READY takes two, the request eight


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=["no-preference", "reduce"])
def page(browser, tmp_path, request) -> Iterator[Any]:
    replay = Replay(
        idle_worker_broker(ready_first=True).journal, follow=b"hello", title="A request"
    )
    path = replay.page(tmp_path / "page.html")
    errors = []
    page = browser.new_page(reduced_motion=request.param)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    yield page
    page.close()
    assert errors == []


def said(page: Any) -> str:
    return page.get_by_role("status").inner_text()


def at(page: Any) -> int:
    return int(page.get_by_label("Hop", exact=True).input_value())


def waiting(page: Any) -> list[str]:
    return page.locator(".count").all_text_contents()


def test_it_begins_with_the_task_to_follow(page):
    assert said(page).startswith("Hop 3 of 10, ")
    assert 'c1\'s REQ sent to broker: "hello". Waiting there: 1.' in said(page)
    assert waiting(page) == ["1 waiting"]


def test_step_forward_and_back_by_keyboard(page):
    page.get_by_role("button", name="Step forward").focus()
    page.keyboard.press("ArrowRight")
    assert 'broker\'s ROUTER received from c1: @0x0063312e2e | ∅ | "hello"' in said(page)
    assert waiting(page) == []
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert said(page).startswith("Hop 2 of 10")
    page.keyboard.press("Home")
    assert said(page) == "Before the first of 10 hops."
    page.keyboard.press("ArrowLeft")
    assert at(page) == 0
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert at(page) == HOPS


def test_on_its_way_a_message_shows_what_travels(page):
    frames = page.locator("svg .frame")
    assert frames.all_text_contents() == ["∅", '"hello"']  # the REQ sends the delimiter too
    page.get_by_role("button", name="Step forward").click()
    assert frames.all_text_contents() == ["@0x0063312…", "∅", '"hello"']


def test_step_by_button(page):
    page.get_by_role("button", name="To the beginning").click()
    page.get_by_role("button", name="Step forward").click()
    assert at(page) == 1
    page.get_by_role("button", name="Step back").click()
    assert at(page) == 0


def test_every_control_has_a_name_and_can_be_reached_by_tab(page):
    names = []
    for _ in range(8):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate(
                """() => document.activeElement.getAttribute('aria-label')
                         || document.activeElement.closest('label').innerText"""
            )
        )
    assert names[:5] == ["To the beginning", "Step back", "Play", "Step forward", "To the end"]
    assert [name.split()[0] for name in names[5:7]] == ["Hop", "Speed"]
    assert names[7].startswith("Stage with broker, c1, w1")


def test_the_message_is_opened_hop_by_hop(page):
    rows = page.locator("tbody tr").all_inner_texts()
    assert len(rows) == 8
    assert re.split(r"\s+", rows[0])[:4] == ["▶", "now", "3", "2.00"]
    assert all("later" in row for row in rows[1:])
    page.get_by_role("button", name="To hop 6").click()
    assert said(page).startswith("Hop 6 of 10")
    assert page.locator("tr[aria-current=step]").count() == 1
    assert page.locator("tbody .box.delimiter").first.inner_text().split() == ["delimiter", "∅"]
    assert page.evaluate("() => document.activeElement.ariaLabel") == "To hop 6"


def test_arrows_up_and_down_follow_the_message(page):
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert at(page) == 4
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert at(page) == 3  # the two hops before are another message's


def test_it_plays_pauses_and_ends_by_itself(page):
    page.keyboard.press("Tab")
    for _ in range(6):
        page.keyboard.press("+")
    assert "32 hops a second" in page.get_by_role("toolbar").inner_text()
    page.get_by_label("Stage").focus()
    page.keyboard.press("Space")
    eventually(lambda: at(page) == HOPS, within=10, what="the end of the replay", every=0.05)
    page.get_by_role("button", name="Play").click()  # from the beginning
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_role("button", name="Play").is_visible()


def test_on_a_narrow_page_nothing_is_cut_and_letters_keep_their_size(page):
    page.set_viewport_size({"width": 500, "height": 450})
    for part in (".bar", ".stage", ".way"):
        eventually(
            lambda part=part: page.locator(part).evaluate("e => e.scrollWidth <= e.clientWidth"),
            within=10,
            what=f"{part} to fit",
        )
    letters = page.locator("svg text").evaluate_all(
        """all => all.map((e) => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a)"""
    )
    assert min(letters) >= 12


# Words in a participant's box that lie below a message.
COVERED = """() => {
    const box = (e) => e.getBoundingClientRect();
    const frames = [...document.querySelectorAll("svg .frame")].map(box);
    return [...document.querySelectorAll("svg .node > text")]
        .filter((e) => frames.some((f) => f.left < box(e).right && f.right > box(e).left
            && f.top < box(e).bottom - 3 && f.bottom > box(e).top + 3))
        .map((e) => e.textContent);
}"""


@pytest.mark.parametrize("width", [500, 1000])
def test_no_message_hides_who_it_is_for(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    page.get_by_role("button", name="To the beginning").click()
    for hop in range(1, HOPS + 1):
        page.get_by_label("Stage").press("ArrowRight")
        eventually(lambda: page.evaluate(COVERED) == [], within=5, what=f"hop {hop} to be seen")


def test_what_is_played_is_said_above(page):
    assert page.locator(".title").inner_text() == "A request"


NOTE_PLACES = """() => {
    window.places = new Set();
    new MutationObserver((changes) => changes.forEach(({target}) =>
        window.places.add(target.getAttribute('transform'))
    )).observe(document.querySelector('svg'), {subtree: true, attributeFilter: ['transform']});
}"""


def test_the_frames_fly_unless_less_motion_is_asked_for(page):
    still = page.evaluate("() => matchMedia('(prefers-reduced-motion: reduce)').matches")
    page.get_by_role("button", name="To the beginning").click()
    page.evaluate(NOTE_PLACES)
    page.get_by_role("button", name="Step forward").click()
    if still:
        for _ in range(10):
            page.evaluate("() => new Promise(requestAnimationFrame)")
        assert page.evaluate("() => window.places.size") <= 1
    else:
        page.wait_for_function("() => window.places.size > 2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_page(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.evaluate("() => document.body.offsetHeight")
    ink, paper = (
        page.locator(".said").evaluate("e => getComputedStyle(e).color"),
        page.locator(".zmqlab-replay").evaluate("e => getComputedStyle(e).backgroundColor"),
    )
    assert contrast(ink, paper) >= 7


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2 between two colours as the browser gives them."""

    def luminance(colour: str) -> float:
        channels = [int(c) / 255 for c in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)
