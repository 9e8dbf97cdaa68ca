"""The documentation site in a real browser: no table is cut off, on a desk or a phone.

Needs Playwright's Python package, the system's Chromium and mkdocs: `pip install -e '.[docs,browser]'`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install -e '.[browser]'")
pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -e '.[docs]'")
pytest.importorskip("material", reason="mkdocs-material is not installed: pip install -e '.[docs]'")

from tests.test_scripts import script

ROOT = Path(__file__).parents[2]
acting = script("act_study")
try:
    acting.chromium()
except FileNotFoundError as error:
    pytest.skip(str(error), allow_module_level=True)

TABLES = """() => [...document.querySelectorAll('article table')].map((table, number) => {
  let box = table, scrolls = null;
  while (box !== document.body && !scrolls) {
    const wider = box.scrollWidth > box.clientWidth + 1, way = getComputedStyle(box).overflowX;
    if (wider && way === 'hidden') return {number, cut: true};
    if (wider && ['auto', 'scroll'].includes(way)) scrolls = box;
    box = box.parentElement;
  }
  const seen = (scrolls || table).getBoundingClientRect(), view = document.documentElement.clientWidth;
  const told = !scrolls || getComputedStyle(scrolls).backgroundImage.includes('gradient');
  return {number, cut: seen.left < -1 || seen.right > view + 1, told, scrolls: !!scrolls};
})"""
"""Of each table of a page: whether something of it cannot be reached, and whether an edge shows that it goes on."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(place)]
    subprocess.run(words, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=True)
    return place


@pytest.mark.parametrize("width", [1280, 390])
def test_every_table_fits_or_scrolls(site: Path, width: int) -> None:
    from playwright.sync_api import sync_playwright

    wrong, scrolling, tables = list[str](), set[str](), 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=acting.chromium(), args=acting.QUIET)
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        for path in sorted(site.rglob("*.html")):
            if "<table" not in path.read_text(encoding="utf-8"):
                continue
            place = path.relative_to(site).as_posix()
            page.goto(path.as_uri())
            page.wait_for_function(
                "!document.querySelector('article table') || document.querySelector('[class$=wrap]')"
            )
            found: list[dict[str, Any]] = page.evaluate(TABLES)
            tables += len(found)
            wrong += [f"{place}, table {one['number']}" for one in found if one["cut"] or not one["told"]]
            scrolling |= {f"{place} {one['number']}" for one in found if one.get("scrolls")}
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
                wrong.append(f"{place} scrolls sideways as a whole")
        browser.close()
    assert not wrong
    assert tables > 150
    assert scrolling, "some are wider than the page"
