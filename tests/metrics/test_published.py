"""The papers' rows: each says where it is from, and stands beside numbers of its own protocol alone."""

from dataclasses import replace

import pytest

from repose.metrics import COLUMNS, PROTOCOLS
from repose.metrics.published import PUBLISHED, REAL, published, published_cells, published_note
from repose.metrics.published_rows import PAPERS


def method(name: str, called: str, table: int) -> dict[str, float]:
    (row,) = [row for row in published(name) if (row.method, row.table) == (called, table)]
    return row.numbers


def test_every_row_says_its_paper_table_method_and_protocol_or_why_none_compares() -> None:
    seen = set()
    for row in PUBLISHED:
        assert row.paper in PAPERS
        assert row.table in range(1, 9)
        assert row.method
        assert row.printed
        assert row.protocol in PROTOCOLS if row.protocol else row.note
        key = (row.paper, row.table, row.method, row.protocol)
        assert key not in seen, f"{key} comes twice"
        seen.add(key)
        for column, value in row.numbers.items():
            assert column == "DS" or column in COLUMNS
            low, high = COLUMNS[column].range if column in COLUMNS else (0, 1)
            assert low <= value <= high, row


@pytest.mark.parametrize(
    ("paper", "table", "rows"),
    [
        ("patn", 1, 20), ("patn", 4, 18), ("patn", 5, 14), ("multiscale", 1, 8), ("multiscale", 3, 5), ("pinet", 2, 5),
        ("pinet", 3, 5), ("densepose", 1, 7), ("densepose", 3, 5), ("densepose", 4, 4), ("densepose", 5, 8),
        ("densepose", 7, 4), ("densepose", 8, 5), ("hpn", 1, 5), ("hpn", 2, 3),
    ],
)  # fmt: skip
def test_the_tables_are_whole(paper: str, table: int, rows: int) -> None:
    """As many rows as the tables have: rows of two data sets count twice, those of two protocols too."""
    assert sum((row.paper, row.table) == (paper, table) for row in PUBLISHED) == rows


def test_numbers_of_each_paper() -> None:
    assert method("patn-fashion", "APATN", 1) == {"ssim": 0.780, "is_tf10": 3.435, "DS": 0.971, "pckh": 0.96}
    assert method("patn-market", "APATB without concatenation", 5)["pckh"] == 0.75
    assert method("roy-fashion", "Multi-scale Attention Guided", 1)["DS"] == 0.976
    assert method("pinet-fashion", "PINet", 2) == {"is_tf10": 3.419, "lpips_alex": 0.2159, "fid_tv_train": 12.635}
    assert method("dpt-fashion", "L1, GAN", 5) == {"ssim": 0.771, "ms_ssim": 0.807, "is_tf10": 3.39}
    assert method("dpt-mvc", REAL, 8)["is_tf10"] == 5.47
    assert method("hpn-h36m", "both (HPN)", 1) == {"ssim": 0.954, "local_ssim": 0.772}


def test_roys_compared_methods_are_patns_numbers_and_stand_there() -> None:
    """Their four numbers are of another SSIM and another Inception Score than Roy's own row."""
    compared = [row for row in PUBLISHED if row.paper == "multiscale" and "ssim" in row.numbers and row.table == 1]
    by_name = {row.method: row for row in compared}
    for name in ("PG2", "Deformable GAN", "VUNet", "PATN"):
        assert by_name[name].protocol == "patn-fashion-jpeg@2"
        own, copied = [row for row in published("patn-fashion-jpeg") if (row.method, row.table) == (name, 1)]
        assert (own.paper, copied.paper) == ("patn", "multiscale")
        assert own.numbers == copied.numbers
    assert {row.method for row in published("roy-fashion")} >= {"Multi-scale Attention Guided", "FULL, 125K", REAL}
    assert not {"PG2", "PATN"} & {row.method for row in published("roy-fashion")}
    note = published_note(PROTOCOLS["roy-fashion@2"])
    said = "Not shown of Multi-scale, Table 1: PG2, Deformable GAN, VUNet, PATN (measured as patn-fashion-jpeg@2)"
    assert said in note


def test_rows_stand_beside_what_measures_alike_only() -> None:
    assert published("pinet-fashion@2")
    assert published("pinet-fashion@1") == (), "its Inception Score is of other pictures"
    assert published("patn-market@3") == published("patn-market-jpeg@2")
    assert published("fashion-256") == published("people-half") == ()
    assert {row.protocol for row in published("patn-fashion@1")} == {"patn-fashion-jpeg@2"}
    for changed in ({"padding": (0, 0, 0, 0)}, {"directions": "both"}, {"pckh_alpha": 0.3}):
        assert published(replace(PROTOCOLS["patn-fashion@2"], **changed)) == ()  # type: ignore[arg-type]
    assert published(replace(PROTOCOLS["people-half@1"], name="of-my-own")) == ()
    with pytest.raises(KeyError, match="did you mean 'patn-market'"):
        published("patn-markt")


def test_the_note_says_what_differs() -> None:
    note = published_note(PROTOCOLS["patn-market@3"])
    assert "not measured here" in note
    assert "Their protocol is patn-market-jpeg@2 (JPEG files, here PNG; PCKh counted as by the released scripts" in note
    assert "Their protocol" not in published_note(PROTOCOLS["patn-market-jpeg@2"])
    assert "PINet, Tables 2, 3: the text does not say" in published_note(PROTOCOLS["pinet-fashion@2"])


def test_the_cells_have_the_digits_of_the_papers() -> None:
    head, *rows = published_cells(published("dpt-fashion"))
    assert head[:2] == ["published", "method"]
    assert {len(row) for row in rows} == {len(head)}
    first = dict(zip(head, rows[0], strict=True))
    wanted = {"method": "best structure", "SSIM ↑": "0.796", "IS ↑": "3.17", "DS ↑": "0.971"}
    assert wanted.items() <= first.items()
    assert first["MS-SSIM ↑"] == "-"
