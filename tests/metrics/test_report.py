"""An evaluation as LaTeX, CSV and a page that stands alone."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from repose.data import Store
from repose.metrics import Evaluation, EvaluationSettings, GeneratorPictures, comparison_markdown, evaluate, protocol
from repose.metrics.published import published
from repose.metrics.report import Pictures, Show, as_csv, html, latex, markdown, write_report
from repose.person import Pair
from repose.represent.canvas import to_uint8
from tests.metrics.stores import fill


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return fill(tmp_path_factory.mktemp("stores") / "market")


def mixed(store: Store, share: float, name: str) -> Evaluation:
    def generate(pair: Pair) -> Tensor:
        assert pair.source.image is not None
        assert pair.target.image is not None
        return torch.lerp(pair.source.image, pair.target.image, share)

    return evaluate("patn-market@2", store, GeneratorPictures(generate, name), EvaluationSettings(features=False))


@pytest.fixture(scope="module")
def evaluations(store: Store) -> list[Evaluation]:
    made = [mixed(store, 0.4, "one_a & <b>"), mixed(store, 0.8, "two")]
    lacking = {"networks_missing": {"mask_is_tf10": "inception.pth"}}
    return [replace(one, facts=one.facts | lacking) for one in made]


class Page(HTMLParser):
    """Tags that are open, those that were seen, and the text outside of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)


def shown(store: Store, asked: list[Tensor]) -> Show:
    def show(pairs: Tensor) -> list[tuple[str, Sequence[Pictures]]]:
        asked.append(pairs)
        image = store.person(pairs[:, 1]).image
        assert image is not None
        pictures = list(to_uint8(image))
        return [("source", pictures), ("one_a & <b>", pictures), ("two", pictures), ("target", pictures)]

    return show


def test_the_page_stands_alone_and_says_it_all(store: Store, evaluations: list[Evaluation]) -> None:
    asked: list[Tensor] = []
    text = html(evaluations, shown(store, asked), np.zeros((8, 8, 3), np.uint8))
    page = Page()
    page.feed(text)
    assert not page.open, "every tag is closed"
    assert "<b>" not in text, "names are text"
    for tag, facts in page.seen:
        for key in ("src", "href"):
            assert (facts.get(key) or "data:").startswith("data:"), f"{tag} asks for {facts[key]}"
    assert "http" not in re.sub(r"data:[^\"]*", "", text)
    words = " ".join(page.text)
    assert "patn-market@2" in words
    for name in ("real target", "copied source", "one_a & <b>", "two", "no file", "mask-IS", "Distribution"):
        assert name in words
    assert words.count("published") >= 7, "the papers' rows are marked"
    assert "0.311" in words
    for one in evaluations:
        score = one["generated"].scores["ssim"]
        assert f'data-value="{score.value}"' in text
    order = evaluations[0]["generated"].columns["ssim"].values.argsort()
    assert torch.equal(asked[0], evaluations[0].pairs[order[:3]]), "the worst pairs"
    assert torch.equal(asked[1], evaluations[0].pairs[order.flip(0)[:3]]), "the best pairs"
    bars = [float(facts["height"] or 0) for tag, facts in page.seen if tag == "rect"]
    assert len(bars) % 40 == 0
    assert max(bars) == 48


def test_numbers_for_a_table_calculator(evaluations: list[Evaluation]) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(evaluations))))
    found = {(row["row"], row["metric"]): row for row in rows}
    score = evaluations[1]["generated"].scores["psnr"]
    row = found["two", "psnr"]
    assert (row["protocol"], row["pairs"], row["split"]) == ("patn-market@2", "6", "test")
    assert [float(row[key]) for key in ("value", "low", "high")] == pytest.approx(
        [score.value, score.low, score.high], abs=1e-6
    )
    assert found["real target", "psnr"]["value"] == "inf"
    lacking = replace(evaluations[0], facts=evaluations[0].facts | {"networks_missing": {"is_tf10": "inception.pth"}})
    left = [row for row in csv.DictReader(io.StringIO(as_csv([lacking]))) if row["metric"] == "is_tf10"]
    assert {(row["value"], row["why"]) for row in left} == {("", "weights missing: inception.pth")}


def test_a_table_for_a_paper(evaluations: list[Evaluation]) -> None:
    text = latex(evaluations)
    assert r"one\_a \& <b> & " in text
    assert "patn-market@2" in text
    measured, papers = text.split(r"\end{table}")[:2]
    body = [line for line in measured.splitlines() if line.endswith(r"\\")]
    assert len(body) == 5
    assert len({line.replace(r"\&", "").count("&") for line in body}) == 1
    rows = [line for line in papers.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 1 + len(published("patn-market@2"))
    assert len({line.count("&") for line in rows}) == 1
    assert r"\caption{Published numbers, not measured here" in papers
    assert "PATN and APATN, Table 1 & APATN & 0.326" in papers
    assert "0.326" not in measured
    assert text.count(r"\begin{table}") == 2
    assert not re.search(r"(?<!\\)[%#_]", text)


def test_the_papers_rows_follow_in_a_table_of_their_own(evaluations: list[Evaluation]) -> None:
    text = markdown(evaluations)
    measured, papers = text.split("## Published, not measured here")
    assert measured.rstrip("\n") == comparison_markdown(evaluations).rstrip("\n")
    assert "| PATN and APATN, Table 4 | PATN, 13 blocks | 0.314 |" in papers
    assert "patn-market-jpeg@2" in papers
    other = [replace(one, protocol=replace(protocol("people-half"), name="of-my-own")) for one in evaluations]
    assert "Published" not in markdown(other)
    assert latex(other).count(r"\begin{table}") == 1


def test_the_ending_decides(store: Store, evaluations: list[Evaluation], tmp_path: Path) -> None:
    show = shown(store, [])
    for ending, start in (
        (".md", "patn-market@2"),
        (".tex", r"\begin{table}"),
        (".csv", "protocol,"),
        (".html", "<!DOC"),
    ):
        write_report(tmp_path / f"r{ending}", evaluations, show)
        assert (tmp_path / f"r{ending}").read_text().startswith(start)
    with pytest.raises(ValueError, match=r"\.md, \.tex, \.csv, \.html"):
        write_report(tmp_path / "r.doc", evaluations, show)
