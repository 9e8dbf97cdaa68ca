"""The documentation site is built strictly; its links, anchors and pictures exist; it loads nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.test_scripts import script

ROOT = Path(__file__).parents[2]
WORDS = 5
"""An alternative text has so many words at least."""

pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -e '.[docs]'")
pytest.importorskip("material", reason="mkdocs-material is not installed: pip install -e '.[docs]'")
pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed: pip install -e '.[docs]'")


@dataclass
class Read(HTMLParser):
    """What a page links to, shows and loads."""

    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    pictures: list[tuple[str, str, bool]] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    figures: int = 0
    captions: list[str] = field(default_factory=list)
    in_article: bool = False
    text: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "article":
            self.in_article = True
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "figure":
            self.figures += 1
        if tag == "figcaption":
            self.captions.append("")
            self._open.append(tag)
        if tag == "img":
            self.pictures.append((given.get("src", ""), given.get("alt", ""), self.figures > 0))
        if tag in ("img", "script", "iframe", "source", "video", "audio", "embed"):
            self.loaded += [given["src"]] if "src" in given else []
        if tag == "link" and given.get("rel") not in ("prev", "next", "canonical"):
            self.loaded.append(given.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "figure":
            self.figures -= 1
        if tag == "article":
            self.in_article = False
        if tag == "figcaption" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.captions[-1] += data
        if self.in_article:
            self.text.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built by mkdocs as `make docs` builds it; a warning is an error, which --quiet would hide."""
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"mkdocs build --strict:\n{done.stdout}{done.stderr}"
    return place


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Read]:
    """Place in the site -> what is on the page."""
    read = {}
    for path in sorted(site.rglob("*.html")):
        page = Read()
        page.feed(path.read_text(encoding="utf-8"))
        read[path.relative_to(site).as_posix()] = page
    assert len(read) > 60
    return read


def target(site: Path, page: str, link: str) -> tuple[Path, str]:
    """The file and the anchor that a link within the site means."""
    parts = urlsplit(link)
    path = unquote(parts.path)
    if path.startswith("/"):
        return site / path.lstrip("/"), unquote(parts.fragment)
    return ((site / page).parent / path if path else site / page).resolve(), unquote(parts.fragment)


def test_links_within_the_site_lead_somewhere(site: Path, pages: dict[str, Read]) -> None:
    wrong, home = [], site.resolve()
    for page, read in pages.items():
        for link in set(read.links):
            if urlsplit(link).scheme:
                continue
            path, anchor = target(home, page, link)
            if path.is_dir():
                path = path / "index.html"
            if not path.is_file():
                wrong.append(f"{page}: {link}")
            elif anchor and not anchor.startswith("__") and path.suffix == ".html":
                there = pages.get(path.relative_to(home).as_posix())
                if there is None or anchor not in there.anchors:
                    wrong.append(f"{page}: {link}: no such anchor")
    assert not wrong, "\n".join(wrong)


def test_links_to_elsewhere_have_the_form_of_addresses(pages: dict[str, Read]) -> None:
    for page, read in pages.items():
        for link in read.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("https", "http"), f"{page}: {link}"
                here = parts.hostname in ("127.0.0.1", "localhost")  # a server that the reader starts
                assert here or re.fullmatch(r"[\w.-]+\.\w{2,}", parts.netloc), f"{page}: {link}"
                assert " " not in link, f"{page}: {link}"


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Read]) -> None:
    for page, read in pages.items():
        for address in read.loaded:
            assert not urlsplit(address).scheme, f"{page} loads {address}"
            assert not address.startswith("//"), f"{page} loads {address}"
            assert target(site, page, address)[0].is_file(), f"{page} loads {address}, which is not there"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", style.read_text(encoding="utf-8")), style


def test_pictures_have_words(pages: dict[str, Read]) -> None:
    """Each has an alternative text that says what is on it, and stands in a figure with a caption."""
    wrong, shown = [], 0
    for page, read in pages.items():
        for address, words, in_figure in read.pictures:
            shown += 1
            if len(words.split()) < WORDS:
                wrong.append(f"{page}: {address}: the alternative text is {words!r}")
            if not in_figure:
                wrong.append(f"{page}: {address} has no caption: write *a caption* in the paragraph below it")
        wrong += [f"{page}: an empty caption" for caption in read.captions if len(caption.split()) < WORDS]
    assert shown > 30
    assert not wrong, "\n".join(wrong)


def test_no_page_is_an_orphan(site: Path, pages: dict[str, Read]) -> None:
    home = site.resolve()
    reached: set[str] = set()
    ahead = ["index.html"]
    while ahead:
        page = ahead.pop()
        if page in reached or page not in pages:
            continue
        reached.add(page)
        for link in {link.partition("#")[0] for link in pages[page].links}:
            if not urlsplit(link).scheme:
                path = target(home, page, link)[0]
                if path.is_relative_to(home):
                    ahead.append(path.relative_to(home).as_posix())
    assert set(pages) - reached == {"404.html"}


def test_every_page_can_be_found(site: Path, pages: dict[str, Read]) -> None:
    """The search has each page, and as a script, too: opened from the disk, a page reads nothing else."""
    found = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    places = {entry["location"].partition("#")[0] for entry in found}
    assert set(pages) - {"404.html"} <= {place or "index.html" for place in places}
    assert (site / "search" / "search_index.js").read_text(encoding="utf-8").startswith("var __index = ")


def test_the_api_shows_functions_and_classes(site: Path) -> None:
    """A name that a module has, too, is shown as the module unless its full path is given."""
    for page in (site / "api").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "doc-symbol-module" not in text, page.name
        assert page.name == "index.html" or "doc-contents" in text, page.name


def test_marks_and_marking_do_not_show(pages: dict[str, Read]) -> None:
    """Marks of the tests, fences and unread emphasis are no text of a page."""
    for page, read in pages.items():
        text = "".join(read.text)
        for mark in ("<!-- runs", "<!-- table", "<!-- /table", "\n```", ":::"):
            if page != "contributing.html":  # which shows such marks
                assert mark not in text, f"{page} shows {mark!r}"


def test_in_a_browser(site: Path) -> None:
    """Opened from the disk: it fetches nothing from elsewhere, the search answers, no page is wider than a phone."""
    api = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install -e '.[browser]'")
    acting = script("act_study")
    try:
        program = acting.chromium()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        asked: list[str] = []
        wrong: list[str] = []
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto((site / "index.html").as_uri())
        page.fill("input[data-md-component=search-query]", "keypoints")
        page.wait_for_selector(".md-search-result__link", state="attached", timeout=120_000)
        page.set_viewport_size({"width": 390, "height": 800})
        for name in ("index", "results", "tutorials/index", "api/photographs", "cards/patn", "faq"):
            page.goto((site / f"{name}.html").as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} is {wide} pixels wider than a phone"
        browser.close()
    assert not wrong
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked), asked
