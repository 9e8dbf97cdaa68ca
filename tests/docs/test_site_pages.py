"""The hook of the site: links, lists, comments and pictures of a document, as Python-Markdown wants them."""

import pytest

from tests.test_scripts import script

pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -e '.[docs]'")
hook = script("site_pages")


@pytest.mark.parametrize(
    ("page", "text", "expected"),
    [
        ("index.md", "[x](docs/video.md#memory)", "[x](video.md#memory)"),
        ("index.md", "![x](docs/demo.png)", "![x](demo.png)"),
        ("index.md", "[docs/faq.md](docs/faq.md)", "[Questions](faq.md)"),
        ("video.md", "[x](cost.md)", "[x](cost.md)"),
        ("video.md", "[cost.md](cost.md)", "[What every system costs](cost.md)"),
        ("systems.md", "[card](../src/repose/models/patn/CARD.md#presets)", "[card](cards/patn.md#presets)"),
        ("cards/carry.md", "[x](../../../../docs/body.md)", "[x](../body.md)"),
        ("cards/weights/font-s.md", "[x](../../docs/font.md)", "[x](../../font.md)"),
        (
            "tutorials/own-model.md",
            "[x](../../CONTRIBUTING.md#adding-a-paper)",
            "[x](../contributing.md#adding-a-paper)",
        ),
        ("video.md", "[x](https://arxiv.org/abs/1904.03349)", "[x](https://arxiv.org/abs/1904.03349)"),
        ("video.md", "```\n[x](../README.md)\n```", "```\n[x](../README.md)\n```"),
        (
            "video.md",
            "[x](../results/nothing.jsonl)",
            "[x](../results/nothing.jsonl)",
        ),  # mkdocs says that it is no page
    ],
)
def test_links(page: str, text: str, expected: str) -> None:
    assert hook.for_site(text, page).strip() == expected


def test_lists() -> None:
    """An empty line before a list, and four columns a level; code within an item goes along."""
    text = "Text:\n- one\n  more\n  - inner\n\n1. first\n\n   ```python\n   if a:\n       b\n   ```\n\nText\n"
    expected = (
        "Text:\n\n- one\n    more\n    - inner\n\n1. first\n\n    ```python\n    if a:\n        b\n    ```\n\nText\n"
    )
    assert hook.for_site(text, "video.md") == expected


def test_code_stays_as_it_is() -> None:
    text = "```text\n- a\n - b\n<!-- runs -->\n\n![a](b)\n\n*c*\n```\n\n````markdown\n```bash\nx\n```\n````\n"
    assert hook.for_site(text, "video.md") == text


def test_marks_go_away() -> None:
    assert hook.for_site("<!-- table: x -->\n| a |\n|---|\n<!-- /table -->\n", "video.md").strip() == "| a |\n|---|"


def test_a_picture_with_a_caption_is_a_figure() -> None:
    text = hook.for_site(
        "![what it shows](a.jpg)\n\n*A caption of\ntwo lines.*\n\n![another](b.jpg)\n\nText\n", "video.md"
    )
    assert '<figcaption markdown="span">A caption of two lines.</figcaption>' in text
    assert "[![what it shows](a.jpg)](a.jpg)" in text
    assert text.count("<figure") == 1


def test_only_optional_pages_may_be_absent() -> None:
    kept = hook._present([{"a": "video.md"}, {"b": [{"c": "nothing.md"}]}], hook.ROOT / "docs")
    assert kept == [{"a": "video.md"}, {"b": [{"c": "nothing.md"}]}]  # mkdocs says that it is absent, an error
    for page in hook.OPTIONAL:
        assert bool(hook._present([page], hook.ROOT / "docs")) == hook._exists(page, hook.ROOT / "docs")
