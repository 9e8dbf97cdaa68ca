"""Columns as data."""

import math

import pytest

from repose.metrics import COLUMNS, PROTOCOLS, Column
from repose.metrics.columns import columns_from, require_network_columns
from repose.metrics.picture_networks import NETWORKS
from repose.metrics.published import published

RESULT_LINES = (
    "ssim", "ssim_51", "ssim_sigma_1_2", "mask_ssim", "ms_ssim", "local_ssim", "psnr", "l1", "pckh", "pckh_csv",
    "feature_distance", "appearance", "fd", "kd", "identity", "clothing", "identity_reid", "clothing_reid",
    "attributes", "is_tf10", "mask_is_tf10", "mask_is_tv1", "is_tv1", "fid_tv_test", "fid_tv_train", "fid_clean_test",
    "fid_clean_train", "fid_tf_test", "fid_tf_train", "kid_clean_test", "lpips_alex", "lpips_vgg", "lpips_squeeze",
    "ds", "detection_score",
)  # fmt: skip


def test_names_stay_as_result_lines_have_them() -> None:
    assert tuple(COLUMNS) == RESULT_LINES
    assert all(name == column.name for name, column in COLUMNS.items())


def test_every_column_says_what_it_is() -> None:
    for column in COLUMNS.values():
        low, high = column.range
        assert low < high
        assert column.title
        assert column.heading in (f"{column.title} ↑", f"{column.title} ↓")
        assert (column.network in NETWORKS) == (column.computed_from == "network")
        assert column.notes
    assert {column.unit for column in COLUMNS.values()} == {"", "dB"}


def test_what_a_name_says_stands_in_the_fields() -> None:
    """The names are never taken apart by the code; here they are, to check the data."""
    for name, column in COLUMNS.items():
        assert column.masked == name.startswith("mask_")
        assert (column.reference == "train") == name.endswith("_train")
        assert (column.splits == 10) == name.endswith("tf10")
        assert (column.statistic == "inception_score") == ("is_t" in name)
        assert (column.statistic == "frechet") == (name.startswith("fid_") or name == "fd")
        assert (column.statistic == "kid") == (name.startswith("kid_") or name == "kd")
        for network, word in (("lpips", "lpips_"), ("inception", "is_"), ("inception", "fid_"), ("inception", "kid_")):
            assert name.removeprefix("mask_")[: len(word)] != word or str(column.network).startswith(network)


def test_how_many_pictures_a_column_needs() -> None:
    assert [COLUMNS[name].least for name in ("is_tf10", "is_tv1", "fid_tv_train", "lpips_vgg", "ssim")] == [
        10,
        2,
        2,
        1,
        1,
    ]


def test_where_columns_come_from() -> None:
    assert columns_from("joints") == ("pckh", "pckh_csv")
    assert columns_from("features") == RESULT_LINES[10:16]
    assert columns_from("pixels") + columns_from("joints") == RESULT_LINES[:10]
    assert columns_from("network") == RESULT_LINES[16:]
    require_network_columns(columns_from("network"))
    for name in ("lpips_alexx", "ssim"):
        with pytest.raises(KeyError, match="no column of networks is called"):
            require_network_columns((name,))


def test_published_numbers_lie_in_the_ranges() -> None:
    for protocol in PROTOCOLS.values():
        for row in published(protocol.name):
            for name, value in row.numbers.items():
                low, high = COLUMNS[name].range if name in COLUMNS else (0, 1)
                assert low <= value <= high, (protocol, name, value)


def test_columns_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="a network goes with computed_from='network'"):
        Column("a", "A", "lower", 2, (0, math.inf), "frechet", "set", "network")
    with pytest.raises(ValueError, match="the Frechet distance alone can take, not kid"):
        Column("a", "A", "lower", 2, (0, 1), "kid", "set", "network", "inception_tf@1", "train")
