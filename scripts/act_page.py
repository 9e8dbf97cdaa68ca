"""Use the page of `repose web` in a headless browser, at desk and phone width, and keep what was seen.

    python scripts/act_page.py out/page                     # starts the page itself; its rendered person is posed
    python scripts/act_page.py out/page --photograph me.jpg --url http://127.0.0.1:7860/
    python scripts/act_page.py out/page --stills docs       # page-desk.jpg and page-phone.jpg of the documentation

A hand is dragged by the mouse and by a finger, a foot is moved by keys, the person turns, and models are compared. Of
every step there is a picture (desk-1-open.jpg, ...), and of the drag a recording (desk-drag.webp, phone-drag.webp).
It prints how long pictures took as the page saw it. Needs Playwright (`pip install playwright`) and the system's
Chromium.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import PIL.Image

from repose.images import write_picture

QUIET: Final = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

WIDTHS: Final = {"desk": (1280, 900), "phone": (390, 844)}
WRIST, ANKLE = 4, 13
COUNT: Final = "Number(document.querySelector('[data-part=stage]').dataset.pictures || 0)"


@contextmanager
def page_server() -> Iterator[str]:
    """`repose web` in a process of its own; its address."""
    words = [sys.executable, "-m", "repose", "web", "--port", "0", "--no-open"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "300"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            found = next((m for line in process.stdout if (m := re.search(r"http://\S+/", line))), None)
            if found is None:
                raise SystemExit("repose web does not start")
            yield found[0]
        finally:
            process.terminate()


class Visitor:
    """Somebody at the page, with a mouse or with a finger.

    Args:
        browser: of Playwright's sync API. url: of the page. kind: of `WIDTHS`. out: where pictures go.
    """

    def __init__(self, browser: Any, url: str, kind: str, out: Path) -> None:
        width, height = WIDTHS[kind]
        self.phone, self.kind, self.out = kind == "phone", kind, out
        scale = 2 if self.phone else 1
        context = browser.new_context(
            viewport={"width": width, "height": height}, has_touch=self.phone, is_mobile=self.phone,
            device_scale_factor=scale,
        )  # fmt: skip
        self.page = context.new_page()
        self.page.set_default_timeout(90_000)
        self.faults: list[str] = []
        self.outside: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda one: self._note(one.url, url))
        self.touch = context.new_cdp_session(self.page)
        self.speeds: list[int] = []
        self.frames: list[PIL.Image.Image] = []
        self.steps = 0
        self.page.goto(url)
        self.page.wait_for_selector("[data-ready=yes]", state="attached")
        self.shoot("open")

    def _note(self, asked: str, url: str) -> None:
        if not asked.startswith((url, "blob:", "data:")):
            self.outside.append(asked)

    def picture(self) -> PIL.Image.Image:
        """What is on the screen."""
        return PIL.Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")

    def shoot(self, name: str) -> None:
        """Keep what is on the screen as KIND-NUMBER-NAME.jpg."""
        self.steps += 1
        write_picture(self.out / f"{self.kind}-{self.steps}-{name}.jpg", self.picture(), quality=88)

    def after(self, work: Any) -> None:
        """Do something, and wait for the picture that follows from it."""
        before = self.page.evaluate(COUNT)
        work()
        self.page.wait_for_function(f"{COUNT} > {before}")
        self.page.wait_for_timeout(500)  # until the newest picture is there, too
        self.speeds.append(int(self.page.inner_text("[data-part=speed]").removesuffix(" ms")))

    def photograph(self, path: Path | None) -> None:
        """Open a photograph, or the rendered person of the page."""
        if path is None:
            self.after(lambda: self.page.click("[data-part=example]"))
        else:
            self.after(lambda: self.page.set_input_files("[data-part=file]", str(path)))
        self.shoot("photograph")

    def drag(self, joint: int, right: float, down: float, steps: int = 14) -> None:
        """Drag a joint by shares of the picture's height, with a look after every step."""
        handle = self.page.locator(f".rp-joint[data-joint='{joint}']")
        handle.scroll_into_view_if_needed()
        box, stage = handle.bounding_box(), self.page.locator("[data-part=canvas]").bounding_box()
        x, y, size = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, stage["height"]

        def finger(kind: str, *points: tuple[float, float]) -> None:
            touched = [{"x": px, "y": py} for px, py in points]
            self.touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

        if self.phone:
            finger("touchStart", (x, y))
        else:
            self.page.mouse.move(x, y)
            self.page.mouse.down()
        for step in range(1, steps + 1):
            at = x + right * size * step / steps, y + down * size * step / steps
            self.after(lambda at=at: finger("touchMove", at) if self.phone else self.page.mouse.move(*at))
            self.frames.append(self.picture())
        if self.phone:
            finger("touchEnd")
        else:
            self.page.mouse.up()
        self.page.wait_for_timeout(1500)
        self.shoot("drag")

    def keys(self, joint: int) -> None:
        """Move a joint by the keyboard."""
        self.page.click("summary")
        self.page.focus(f"[data-part=list] li:nth-child({joint + 1}) button")
        self.after(lambda: [self.page.keyboard.press("Shift+ArrowRight") for _ in range(4)])
        self.shoot("keys")
        self.page.click("summary")

    def named(self, name: str, turn: int) -> None:
        """Take a named pose, and turn the person."""
        field = self.page.get_by_label("A named pose")
        field.click()
        field.fill(name)
        self.after(lambda: field.press("Enter"))
        change = "(r, v) => { r.value = v; r.dispatchEvent(new Event('input', { bubbles: true })); }"
        self.after(lambda: self.page.locator("[data-part=turn]").evaluate(change, turn))
        self.shoot("turn")

    def compare(self) -> None:
        """All models that the page offers, side by side."""
        for box in self.page.get_by_role("checkbox").all():
            if box.is_visible() and (box.get_attribute("name") or box.get_attribute("value") or ""):
                box.check()
        self.page.wait_for_selector("[data-part=compare] figure")
        self.page.wait_for_timeout(2500)
        self.page.locator("[data-part=compare]").scroll_into_view_if_needed()
        self.shoot("compare")

    def recording(self) -> None:
        """The drag as an animation."""
        frames = [frame.resize((frame.width // 2, frame.height // 2)) for frame in self.frames]
        shown = [*frames, *[frames[-1]] * 6]
        place = self.out / f"{self.kind}-drag.webp"
        write_picture(place, shown[0], save_all=True, append_images=shown[1:], duration=120, loop=0, quality=80)


def act(url: str, kind: str, out: Path, photograph: Path | None, stills: Path | None) -> list[int]:
    """One visitor from the first look to the comparison; milliseconds of the pictures, as the page saw them."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        visitor = Visitor(browser, url, kind, out)
        visitor.photograph(photograph)
        if visitor.phone:
            visitor.page.locator("[data-part=stage]").scroll_into_view_if_needed()
        visitor.drag(WRIST, -0.12, -0.34)
        if stills is not None:
            image = visitor.picture()
            image = image.resize((image.width // 2, image.height // 2)) if visitor.phone else image
            write_picture(stills / f"page-{kind}.jpg", image, quality=86, optimize=True)
        visitor.keys(ANKLE)
        visitor.named("arms forward", 40)
        visitor.compare()
        visitor.recording()
        browser.close()
    if visitor.faults or visitor.outside:
        raise SystemExit(f"{kind}: errors of the page: {visitor.faults}; requests beyond it: {visitor.outside}")
    return visitor.speeds


def chromium() -> str:
    """The path of the system's Chromium. SystemExit if there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if program := shutil.which(name):
            return program
    raise SystemExit("no Chromium is on the PATH; install your system's package of it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a folder for the pictures")
    parser.add_argument("--url", help="of a page that runs; one is started without")
    parser.add_argument("--photograph", type=Path, help="the page's rendered person without")
    parser.add_argument("--stills", type=Path, help="a folder for page-desk.jpg and page-phone.jpg")
    parser.add_argument("--width", action="append", choices=[*WIDTHS], help="this one only")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)

    def visit(url: str) -> None:
        for kind in given.width or WIDTHS:
            speeds = act(url, kind, given.out, given.photograph, given.stills)
            middle = statistics.median(speeds)
            sys.stdout.write(f"{kind}: {len(speeds)} pictures, the middle one after {middle:.0f} ms in the browser\n")

    if given.url:
        visit(given.url)
    else:
        with page_server() as url:
            visit(url)


if __name__ == "__main__":
    main()
