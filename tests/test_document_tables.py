"""The tables of documents: where they stand, who makes them, and that the committed ones are what the lines say."""

from pathlib import Path
from typing import Any

import pytest

from repose.bench.attention import AttentionCost
from repose.bench.cost.result import Cost
from repose.bench.estimating import EstimatingTimes
from repose.bench.forward import ForwardTimes
from repose.bench.large import LargeCost
from repose.bench.loading import LoadingRates
from repose.bench.metrics import MetricTimes
from repose.bench.rendering import RenderingSpeed
from repose.bench.scene import SceneTimes
from repose.document_tables import _BLOCK, TABLES, document_table, write_tables
from repose.record import append, read_results
from repose.research.joints import JointsFound
from repose.research.realism import Realism
from repose.research.turns import TurnsResult
from tests.lines import evaluation, forward_line, rows_of, write_results

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "weights").glob("*/CARD.md"))]


def test_tables_stand_between_their_markers(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results", evaluation("a", 0.4321), forward_line("patn-fashion"))
    one, none = tmp_path / "one.md", tmp_path / "none.md"
    one.write_text(
        "before → `<!-- table: NAME -->`\n<!-- table: market -->\nold\n<!-- /table -->\nbetween\n"
        "<!-- table: measured-a -->\n<!-- /table -->\nafter\n"
    )
    none.write_text("nothing\n")
    assert write_tables(results, [one, none]) == {one: ["market", "measured-a"], none: []}
    text = one.read_text()
    assert text.startswith("before → `<!-- table: NAME -->`\n<!-- table: market -->\n|")
    assert "old" not in text
    assert "\n<!-- /table -->\nbetween\n<!-- table: measured-a -->\n|" in text
    assert text.endswith("\n<!-- /table -->\nafter\n")
    assert text.count("0.432") == 2
    write_tables(results, [one])
    assert one.read_text() == text, "a second time changes nothing"
    assert none.read_text() == "nothing\n"


def test_unknown_tables_and_open_ends(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results", evaluation())
    page = tmp_path / "page.md"
    for text, error, words in (
        (
            "<!-- table: budget-people@8@a@b -->\n<!-- /table -->\n",
            KeyError,
            "no table is called 'budget-people@8@a@b'",
        ),
        ("<!-- table: markt -->\n<!-- /table -->\n", KeyError, "did you mean 'market'"),
        ("<!-- table: measured-b -->\n<!-- /table -->\n", ValueError, "no evaluation of b"),
        ("<!-- table: forward -->\n<!-- /table -->\n", ValueError, "no line of `repose bench forward`"),
        ("<!-- table: market -->\n<!-- table: market -->\n<!-- /table -->\n", ValueError, "has no end"),
    ):
        page.write_text(text)
        with pytest.raises(error, match=words):
            write_tables(results, [page])
        assert page.read_text() == text
    (results / "bad.jsonl").write_text('{"kind": "evaluation"}\n{"kind"')
    with pytest.raises(ValueError, match=r"bad.jsonl, line 2 is not JSON"):
        write_tables(results, [page])


def test_the_documents_of_this_project_name_known_tables_only() -> None:
    texts = [document.read_text() for document in DOCUMENTS]
    names = [line.split()[2] for text in texts for line in text.splitlines() if line.startswith("<!-- table: ")]
    assert set(TABLES) <= set(names)
    names = [name for name in names if not name.startswith(("budget-", "seeds-"))]
    assert all(name in TABLES or (ROOT / "weights" / name.removeprefix("measured-")).is_dir() for name in names)


def test_the_table_of_protocols_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "protocols.md").read_text()
    assert document_table("protocols", []) in page, "`repose bench tables` writes it anew"


def test_no_document_is_written_where_one_cannot_be(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results", evaluation())
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text("<!-- table: market -->\n<!-- /table -->\n")
    bad.write_text("<!-- table: forward -->\n<!-- /table -->\n")
    with pytest.raises(ValueError, match="no line of `repose bench forward`"):
        write_tables(results, [good, bad])
    assert good.read_text() == "<!-- table: market -->\n<!-- /table -->\n"


def test_the_newest_line_wins_in_whichever_file_it_is(tmp_path: Path) -> None:
    results = write_results(tmp_path / "results", evaluation(ssim=0.7, day=9), name="1.jsonl")
    write_results(results, evaluation(ssim=0.3, day=2), name="2.jsonl")
    lines = read_results(results)
    for name, row in (("market", "`a`"), ("measured-a", "market1501")):
        assert rows_of(document_table(name, lines))[row][0] == "0.700"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_committed_tables_are_what_the_result_lines_say(document: Path) -> None:
    lines = read_results(ROOT / "results")
    for block in _BLOCK.finditer(document.read_text(encoding="utf-8")):
        assert f"{block[1]}{document_table(block[2], lines)}{block[3]}" == block[0], (
            "`repose bench tables` writes it anew"
        )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("forward", ForwardTimes), ("attention", AttentionCost), ("cost", Cost), ("loading", LoadingRates),
        ("metrics", MetricTimes), ("rendering", RenderingSpeed), ("scene", SceneTimes), ("realism", Realism),
        ("joints", JointsFound), ("turns", TurnsResult), ("large", LargeCost),
        ("estimate", EstimatingTimes),
    ],
)  # fmt: skip
def test_committed_lines_are_read_and_written_alike(name: str, kind: Any, tmp_path: Path) -> None:
    lines = [line for line in read_results(ROOT / "results") if name in (line.get("bench"), line.get("kind"))]
    assert lines
    others = {"date", "commit", "hardware", "repose", "torch", "threads"}  # the stamp
    others |= {"data", "checksum", "split", "model", "recipe", "weights"}  # facts that the verb adds
    for line in lines:
        append(tmp_path / "again.jsonl", kind.read(line).line())
        (again,) = read_results(tmp_path)
        (tmp_path / "again.jsonl").unlink()
        assert again.pop("seed", None) == line.pop("seed", None)
        assert {key: line.get(key) for key in again} == again
        assert not set(line) - set(again) - others
