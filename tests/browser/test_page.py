"""The page of `repose web` in a real browser: a rendered person, mouse, fingers and keyboard.

Needs Playwright's Python package and the system's Chromium: `pip install -e '.[web,browser]'`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install -e '.[browser]'")
pytest.importorskip("gradio", reason="no Gradio: pip install -e '.[web]'")

from repose import load
from repose.web import live as routes
from repose.web import posing
from repose.web.live import Live
from repose.web.posing import Models
from repose.web.run import create_app, require_port
from tests import tiny
from tests.test_scripts import script

acting = script("act_study")
try:
    acting.chromium()
except FileNotFoundError as error:
    pytest.skip(str(error), allow_module_level=True)

EXAMPLE = routes._EXAMPLE
JOINTS = torch.tensor([
    [338, 153, 1], [374, 244, 1], [289, 243, 1], [266, 353, 1], [249, 503, 1], [459, 245, 1], [494, 359, 1],
    [497, 511, 1], [341, 487, 1], [332, 682, 1], [422, 797, 1], [413, 504, 1], [382, 703, 1], [367, 875, 1],
    [328, 126, 1], [358, 124, 1], [330, 118, 1], [0, 0, 0],
]).float()  # fmt: skip
"""Of the rendered person, as MoveNet finds them; the left ear is taken to be missing."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page with a tiny model, served by a thread of this process; everybody on a photograph has `JOINTS`."""
    import uvicorn

    patch = pytest.MonkeyPatch()
    patch.setattr(posing, "find_people", lambda models, pixels: [JOINTS.clone()])
    models = Models.of({"tiny": load(tiny.save(tmp_path_factory.mktemp("page") / "tiny"))})
    live, listening = Live(models), require_port("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(live), log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)
        live.close()
        patch.undo()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=acting.chromium(), args=acting.QUIET)
        yield started
        started.close()


class Seen:
    """A page in a browser, with what it asked for and what went wrong in it."""

    def __init__(self, browser: Any, url: str, width: int, height: int, phone: bool = False) -> None:
        context = browser.new_context(viewport={"width": width, "height": height}, has_touch=phone, is_mobile=phone)
        context.set_default_timeout(30_000)
        self.page = context.new_page()
        self.asked: list[str] = []
        self.faults: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.goto(url)
        self.page.wait_for_selector("#repose [data-ready=yes], #repose[data-ready=yes]", state="attached")

    def open(self, path: Path = EXAMPLE) -> None:
        self.page.set_input_files("[data-part=file]", str(path))
        self.page.wait_for_selector("[data-part=work]:not([hidden])")
        self.until("Number(document.querySelector('[data-part=stage]').dataset.pictures) > 0")

    def until(self, condition: str) -> None:
        self.page.wait_for_function(condition)

    def pictures(self) -> int:
        return int(self.page.get_attribute("[data-part=stage]", "data-pictures") or 0)

    def content(self) -> str:
        return str(self.page.evaluate("document.querySelector('[data-part=canvas]').toDataURL()"))

    def joint(self, number: int) -> list[float]:
        return list(self.page.evaluate(f"window.repose.state.joints[{number}]"))

    def status(self) -> str:
        return self.page.inner_text("[data-part=status]")

    def centre(self, joint: int) -> tuple[float, float]:
        handle = self.page.locator(f".rp-joint[data-joint='{joint}']")
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 32
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def desk(browser: Any, url: str) -> Iterator[Seen]:
    seen = Seen(browser, url, 1280, 900)
    yield seen
    assert not seen.faults
    outside = [one for one in seen.asked if not one.startswith((url, "blob:", "data:"))]
    assert not outside, "the page asks nobody else"
    seen.page.context.close()


def test_the_picture_follows_a_dragged_joint(desk: Seen) -> None:
    desk.open()
    assert "joint" in desk.status()
    before, count = desk.content(), desk.pictures()
    x, y = desk.centre(4)
    desk.page.mouse.move(x, y)
    desk.page.mouse.down()
    desk.page.mouse.move(x - 30, y - 60, steps=3)
    desk.until(f"Number(document.querySelector('[data-part=stage]').dataset.pictures) > {count}")
    during = desk.content()
    assert during != before, "it follows while the button is down"
    desk.page.mouse.move(x - 80, y - 160, steps=4)
    desk.page.mouse.up()
    desk.until("document.querySelector('[data-part=status]').textContent === '' || !window.repose.state.drag")
    assert desk.joint(4)[1] < 503 - 60
    assert desk.joint(3)[1] != 353, "the elbow comes along"
    desk.page.click("[data-part=undo]")
    assert desk.joint(4) == [249, 503, 1]
    desk.page.click("[data-part=redo]")
    assert desk.joint(4)[1] < 503 - 60


def test_by_keyboard(desk: Seen) -> None:
    desk.open()
    desk.page.focus("summary")
    desk.page.keyboard.press("Enter")
    for _ in range(3):  # the switch, the button, the first joint
        desk.page.keyboard.press("Tab")
    assert "nose, 338 from the left, 153 from the top" in desk.page.evaluate("document.activeElement.ariaLabel")
    for _ in range(4):
        desk.page.keyboard.press("Tab")
    count = desk.pictures()
    desk.page.keyboard.down("Alt")
    desk.page.keyboard.press("ArrowLeft")
    desk.page.keyboard.press("Shift+ArrowUp")
    desk.page.keyboard.up("Alt")
    assert desk.joint(4) == [248, 493, 1]
    assert "right wrist, 248" in desk.page.evaluate("document.activeElement.ariaLabel")
    desk.until(f"Number(document.querySelector('[data-part=stage]').dataset.pictures) > {count}")
    desk.page.keyboard.press("Delete")
    assert desk.joint(4) == [0, 0, 0]
    desk.page.keyboard.press("Control+z")
    assert desk.joint(4) == [248, 493, 1]
    hollow = desk.page.locator("[data-part=list] .rp-hollow")
    assert hollow.get_attribute("aria-label") == "left ear, not found; Enter places it"
    hollow.focus()
    desk.page.keyboard.press("Enter")
    assert desk.joint(17)[2] == 1


def test_a_missing_joint_is_dragged_from_the_list(desk: Seen) -> None:
    desk.open()
    desk.page.click("summary")
    hollow = desk.page.locator("[data-part=list] .rp-hollow")
    hollow.scroll_into_view_if_needed()
    box, target = hollow.bounding_box(), desk.page.locator("[data-part=canvas]").bounding_box()
    assert box is not None
    assert target is not None
    desk.page.mouse.move(box["x"] + 12, box["y"] + 12)
    desk.page.mouse.down()
    bottom = target["y"] + target["height"] - 40
    desk.page.mouse.move(target["x"] + 50, bottom, steps=4)
    desk.page.mouse.up()
    assert desk.joint(17)[2] == 1
    assert desk.joint(17)[0] == pytest.approx(50 * 720 / target["width"], abs=3)


def test_controls_beside_the_picture(desk: Seen) -> None:
    desk.open()
    named = desk.page.get_by_label("A named pose")
    named.click()
    named.fill("arms up")
    named.press("Enter")
    desk.until("window.repose.state.joints[4][1] < 200")
    count = desk.pictures()
    desk.page.get_by_label("White").click()
    desk.until(f"Number(document.querySelector('[data-part=stage]').dataset.pictures) > {count}")
    desk.page.evaluate(
        "r => { r = document.querySelector('[data-part=turn]'); r.value = 180; r.dispatchEvent(new Event('input')); }"
    )
    desk.until("window.repose.state.joints[2][0] > window.repose.state.joints[5][0]")
    with desk.page.expect_download() as download:
        desk.page.get_by_role("button", name="Pose file", exact=True).click()
    assert download.value.suggested_filename == "example_pose.json"


def test_a_pose_that_is_typed(desk: Seen) -> None:
    """A part of a name that only one pose has is enough; for others the page says which are near."""
    desk.open()
    named = desk.page.get_by_label("A named pose")

    def typed(text: str) -> None:
        named.click()
        named.fill(text)
        named.press("Enter")

    typed("arms upp")
    desk.until("document.querySelector('[data-part=status]').classList.contains('rp-wrong')")
    assert desk.status() == "No pose is called 'arms upp'; did you mean 'arms up'?"
    typed("arms in a V")
    desk.until("window.repose.state.joints[4][1] < window.repose.state.joints[2][1]")
    typed("kick")
    desk.until("document.querySelector('[data-part=status]').classList.contains('rp-wrong')")
    assert desk.status() == "No pose is called 'kick'; did you mean 'kick back swing' or 'kicking'?"


def test_an_unreadable_file_gives_a_sentence(desk: Seen, tmp_path: Path) -> None:
    file = tmp_path / "words.jpg"
    file.write_text("these are words")
    desk.page.set_input_files("[data-part=file]", str(file))
    desk.until("document.querySelector('[data-part=status]').classList.contains('rp-wrong')")
    assert desk.status().startswith("words.jpg is not a picture")
    assert desk.page.get_attribute("[data-part=status]", "aria-live") == "polite"


def test_on_a_phone(browser: Any, url: str) -> None:
    phone = Seen(browser, url, 390, 844, phone=True)
    phone.open()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.page.screenshot()
    x, y = phone.centre(4)
    assert 0 < x < 390
    count, touch = phone.pictures(), phone.page.context.new_cdp_session(phone.page)

    def finger(kind: str, *points: tuple[float, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": px, "y": py} for px, py in points]})

    scrolled = phone.page.evaluate("scrollY")
    finger("touchStart", (x, y))
    for step in range(1, 7):
        finger("touchMove", (x - 2 * step, y - 12 * step))
    phone.until(f"Number(document.querySelector('[data-part=stage]').dataset.pictures) > {count}")
    finger("touchEnd")
    assert phone.joint(4)[1] < 503 - 60
    assert phone.page.evaluate("scrollY") == scrolled, "the page stays where it is"
    assert not phone.faults
    phone.page.context.close()
