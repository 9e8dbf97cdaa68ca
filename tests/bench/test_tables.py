"""The tables of documents: every number comes from the right result line."""

import json
from pathlib import Path
from typing import Any

import pytest

from repose.bench.tables import TABLES, _read, table, write_tables

ROOT = Path(__file__).parents[2]


def evaluation(model: str = "a", ssim: float = 0.5, day: int = 1, **facts: Any) -> dict[str, Any]:
    """A result line of `repose eval`, complete and of the test split unless `facts` say otherwise."""

    def row(value: float | None, psnr: float | None) -> dict[str, list[float | None]]:
        return {"ssim": [value, value, value], "psnr": [psnr, psnr, psnr]}

    return {
        "kind": "evaluation", "protocol": "patn-market@1", "model": model, "weights": f"{model}-sha",
        "data": "market1501", "checksum": "c0ffee", "split": "test", "pairs": 10, "pairs_in_split": 10,
        "date": f"2026-01-{day:02}T00:00:00+00:00", "commit": "abc", "hardware": "a box",
        "rows": {"target": row(1.0, None), "source": row(0.1, 12.0), "generated": row(ssim, 15.0)}, **facts,
    }  # fmt: skip


def timing(recipe: str, day: int = 1, best: float | None = 0.25, **facts: Any) -> dict[str, Any]:
    """A result line of `repose bench forward`."""
    rows = [{"backend": "plain", "best": best, "median": best, "share": 0.5, "difference": 0.0}]
    return {
        "bench": "forward", "recipe": recipe, "height": 256, "width": 176, "batch": 1, "gmac": 71.9,
        "peak_gflops": 80.0, "threads": 2, "hardware": "a box", "torch": "2.6", "commit": "abc", "rows": rows,
        "date": f"2026-01-{day:02}T00:00:00+00:00", **facts,
    }  # fmt: skip


def rows_of(text: str) -> dict[str, list[str]]:
    """First cell -> the other cells, headings under ""."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0]: row[1:] for row in cells if not row[0].startswith("---")}


def write(folder: Path, *lines: dict[str, Any], name: str = "r.jsonl") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


# -- markers --------------------------------------------------------------------------------------------------------


def test_tables_stand_between_their_markers(tmp_path: Path) -> None:
    results = write(tmp_path / "results", evaluation("a", 0.4321), timing("patn-fashion"))
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
    results = write(tmp_path / "results", evaluation())
    page = tmp_path / "page.md"
    for text, error, words in (
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
    with pytest.raises(ValueError, match=r"bad.jsonl, line 2 is no JSON"):
        write_tables(results, [page])


def test_the_documents_of_this_project_name_known_tables_only() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "weights").glob("*/CARD.md")]
    lines = [page.read_text() for page in pages]
    names = [line.split()[2] for text in lines for line in text.splitlines() if line.startswith("<!-- table: ")]
    assert set(TABLES) <= set(names)
    names = [name for name in names if not name.startswith("budget-")]
    assert all(name in TABLES or (ROOT / "weights" / name.removeprefix("measured-")).is_dir() for name in names)


# -- evaluations ----------------------------------------------------------------------------------------------------


def test_models_by_ssim_below_the_references() -> None:
    text = table("market", [evaluation("a", 0.2), evaluation("b", 0.6, commit="def"), evaluation("c", 0.4)])
    rows = rows_of(text)
    assert list(rows) == ["", "real target", "copied source", "`b`", "`c`", "`a`"]
    assert rows["real target"] == ["1.000", "∞"], "PSNR of equal pictures is null in the file"
    assert rows["`b`"] == ["0.600", "15.00"]
    assert "commit `def`, `abc`, a box." in text


def test_what_nobody_could_measure_is_not_infinite() -> None:
    line = evaluation()
    line["rows"]["generated"]["pckh"] = [None, None, None]
    assert rows_of(table("market", [line]))["`a`"][-1] == "-"


def test_the_newest_line_wins_in_whichever_file_it_is(tmp_path: Path) -> None:
    results = write(tmp_path / "results", evaluation(ssim=0.7, day=9), name="1.jsonl")
    write(results, evaluation(ssim=0.3, day=2), name="2.jsonl")
    lines = _read(results)
    for name, row in (("market", "`a`"), ("measured-a", "market1501")):
        assert rows_of(table(name, lines))[row][0] == "0.700"


@pytest.mark.parametrize(
    "facts", [{"split": "val"}, {"pairs": 5}, {"rows": {"source": {"ssim": [0.0, 0.0, 0.0]}}}], ids=list("slr")
)
def test_only_whole_test_splits_count(facts: dict[str, Any]) -> None:
    other = evaluation(ssim=0.9, day=5, **facts)
    lines = [evaluation(ssim=0.3), other]
    assert rows_of(table("market", lines))["`a`"][0] == "0.300"
    assert rows_of(table("measured-a", lines))["market1501"][0] == "0.300"
    for name in ("market", "measured-a"):
        with pytest.raises(ValueError, match="no evaluation"):
            table(name, [other])


def test_another_store_of_the_same_data_does_not_stand_beside() -> None:
    text = table("market", [evaluation("a"), evaluation("b", day=2, checksum="decade")])
    assert list(rows_of(text)) == ["", "real target", "copied source", "`b`"]
    assert "`decade`" in text


def test_a_model_under_several_protocols() -> None:
    roy = evaluation(ssim=0.8, protocol="roy-fashion@1", data="fashion")
    roy["rows"]["generated"]["mask_ssim"] = [0.9, 0.9, 0.9]
    text = table("measured-a", [evaluation(), roy, evaluation("b", 0.1)])
    market, fashion = text.split("patn-market@1.\n")
    assert rows_of(market) == {"": ["SSIM ↑", "PSNR (dB) ↑"], "market1501": ["0.500", "15.00"]}
    assert rows_of(fashion)["fashion"] == ["0.800", "0.900", "15.00"], "a table for each protocol"
    assert "roy-fashion@1.\n" in fashion
    assert text.endswith("Weights sha256 `a-sha`.\n")
    assert list(rows_of(table("market", [evaluation(), roy]))) == ["", "real target", "copied source", "`a`"]


def test_only_the_newest_version_of_a_protocol_is_shown() -> None:
    lines = [evaluation("a", day=3), evaluation("b", day=2, protocol="patn-market@2")]
    text = table("market", lines)
    assert list(rows_of(text)) == ["", "real target", "copied source", "`b`"]
    assert "patn-market@2" in text


def test_a_card_is_about_one_file() -> None:
    old = evaluation(protocol="patn-fashion@1", weights="old")
    text = table("measured-a", [old, evaluation(day=2, weights="new")])
    assert list(rows_of(text)) == ["", "market1501"]
    assert "old" not in text
    folder = table("measured-a", [evaluation(weights="x"), evaluation(day=2, weights=None)])
    assert "folder of pictures" in folder
    assert "None" not in folder


def test_attention_fused_and_plain() -> None:
    rows = [
        {"way": way, "forward": 0.143, "both": 0.368, "forward_mib": 132.2, "both_mib": 266.7}
        for way in ("plain", "fused")
    ]
    line = {
        "bench": "attention", "what": "attention", "height": 256, "width": 256, "places": 4096, "threads": 2,
        "difference": 7.1e-7, "gradient_difference": 5e-7, "rows": rows, "hardware": "a box", "torch": "2.6",
        "commit": "abc", "date": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    text = table("attention", [line])
    assert "| one block's attention | 256x256, 4,096 places | fused | 0.143 | 132 | 0.368 | 267 |" in text
    assert "differs by 7e-07 at most" in text
    with pytest.raises(ValueError, match="repose bench attention"):
        table("attention", [])


def test_what_the_metrics_cost() -> None:
    line = {
        "bench": "metrics", "timings": [{"name": "SSIM", "ours": 3.0, "theirs": 8.0, "apart": 4e-7},
                                        {"name": "L1", "ours": 0.2, "theirs": None, "apart": None}],
        "clocked": {"patn-fashion@2": 21.4}, "whole": 8570, "cores": 2,
        "pairs": 24, "height": 256, "width": 176, "rounds": 3, "threads": 1,
        "share": 0.08, "data": "people-fashion", "hardware": "a box", "torch": "2.6",
        "commit": "abc", "date": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    text = table("metrics", [line])
    assert rows_of(text)["SSIM"] == ["3.00", "8.00", "4e-07"]
    assert rows_of(text)["L1"] == ["0.20", "", ""]
    assert "by the clock for 8,570 pairs on 2 cores" in text
    assert "`patn-fashion@2` 21" in text
    with pytest.raises(ValueError, match="repose bench metrics"):
        table("metrics", [])


def test_the_table_of_protocols_is_what_the_code_says() -> None:
    page = (ROOT / "docs" / "protocols.md").read_text()
    assert table("protocols", []) in page, "`repose bench tables` writes it anew"


# -- forward --------------------------------------------------------------------------------------------------------


def test_forward_times() -> None:
    extra = {"backend": "ncnn", "best": None, "median": None, "share": None, "difference": None, "note": "none"}
    new = timing("b", day=3, best=0.5)
    new["rows"] = [*new["rows"], extra]
    small = timing("b", day=9, best=0.001, height=64, width=32)
    text = table("forward", [timing("a"), timing("b", best=9.0), new, small])
    rows = rows_of(text)
    assert rows["backend"] == ["`a` s", "of peak", "difference", "`b` s", "of peak", "difference"]
    assert rows["`plain`"] == ["0.250", "50%", "0e+00", "0.500", "50%", "0e+00"]
    assert rows["`ncnn`"] == ["not tried", "", "", "did not run", "", ""]
    assert "`a` 71.9 GMAC at 256x176" in text
    assert "Threads: 2; a box; torch 2.6; commit `abc`." in text
    new["rows"][0]["difference"] = None
    assert rows_of(table("forward", [new]))["`plain`"][2] == "NaN"


def test_pictures_a_second_from_end_to_end() -> None:
    ran = timing("a", best=0.15, around=0.05, batch=1)
    slow = {**ran["rows"][0], "backend": "slow", "best": 0.45}
    ran["rows"].append(slow)
    assert "`a` end to end, joints given, 5.0 pictures a second by `plain`" in table("forward", [ran])
    assert "end to end" not in table("forward", [timing("a")]), "an older line does not say what lies around"
    none = timing("b", best=None, around=0.05)
    text = table("forward", [ran, none])
    assert "5.0 pictures a second" in text
    assert "`b` end to end" not in text, "nothing ran"
    assert "end to end" not in table("forward", [timing("b", best=None)])


def rung(name: str, ssim: float = 0.5, **facts: Any) -> dict[str, Any]:
    return evaluation(f"rung {name}", ssim, **{"split": "val", "features": None, **facts})


def test_rungs_by_their_numbers() -> None:
    rows = rows_of(table("ladder", [rung("10 last"), rung("9 before"), rung("2 early"), rung("2 early", 0.7)]))
    assert list(rows) == ["", "real target", "copied source", "2 early", "9 before", "10 last"]
    assert rows["2 early"][0] == "0.700"


@pytest.mark.parametrize(
    "facts",
    [{"protocol": "people-half@2"}, {"features": "mobilenet_v2@1"}, {"checksum": "decade"}, {"pairs": 3},
     {"split": "test"}],
    ids=lambda facts: next(iter(facts)),
)  # fmt: skip
def test_rungs_that_were_measured_otherwise_do_not_stand_beside(facts: dict[str, Any]) -> None:
    text = table("ladder", [rung("1 other", **facts), rung("2 new", day=2)])
    assert list(rows_of(text)) == ["", "real target", "copied source", "2 new"]
    assert "Features" not in text
    with pytest.raises(ValueError, match="no evaluation of a rung on split val"):
        table("ladder", [rung("1 other", split="test")])
    old = rung("1 old", day=2)
    del old["features"]  # of before there were any
    assert "1 old" in rows_of(table("ladder", [rung("2 new"), old]))


def test_no_document_is_written_where_one_cannot_be(tmp_path: Path) -> None:
    results = write(tmp_path / "results", evaluation())
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text("<!-- table: market -->\n<!-- /table -->\n")
    bad.write_text("<!-- table: forward -->\n<!-- /table -->\n")
    with pytest.raises(ValueError, match="no line of `repose bench forward`"):
        write_tables(results, [good, bad])
    assert good.read_text() == "<!-- table: market -->\n<!-- /table -->\n"


def test_rungs_in_their_order() -> None:
    lines = [
        evaluation("patn", 0.8, day=1),
        {**evaluation("rung 3 of other people", 0.9, day=0), "split": "test", "features": None},
        {**evaluation("rung 2 with wings", 0.6, day=1), "split": "val", "features": None},
        {**evaluation("rung 1 plain", 0.5, day=2), "split": "val", "features": None},
    ]
    made = rows_of(table("ladder", lines))
    assert [name for name in made if name in ("1 plain", "2 with wings")] == ["1 plain", "2 with wings"]
    assert "3 of other people" not in made
    with pytest.raises(ValueError, match="no evaluation of a rung"):
        table("ladder", lines[:1])
