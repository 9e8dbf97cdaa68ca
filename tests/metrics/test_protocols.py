"""Protocols by name and version."""

import dataclasses
import io

import pytest
from rich.console import Console

from repose.metrics import COLUMNS, PROTOCOLS, MaskVariant, Protocol, protocol
from repose.metrics.accumulators import Score
from repose.metrics.columns import columns_from
from repose.metrics.functional import PATN, SKIMAGE, SSIMVariant
from repose.metrics.protocols import overview
from repose.metrics.published import published
from repose.metrics.tables import TableRow, markdown, rich_table, table_cells
from repose.represent.canvas import CANVASES


def test_names_are_keys_and_canvases_exist() -> None:
    for name, made in PROTOCOLS.items():
        assert name == str(made) == f"{made.name}@{made.version}"
        assert made.canvas in CANVASES
        assert made.notes


def test_newest_version_by_bare_name() -> None:
    assert protocol("patn-market") is protocol("patn-market@3")
    assert protocol("people-fashion") is protocol("people-fashion@1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol("patn-market").version = 2  # type: ignore[misc]


def test_what_the_papers_say() -> None:
    market, fashion, roy = (protocol(f"{name}@1") for name in ("patn-market", "patn-fashion", "roy-fashion"))
    assert (market.ssim, fashion.ssim, roy.ssim) == (PATN, PATN, SKIMAGE)
    assert market.mask is not None
    assert (market.mask.radius, market.mask.half_width, market.mask.close) == (4, 4, 5)
    left, top, right, bottom = fashion.padding
    height, width = CANVASES[fashion.canvas].size
    assert (height + top + bottom, width + left + right) == (256, 256)
    assert fashion.fill == 255
    assert (market.directions, roy.directions) == ("given", "both")


@pytest.mark.parametrize(
    ("name", "canvas", "mask"),
    [
        ("patn-market", "market", MaskVariant(4.0, 4.0, 5)),
        ("people-half", "fashion-half", MaskVariant(4.0, 4.0, 5)),
        ("people-fashion", "fashion", MaskVariant(8.0, 8.0, 9)),
    ],
)
def test_what_is_cited_is_never_edited(name: str, canvas: str, mask: MaskVariant) -> None:
    """Versions that stand in results/: whoever wants to change any of this makes a new version."""
    made = PROTOCOLS[f"{name}@1"]
    assert made == Protocol(
        name=name, version=1, canvas=canvas, split="test", directions="given", resize="none", file="png",
        padding=(0, 0, 0, 0), fill=255, ssim=SSIMVariant("gaussian", 11, 1.5, False, "generated", 0.01, 0.03),
        mask=mask, windows=(), ms_ssim=None, local_ssim=None, networks=(), pckh_alpha=0.5, notes=made.notes,
    )  # fmt: skip


CHANGED = {
    "pinet-fashion@2": {"padding": (0, 0, 0, 0), "unpadded": ()},
    "patn-market-jpeg@2": {"pckh_counting": "ours"},
    "patn-fashion-jpeg@2": {"pckh_counting": "ours"},
    "roy-fashion-jpeg@2": {"pckh_counting": "ours"},
}
"""New versions that measure something else than the old one, and what: the old value of each field."""


def test_a_new_version_measures_what_the_old_one_did() -> None:
    for made in PROTOCOLS.values():
        if made.version > 1:
            old = PROTOCOLS[f"{made.name}@{made.version - 1}"]
            changed = CHANGED.get(str(made), {})
            assert all(getattr(made, field) != before for field, before in changed.items())
            alike = dataclasses.replace(made, version=old.version, networks=old.networks, notes=old.notes, **changed)
            assert alike == old


def test_what_pinets_versions_measure() -> None:
    """The released code pads for IS; of which size its LPIPS and FID are is not known, and stays the crop."""
    old, new = PROTOCOLS["pinet-fashion@1"], PROTOCOLS["pinet-fashion@2"]
    assert old == Protocol(
        name="pinet-fashion", version=1, canvas="fashion", networks=("is_tf10", "lpips_alex", "fid_tv_train"),
        notes=old.notes,
    )  # fmt: skip
    assert new.padding == PROTOCOLS["patn-fashion@1"].padding
    assert {COLUMNS[name].network for name in ("lpips_alex", "fid_tv_train")} == set(new.unpadded)
    assert COLUMNS["is_tf10"].network not in new.unpadded
    assert "remain unknown" in new.notes


@pytest.mark.parametrize("name", ["patn-market", "patn-fashion"])
def test_patn_has_its_jpeg_beside_it(name: str) -> None:
    lossy, newest = PROTOCOLS[f"{name}-jpeg@1"], protocol(f"{name}@2")
    assert lossy.file == "jpeg"
    assert dataclasses.replace(lossy, name=name, version=newest.version, file="png", notes=newest.notes) == newest
    for version in (1, 2):
        notes = PROTOCOLS[f"{name}@{version}"].notes
        assert "*_vis.jpg" in notes
        assert f"not done here but in {name}-jpeg" in notes


def test_further_columns_are_known() -> None:
    for made in PROTOCOLS.values():
        assert set(made.networks) <= set(columns_from("network")), made
        assert {name for name, _ in made.windows} <= set(columns_from("pixels")), made
        if made.ms_ssim or made.local_ssim:
            assert all(variant.data_range != "generated" for variant in (made.ms_ssim, made.local_ssim) if variant)


def test_a_number_needs_its_protocol() -> None:
    score = {"ssim": Score(0.5, 0.4, 0.6)}
    for write in (markdown, rich_table, table_cells):
        with pytest.raises(ValueError, match="without the protocol"):
            write([TableRow("a", score, "")])
        with pytest.raises(ValueError, match="without the protocol"):
            write([TableRow("a", score, "patn-market")])
        with pytest.raises(ValueError, match=r"patn-fashion@1, patn-market@1"):
            write([TableRow("a", score, "patn-market@1"), TableRow("b", score, "patn-fashion@1")])
        with pytest.raises(ValueError, match="different protocols"):
            write([TableRow("a", score, "patn-market@1"), TableRow("b", score, "patn-market@2")])
    assert "patn-market@1" in markdown([TableRow("a", score, "patn-market@1")])
    with pytest.raises(TypeError):
        TableRow("a", score)  # type: ignore[call-arg]


def test_many_columns_become_rows_on_a_terminal() -> None:
    """80 characters hold the names of four models and the numbers whole, not fourteen columns."""
    scores = {metric: Score(0.5, 0.4, 0.6) for metric in list(COLUMNS)[:14]}
    lines = [TableRow(name, scores, "patn-market@1") for name in ("real target", "copied source", "ours", "theirs")]
    screen = Console(file=io.StringIO(), width=80)
    screen.print(rich_table(lines))
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert all(name in text for name in ("real target", "copied source", "theirs", *(COLUMNS[m].title for m in scores)))
    assert text.count("0.500") + text.count("0.50") >= 4 * 14
    narrow = rich_table([TableRow("a", {"ssim": scores["ssim"]}, "patn-market@1")])
    assert narrow.row_count == 1


def test_published_rows_are_columns_of_their_protocol() -> None:
    for name in {made.name for made in PROTOCOLS.values()}:
        rows = published(name)
        made = protocol(name)
        measured = {"ssim", "mask_ssim", "ms_ssim", "local_ssim", "pckh", "DS", *made.networks}
        assert {column for row in rows for column in row.numbers} <= measured, name
    (apatn,) = [row for row in published("patn-fashion") if (row.method, row.table) == ("APATN", 1)]
    assert apatn.numbers == {"ssim": 0.780, "is_tf10": 3.435, "DS": 0.971, "pckh": 0.96}
    assert published("people-half") == ()


def test_no_papers_detection_score_stands_in_our_column() -> None:
    """Roy's is of NVIDIA's ResNet-50 SSD, PATN's of an SSD of PASCAL VOC; `ds` is SSD300-VGG16 of COCO."""
    for name in {made.name for made in PROTOCOLS.values()}:
        assert not {"ds", "detection_score"} & {column for row in published(name) for column in row.numbers}, name
    (own,) = [row for row in published("roy-fashion") if row.method == "Multi-scale Attention Guided"]
    assert own.numbers["DS"] == 0.976
    assert "does not compare" in protocol("roy-fashion@2").notes


def test_the_overview_tells_every_protocol() -> None:
    text = overview()
    for made in PROTOCOLS.values():
        assert f"| `{made}` |" in text
        assert f"- `{made}`: {made.notes}" in text
    assert "padded with white to 256x256" in text
    assert len({line.count("|") for line in text.splitlines() if line[:1] == "|"}) == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("patn-markt", "did you mean 'patn-market'"),
        ("patn-market@7", "no version '7'"),
        ("zzz", "there are: dpt-fashion"),
    ],
)
def test_unknown_names_are_answered(name: str, hint: str) -> None:
    with pytest.raises(KeyError, match=hint):
        protocol(name)
