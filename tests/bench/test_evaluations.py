"""The tables of evaluations: every number comes from the right result line."""

from typing import Any

import pytest

from repose.document_tables import document_table
from tests.lines import evaluation, rows_of


def test_models_by_ssim_below_the_references() -> None:
    text = document_table("market", [evaluation("a", 0.2), evaluation("b", 0.6, commit="def"), evaluation("c", 0.4)])
    rows = rows_of(text)
    assert list(rows) == ["", "real target", "copied source", "`b`", "`c`", "`a`"]
    assert rows["real target"] == ["1.000", "∞"], "PSNR of equal pictures is null in the file"
    assert rows["`b`"] == ["0.600", "15.00"]
    assert "commit `def`, `abc`, a box." in text


def test_joints_of_two_estimators_do_not_share_a_column() -> None:
    lines = [evaluation("a", 0.2, estimator="movenet-1"), evaluation("b", 0.6, day=2, estimator="movenet-2")]
    for line in lines:
        line["rows"]["generated"]["pckh"] = [0.9, 0.8, 1.0]
    rows = rows_of(document_table("market", lines))
    assert (rows["`a`"][-1], rows["`b`"][-1]) == ("-", "0.900 [0.800, 1.000]")


def test_what_nobody_could_measure_is_not_infinite() -> None:
    line = evaluation()
    line["rows"]["generated"]["pckh"] = [None, None, None]
    assert rows_of(document_table("market", [line]))["`a`"][-1] == "-"


@pytest.mark.parametrize(
    "facts", [{"split": "val"}, {"pairs": 5}, {"rows": {"source": {"ssim": [0.0, 0.0, 0.0]}}}], ids=list("slr")
)
def test_only_whole_test_splits_count(facts: dict[str, Any]) -> None:
    other = evaluation(ssim=0.9, day=5, **facts)
    lines = [evaluation(ssim=0.3), other]
    assert rows_of(document_table("market", lines))["`a`"][0] == "0.300"
    assert rows_of(document_table("measured-a", lines))["market1501"][0] == "0.300"
    for name in ("market", "measured-a"):
        with pytest.raises(ValueError, match="no evaluation"):
            document_table(name, [other])


def test_another_store_of_the_same_data_does_not_stand_beside() -> None:
    text = document_table("market", [evaluation("a"), evaluation("b", day=2, checksum="decade")])
    assert list(rows_of(text)) == ["", "real target", "copied source", "`b`"]
    assert "`decade`" in text


def test_a_model_under_several_protocols() -> None:
    roy = evaluation(ssim=0.8, protocol="roy-fashion@1", data="fashion")
    roy["rows"]["generated"]["mask_ssim"] = [0.9, 0.9, 0.9]
    text = document_table("measured-a", [evaluation(), roy, evaluation("b", 0.1)])
    market, fashion = text.split("patn-market@1.\n")
    assert rows_of(market) == {"": ["SSIM ↑", "PSNR (dB) ↑"], "market1501": ["0.500", "15.00"]}
    assert rows_of(fashion)["fashion"] == ["0.800", "0.900", "15.00"], "a table for each protocol"
    assert "roy-fashion@1.\n" in fashion
    assert text.endswith("Weights sha256 `a-sha`.\n")
    assert list(rows_of(document_table("market", [evaluation(), roy]))) == ["", "real target", "copied source", "`a`"]


def test_only_the_newest_version_of_a_protocol_is_shown() -> None:
    lines = [evaluation("a", day=3), evaluation("b", day=2, protocol="patn-market@2")]
    text = document_table("market", lines)
    assert list(rows_of(text)) == ["", "real target", "copied source", "`b`"]
    assert "patn-market@2" in text


def test_a_card_is_about_one_file() -> None:
    old = evaluation(protocol="patn-fashion@1", weights="old")
    text = document_table("measured-a", [old, evaluation(day=2, weights="new")])
    assert list(rows_of(text)) == ["", "market1501"]
    assert "old" not in text
    folder = document_table("measured-a", [evaluation(weights="x"), evaluation(day=2, weights=None)])
    assert "folder of pictures" in folder
    assert "None" not in folder


def rung(name: str, ssim: float = 0.5, **facts: Any) -> dict[str, Any]:
    return evaluation(f"rung {name}", ssim, **{"split": "val", "features": None, **facts})


def test_rungs_by_their_numbers() -> None:
    rows = rows_of(document_table("ladder", [rung("10 last"), rung("9 before"), rung("2 early"), rung("2 early", 0.7)]))
    assert list(rows) == ["", "real target", "copied source", "2 early", "9 before", "10 last"]
    assert rows["2 early"][0] == "0.700"


@pytest.mark.parametrize(
    "facts",
    [{"protocol": "people-half@2"}, {"features": "mobilenet_v2@1"}, {"checksum": "decade"}, {"pairs": 3},
     {"split": "test"}],
    ids=lambda facts: next(iter(facts)),
)  # fmt: skip
def test_rungs_that_were_measured_otherwise_do_not_stand_beside(facts: dict[str, Any]) -> None:
    text = document_table("ladder", [rung("1 other", **facts), rung("2 new", day=2)])
    assert list(rows_of(text)) == ["", "real target", "copied source", "2 new"]
    assert "Features" not in text
    with pytest.raises(ValueError, match="no evaluation of a rung on split val"):
        document_table("ladder", [rung("1 other", split="test")])
    old = rung("1 old", day=2)
    del old["features"]  # of before there were any
    assert "1 old" in rows_of(document_table("ladder", [rung("2 new"), old]))


def test_rungs_in_their_order() -> None:
    lines = [
        evaluation("patn", 0.8, day=1),
        {**evaluation("rung 3 of other people", 0.9, day=0), "split": "test", "features": None},
        {**evaluation("rung 2 with wings", 0.6, day=1), "split": "val", "features": None},
        {**evaluation("rung 1 plain", 0.5, day=2), "split": "val", "features": None},
    ]
    made = rows_of(document_table("ladder", lines))
    assert [name for name in made if name in ("1 plain", "2 with wings")] == ["1 plain", "2 with wings"]
    assert "3 of other people" not in made
    with pytest.raises(ValueError, match="no evaluation of a rung"):
        document_table("ladder", lines[:1])
