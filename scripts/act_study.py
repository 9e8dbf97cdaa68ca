"""Take scripted participants through a study in a headless browser, and print its table.

    python scripts/act_study.py out/study.db --people 10 --pictures out/looked

They are no people: each calls a picture real where it is sharper than the middle of those seen, and errs now and then.
Some do what people do: press twice, load the page again, close the tab, hold a phone; and the server stops and starts
again while they are at it. Needs Playwright (`pip install playwright`) and Chromium of the system.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import statistics
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from repose.study import Study, StudyServer, results
from repose.study.results import results_table

HABITS: Final = ("", "presses twice", "loads again", "closes the tab", "phone", "keys", "looks away")
"""What participants do besides answering, in turn."""

PATIENT: Final = "lets time pass"
"""Gives no answer to every third picture, where the protocol has an answer for that."""

QUIET: Final = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

WATCH: Final = """
window.seen = [];     // seconds of every picture
window.fresh = false; // a picture has appeared that was not looked at
(() => {
  let since = null;
  const look = now => {
    const stage = document.querySelector("#stage.shown") && !document.querySelector("#said.right, #said.wrong");
    if (stage && since === null) { since = now; window.fresh = true; }
    if (!stage && since !== null) { window.seen.push((now - since) / 1000); since = null; }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
"""Measures, independently of the page and frame by frame, how long pictures were shown; not those that practice
shows again with the answer."""

AWAY: Final = """away => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => away });
  document.dispatchEvent(new Event("visibilitychange"));
}"""

SHARPNESS: Final = """() => [...document.querySelectorAll("#stage canvas")].map(canvas => {
  const { width, height } = canvas;
  const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  let sum = 0;
  for (let i = 0; i + 4 < data.length; i += 4) sum += Math.abs(data[i + 4] - data[i]);
  return sum / (width * height);
})"""


@dataclass
class Server:
    """The server of a study, which can stop and start again at the same address."""

    path: Path
    port: int = 0
    study: Study = field(init=False)
    server: StudyServer = field(init=False)

    def start(self) -> None:
        self.study = Study(self.path)
        self.server = StudyServer(self.study, port=self.port)
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.study.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


async def participant(browser: Any, url: str, habit: str, seed: int, pictures: Path | None = None) -> list[float]:
    """One session from the first page to the last; the seconds that each picture was shown, measured independently.

    Args:
        browser: of Playwright's async API.
        habit: one of `HABITS`, or `PATIENT`.
        pictures: where screenshots go, or None.
    """
    generator, phone = random.Random(seed), habit == "phone"
    size = {"width": 375, "height": 667} if phone else {"width": 1280, "height": 800}
    context = await browser.new_context(viewport=size, has_touch=phone, is_mobile=phone, device_scale_factor=1)
    await context.add_init_script(WATCH)
    page = await context.new_page()
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    seen: list[float] = []
    sharp: list[float] = []
    taken: set[str] = set()

    async def shoot(name: str, where: str = "body") -> None:
        """A screenshot, once; none if `where` has gone by then."""
        if pictures is not None and name not in taken and await page.is_visible(where):
            data = await page.screenshot()
            if await page.is_visible(where):
                taken.add(name)
                (pictures / f"{'phone' if phone else 'desktop'}-{name}.png").write_bytes(data)

    async def until(condition: str) -> None:
        """Wait; asked again and again from outside, because the page's policy forbids to evaluate texts inside."""
        for _ in range(1200):
            if await page.evaluate(condition):
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"participant {seed} ({habit or 'plain'}): waited a minute for {condition}")

    async def press(selector: str) -> None:
        await (page.tap(selector) if phone else page.click(selector))

    await page.goto(url)
    await page.wait_for_selector("#words:not([hidden]) button")
    await shoot("1-welcome")
    await press("#words button")
    turns, heading = 0, ""
    while True:
        await until("window.fresh || !document.getElementById('words').hidden")
        if await page.is_visible("#words"):
            heading = await page.inner_text("#words h1")
            if heading == "Thank you!":
                await shoot("9-end")
                break
            await shoot(f"2-{heading.lower().replace(' ', '-')}")
            await press("#words button")
            if heading == "Examples":
                await until("document.querySelector('#words h1').textContent !== 'Examples'")
                continue
            await shoot("3-cross", "#stage.fixed")
            await until("window.fresh")
        await page.evaluate("window.fresh = false")
        where = await page.inner_text("#where")
        kind = "practice" if "Practice" in where else "trial"
        await shoot(f"4-{kind}", "#stage.shown")
        sharpness = await page.evaluate(SHARPNESS)
        turns += 1
        if habit == "loads again" and turns == 4:
            await page.reload()
            continue
        if habit == "closes the tab" and turns == 5:
            await page.close()
            page = await context.new_page()
            await page.goto(url)
            continue
        if habit == "looks away" and turns == 6:
            await page.evaluate(AWAY, True)
            await asyncio.sleep(0.2)
            await page.evaluate(AWAY, False)
        if not habit and turns % 2 == 0 and await page.evaluate("about.seconds.length === 1"):
            await page.wait_for_selector("#stage:not(.shown)", state="attached")
        await asyncio.sleep(generator.uniform(0.15, 0.5))
        if (
            kind == "trial"
            and "5-after" not in taken
            and await page.evaluate("about.seconds[0] !== null && about.seconds.length === 1")
        ):
            await page.wait_for_selector("#stage:not(.shown)", state="attached")
            await shoot("5-after", "#stage:not(.shown)")
        sharp.append(sharpness[-1])
        first = sharpness[2] > sharpness[3] if len(sharpness) == 4 else sharp[-1] > statistics.median(sharp)
        first ^= generator.random() < 0.15
        timed = heading == "Now it counts" and await page.evaluate("about.unanswered !== ''")
        if habit == PATIENT and turns % 3 == 0 and timed:
            pass  # it counts as what the protocol says
        elif habit == "keys":
            await page.keyboard.press("ArrowLeft" if first else "ArrowRight")
        elif habit == "presses twice":
            await page.dblclick(f"#answers button:nth-child({1 if first else 2})")
        else:
            await press(f"#answers button:nth-child({1 if first else 2})")
        if kind == "practice":
            await asyncio.sleep(0.3)
            await shoot("6-feedback", "#said:not(:empty)")
        # on to what comes next: another place, or another page
        await until(
            f"document.getElementById('where').textContent !== '{where}' || document.getElementById('trial').hidden"
        )
        seen += await page.evaluate("window.seen.splice(0)")
    await context.close()
    if faults:
        raise RuntimeError(f"participant {seed} ({habit or 'plain'}): the page says {'; '.join(faults)}")
    return seen


async def act(
    server: Server, people: int, at_once: int, restart: bool, pictures: Path | None, habits: Sequence[str] = HABITS
) -> list[list[float]]:
    """All participants, some at a time; the server is stopped for a second when half of them have begun."""
    from playwright.async_api import async_playwright

    gate = asyncio.Semaphore(at_once)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=QUIET)

        async def one(number: int) -> list[float]:
            async with gate:
                return await participant(browser, server.url, habits[number % len(habits)], number, pictures)

        async def stumble() -> None:
            while server.study.sessions()[0] <= people // 2:
                await asyncio.sleep(0.5)
            await asyncio.sleep(3)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(1)
            server.start()

        tasks = [one(number) for number in range(people)]
        seen = await asyncio.gather(*tasks, *([stumble()] if restart else []))
        await browser.close()
    return [times for times in seen if times is not None]


def chromium() -> str:
    """The path of the system's Chromium. FileNotFoundError if there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if program := shutil.which(name):
            return program
    raise FileNotFoundError("no Chromium is on the PATH; install your system's package of it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--no-restart", action="store_true")
    parser.add_argument("--habit", action="append", choices=[*HABITS, PATIENT], help="these only; may be given again")
    parser.add_argument("--pictures", type=Path, help="a folder for screenshots")
    given = parser.parse_args()
    if given.pictures is not None:
        given.pictures.mkdir(parents=True, exist_ok=True)
    server = Server(given.study)
    server.start()
    habits = given.habit or (*HABITS, *([PATIENT] if server.study.protocol.unanswered else []))
    times = asyncio.run(act(server, given.people, given.at_once, not given.no_restart, given.pictures, habits))
    from rich.console import Console

    Console(width=160).print(results_table(results(server.study)))
    every = sorted(time for mine in times for time in mine)
    sys.stdout.write(f"{len(every)} pictures shown for {every[0]:.3f} to {every[-1]:.3f} s, measured beside the page\n")
    server.stop()


if __name__ == "__main__":
    main()
