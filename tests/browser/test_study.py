"""Ten scripted participants in a real browser, two at a time, with all that people do to a page.

Needs Playwright's Python package and the system's Chromium: `pip install -e '.[browser]'`.
"""

import asyncio
import statistics
from pathlib import Path

import pytest

from repose.study import StudyProtocol, results
from tests.study import pictures
from tests.test_scripts import script

pytest.importorskip("playwright.async_api", reason="no Playwright: pip install -e '.[browser]'")
acting = script("act_study")
try:
    acting.chromium()
except FileNotFoundError as error:
    pytest.skip(str(error), allow_module_level=True)

SECONDS = 0.8


@pytest.mark.timeout(600)
def test_ten_participants(tmp_path: Path) -> None:
    protocol = StudyProtocol("small", 1, "realism", (SECONDS,), pool=6, shown=4, practice=1)
    pictures.study(tmp_path, protocol, pictures.Clock()).close()
    server = acting.Server(tmp_path / "study.db")
    server.start()
    try:
        seen = asyncio.run(acting.act(server, 10, 2, True, None))
        study = server.study
        answers = study.answers()
        assert study.sessions() == (10, 10)
        assert len(answers) == 10 * protocol.trials
        marks = {mark: sum(mark in row["flags"] for row in answers) for mark in ("hidden", "again")}
        assert marks["hidden"] == 1
        assert marks["again"] >= 3  # two loaded again, one closed the tab
        assert sum(row.participants or 0 for row in results(study, flagged=True).rows) == 10
        # what the page reports is what an eye of our own saw, and nobody saw more than the protocol allows
        by = [[row for row in answers if row["session"] == number] for number in range(1, 11)]
        whole = [mine for mine in by if not any("again" in row["flags"] for row in mine)]
        assert len(whole) >= 6
        for mine in whole:
            eye = next((t for t in seen if len(t) == len(mine) and _near(t, mine)), None)
            assert eye is not None, [row["exposure"] for row in mine]
        kept = [row["exposure"] for row in answers if not row["flags"]]
        assert max(kept) <= SECONDS + 0.1
        full = [time for time in kept if time > SECONDS - 0.1]
        assert statistics.median(full) == pytest.approx(SECONDS, abs=0.035)  # a frame or two of 60 a second
    finally:
        server.stop()


def test_a_bad_line(tmp_path: Path) -> None:
    """Lost replies, slow ones, a busy proxy and one that refuses: an honest participant's answers all count."""
    from playwright.async_api import Page, Request, Route, async_playwright

    protocol = StudyProtocol("small", 1, "realism", (SECONDS,), pool=5, shown=2, practice=1)
    pictures.study(tmp_path, protocol, pictures.Clock()).close()
    server = acting.Server(tmp_path / "study.db")
    server.start()
    count = {"start": 0, "end": 0, "picture": 0, "state": 0}

    async def marks(route: Route) -> None:
        """The first start is lost on its way, replies of others on their way back."""
        kind = route.request.url.rpartition("/")[2]
        count[kind] += 1
        if (kind, count[kind]) == ("start", 1):
            await route.abort()
        elif (kind, count[kind]) in (("start", 3), ("end", 2)):
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    async def busy(route: Route) -> None:
        count["picture"] += 1
        status = {2: 429, 3: 429, 5: 403}.get(count["picture"])
        await (route.fulfill(status=status, body="") if status else route.continue_())

    def watch(request: Request) -> None:
        count["state"] += "/api/state" in request.url

    async def go(page: Page) -> None:
        await page.route("**/api/start", marks)
        await page.route("**/api/end", marks)
        await page.route("**/picture/**", busy)
        page.on("request", watch)
        await page.goto(server.url)
        for _ in range(1200):
            if await page.is_visible("#words button:enabled"):
                if await page.inner_text("#words h1") == "Thank you!":
                    return
                await page.click("#words button")
            elif await page.is_visible("#stage.shown") and await page.is_enabled("#answers button"):
                await asyncio.sleep(0.2)
                await page.keyboard.press("ArrowLeft")
                await page.wait_for_function("document.querySelector('#answers button').disabled")
            await asyncio.sleep(0.05)
        raise TimeoutError("the session does not end")

    async def act() -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=acting.chromium(), args=acting.QUIET)
            context = await browser.new_context(bypass_csp=True)
            await go(await context.new_page())
            await browser.close()

    try:
        asyncio.run(act())
        answers = server.study.answers()
        assert len(answers) == protocol.trials
        assert [row["flags"] for row in answers] == [[]] * protocol.trials
        assert count["start"] == protocol.trials + 2  # two were repeated
        assert count["state"] <= 3  # no spinning
    finally:
        server.stop()


def _near(eye: list[float], rows: list[dict[str, float]]) -> bool:
    """Whether an eye saw what a page says: two frames apart at the median, as many pictures, in the same order."""
    apart = [abs(time - row["exposure"]) for time, row in zip(eye, rows, strict=True)]
    return statistics.median(apart) < 0.035


def test_the_other_questions(tmp_path: Path) -> None:
    """Four pictures side by side without a limit, on a phone; and two in pairs."""
    from repose.study import prepare_study

    given = pictures.store(tmp_path / "store")
    methods = {name: pictures.generated(tmp_path / name, given, 30, seed) for seed, name in enumerate("ab", 1)}
    for question, seconds in (("preference", None), ("pose", 0.5)):
        protocol = StudyProtocol("small", 1, question, (seconds,), pool=5, shown=4, practice=1)
        place = tmp_path / f"{question}.db"
        prepare_study(place, protocol, dict(methods), store=given)
        server = acting.Server(place)
        server.start()
        try:
            asyncio.run(acting.act(server, 2, 2, False, None, ("phone", "keys")))
            assert server.study.sessions() == (2, 2)
            assert len(server.study.answers()) == 2 * protocol.trials
        finally:
            server.stop()


def test_the_released_test_of_roy(tmp_path: Path) -> None:
    """Examples first, practice without limit; a timed picture stays, the last answer counts, and none is 'real'."""
    from playwright.async_api import Page, async_playwright

    protocol = StudyProtocol(
        "small", 1, "realism", (SECONDS, None), pool=5, shown=2, practice=2, timed_practice=False, examples=1,
        unanswered="real", draws="independent",
    )  # fmt: skip
    pictures.study(tmp_path, protocol, pictures.Clock(), ("only",)).close()
    server = acting.Server(tmp_path / "study.db")
    server.start()
    headings: list[str] = []

    async def stays(page: Page) -> None:
        """The picture is still there 0.2 s after it was judged."""
        await asyncio.sleep(0.2)
        assert await page.is_visible("#stage.shown")

    async def go(page: Page) -> None:
        await page.goto(server.url)
        timed = 0
        for _ in range(1200):
            if await page.is_visible("#words button:enabled"):
                headings.append(await page.inner_text("#words h1"))
                if headings[-1] == "Thank you!":
                    return
                assert await page.locator("#words canvas").count() == (2 if headings[-1] == "Examples" else 0)
                await page.click("#words button")
                await asyncio.sleep(0.1)
            elif await page.is_visible("#stage.shown") and await page.is_enabled("#answers button"):
                where = await page.inner_text("#where")
                await asyncio.sleep(0.15)
                if "of 4" in where and headings[-1] == "Now it counts":
                    timed += 1
                    for key in ("", "f", "rf", "fr")[timed - 1]:  # none, fake, real then fake, fake then real
                        await page.keyboard.press(key)
                    await stays(page)
                    condition = f"document.getElementById('where').textContent !== '{where}' || trial.hidden"
                    while not await page.evaluate(condition):
                        await asyncio.sleep(0.02)
                else:
                    await page.keyboard.press("f")
            await asyncio.sleep(0.02)
        raise TimeoutError("the session does not end")

    async def act() -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=acting.chromium(), args=acting.QUIET)
            await go(await (await browser.new_context()).new_page())
            await browser.close()

    try:
        asyncio.run(act())
        assert headings[1:4] == ["Examples", "Practice", "Now it counts"]
        answers = server.study.answers()
        assert [row["flags"] for row in answers] == [[]] * protocol.trials
        first = [row for row in answers if row["track"] == 0 and not row["practice"]]
        assert [(row["choice"], row["answered"]) for row in first] == [
            ("real", False), ("fake", True), ("fake", True), ("real", True),
        ]  # fmt: skip
        assert all(row["exposure"] == pytest.approx(SECONDS, abs=0.06) for row in first)
        assert all(row["seconds"] is None and row["choice"] == "fake" for row in answers if row not in first)
    finally:
        server.stop()
