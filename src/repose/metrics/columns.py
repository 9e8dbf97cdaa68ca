"""Every column of a table of scores, as data: what it is computed from, against what, how it is shown, and its range.

A column's name stands on result lines and in protocols, and is never taken apart: everything that the name says to a
reader stands in the fields of its `Column`. What decides the number (network, resizing, splits, subsets) is fixed under
the name; a change is a new column.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from repose.names import nearest

Statistic = Literal[
    "ssim", "ms_ssim", "local_ssim", "psnr", "l1", "pckh", "feature_distance", "appearance", "inception_score",
    "frechet", "kid", "lpips", "detection_score", "identity", "attributes",
]  # fmt: skip
"""The function that computes a column."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: on result lines, in protocols and in `COLUMNS`.
        title: heading in tables.
        better: "higher" or "lower".
        digits: shown after the point.
        range: the lowest and the highest value that it can have; infinity where it has no bound.
        statistic: the function that computes it.
        of: "pair", a number of each pair; "picture", a number of each picture alone; "set", one number of all pictures.
        computed_from: "pixels"; "joints" that an estimator finds; "features" of `repose.metrics.features`; "network",
            one of `repose.metrics.picture_networks.NETWORKS`.
        network: which of these; None for the others.
        reference: what the generated picture is compared with: "target", the real one; "source"; "annotation", the
            joints of the store; "train", all training pictures; None: with nothing.
        masked: of pictures that are black outside of the protocol's mask.
        covers: "clothes": of pictures that are grey outside of the clothes (`repose.metrics.features.clothes_region`).
        splits: parts that the pictures are divided into, of which the mean is taken.
        unit: of the values.
        skips: why a pair may not count; "" where every pair counts.
        notes: what it is, and whose.
    """

    name: str
    title: str
    better: Literal["higher", "lower"]
    digits: int
    range: tuple[float, float]
    statistic: Statistic
    of: Literal["pair", "picture", "set"] = "pair"
    computed_from: Literal["pixels", "joints", "features", "network"] = "pixels"
    network: str | None = None
    reference: Literal["target", "source", "annotation", "train"] | None = "target"
    masked: bool = False
    splits: int = 1
    covers: Literal["", "clothes"] = ""
    unit: str = ""
    skips: str = ""
    notes: str = ""

    def __post_init__(self) -> None:
        if (self.network is not None) != (self.computed_from == "network"):
            raise ValueError(f"column {self.name}: a network goes with computed_from='network', and only with that")
        if self.reference == "train" and self.statistic != "frechet":
            raise ValueError(
                f"column {self.name}: of the training pictures only mean and covariance are kept, which the Frechet "
                f"distance alone can take, not {self.statistic}"
            )

    @property
    def heading(self) -> str:
        """The title with an arrow to the better values."""
        return f"{self.title} {'↑' if self.better == 'higher' else '↓'}"

    @property
    def least(self) -> int:
        """The fewest pictures that it can be measured of: a set has two, and one for each split."""
        return max(2, self.splits) if self.of == "set" else 1

    @property
    def part(self) -> Literal["features", "logits"]:
        """The part of its network's outputs that a set column reads."""
        return "logits" if self.statistic == "inception_score" else "features"

    @property
    def buffer(self) -> str:
        """The name of the features that a set column of a network reads in a `FeatureBuffer`."""
        return f"{self.network} {'masked ' if self.masked else ''}{self.part}"


def _inception(name: str, title: str, network: str, splits: int, notes: str, masked: bool = False) -> Column:
    return Column(
        name, title, "higher", 3, (1, math.inf), "inception_score", "set", "network", network, None, masked, splits,
        notes=notes,
    )  # fmt: skip


def _distance(
    name: str,
    title: str,
    network: str,
    reference: Literal["target", "train"],
    notes: str,
    statistic: Literal["frechet", "kid"] = "frechet",
) -> Column:
    digits, low = (2, 0.0) if statistic == "frechet" else (4, -math.inf)
    return Column(
        name, title, "lower", digits, (low, math.inf), statistic, "set", "network", network, reference, notes=notes
    )


def _lpips(name: str, title: str, network: str, notes: str = "version 0.1, pictures at their size") -> Column:
    return Column(name, title, "lower", 3, (0, math.inf), "lpips", "pair", "network", network, notes=notes)


def _detection(name: str, title: str, network: str, notes: str) -> Column:
    return Column(name, title, "higher", 3, (0, 1), "detection_score", "picture", "network", network, None, notes=notes)


def _ssim(name: str, title: str, notes: str, statistic: Statistic = "ssim", masked: bool = False) -> Column:
    low, skips = (0 if statistic == "ms_ssim" else -1), ("no joint" if statistic == "local_ssim" else "")
    return Column(name, title, "higher", 3, (low, 1), statistic, masked=masked, skips=skips, notes=notes)


def _likeness(name: str, title: str, reference: Literal["target", "source"], skips: str, notes: str) -> Column:
    return Column(
        name, title, "higher", 3, (-1, 1), "appearance", "pair", "features", None, reference, skips=skips, notes=notes
    )


COLUMNS: Final[Mapping[str, Column]] = {
    column.name: column
    for column in (
        _ssim("ssim", "SSIM", "the protocol's variant"),
        _ssim("ssim_51", "SSIM (51x51)", "GFLA's uniform window of 51x51"),
        _ssim("ssim_sigma_1_2", "SSIM (sigma 1.2)", "PIDM's Gaussian window"),
        _ssim("mask_ssim", "mask-SSIM", "ssim of both pictures times the mask", masked=True),
        _ssim("ms_ssim", "MS-SSIM", "five scales", "ms_ssim"),
        _ssim("local_ssim", "local-SSIM", "mean over windows around the joints", "local_ssim"),
        Column("psnr", "PSNR (dB)", "higher", 2, (0, math.inf), "psnr", unit="dB", notes="infinite for equal pictures"),
        Column("l1", "L1", "lower", 3, (0, 2), "l1", notes="of pictures in [-1, 1]"),
        Column("pckh", "PCKh", "higher", 3, (0, 1), "pckh", computed_from="joints", skips="no head box",
               notes="the estimator's joints on the picture against its joints on the real target"),
        Column("pckh_csv", "PCKh (annotation)", "higher", 3, (0, 1), "pckh", computed_from="joints",
               reference="annotation", skips="no head box",
               notes="the estimator's joints on the picture against the annotated joints of the store"),
        Column("feature_distance", "feature distance", "lower", 3, (0, 4), "feature_distance", "pair", "features",
               notes="as LPIPS without learnt weights"),
        _likeness("appearance", "appearance", "target", "no joint", "cosine of the two people's features"),
        Column("fd", "FD", "lower", 1, (0, math.inf), "frechet", "set", "features",
               notes="Frechet distance to the features of the targets"),
        Column("kd", "KD", "lower", 3, (-math.inf, math.inf), "kid", "set", "features",
               notes="KID's distance to the features of the targets"),
        _likeness("identity", "identity", "source", "no joint", "appearance against the source"),
        _likeness("clothing", "clothing", "source", "no clothes", "identity of the clothes alone"),
        Column("identity_reid", "identity (re-ID)", "higher", 3, (-1, 1), "identity", "pair", "network", "reid_0277@1",
               "source", notes="cosine of the vectors of a re-identification network, generated against source"),
        Column("clothing_reid", "clothing (re-ID)", "higher", 3, (-1, 1), "identity", "pair", "network", "reid_0277@1",
               "source", covers="clothes", skips="no clothes",
               notes="identity_reid of the clothes alone: grey outside of their labels or, in a store without labels, "
               "of the body below the neck"),
        Column("attributes", "attributes", "higher", 3, (0, 1), "attributes", "pair", "network", "attributes_0230@1",
               skips="no clear attribute",
               notes="share of the clear attributes of the target that the picture has too: hat, bag, sleeves ..."),
        _inception("is_tf10", "IS", "inception_tf@1", 10, "TensorFlow's network, mean of 10 splits: PATN"),
        _inception("mask_is_tf10", "mask-IS", "inception_tf@1", 10, "is_tf10 of the pictures times the mask", True),
        _inception("mask_is_tv1", "mask-IS", "inception_unit@1", 1, "is_tv1 of the pictures times the mask", True),
        _inception("is_tv1", "IS", "inception_unit@1", 1, "torchvision's network, one split: Roy et al."),
        _distance("fid_tv_test", "FID (torchvision, test)", "inception_imagenet@1", "target", "to the targets"),
        _distance("fid_tv_train", "FID (torchvision, train)", "inception_imagenet@1", "train",
                  "to the training pictures, as the field has it"),
        _distance("fid_clean_test", "FID (clean, test)", "inception_clean@1", "target", "clean-fid, to the targets"),
        _distance("fid_clean_train", "FID (clean, train)", "inception_clean@1", "train",
                  "clean-fid, to the training pictures"),
        _distance("fid_tf_test", "FID (TF1, test)", "inception_tf@1", "target", "as first defined, to the targets"),
        _distance("fid_tf_train", "FID (TF1, train)", "inception_tf@1", "train",
                  "as first defined, to the training pictures"),
        _distance("kid_clean_test", "KID (clean, test)", "inception_clean@1", "target",
                  "100 subsets of 1,000, to the targets", "kid"),
        _lpips("lpips_alex", "LPIPS (Alex)", "lpips_alex@0.1"),
        _lpips("lpips_vgg", "LPIPS (VGG)", "lpips_vgg@0.1"),
        _lpips("lpips_squeeze", "LPIPS (Squeeze)", "lpips_squeeze@0.1"),
        _detection("ds", "DS (SSD300)", "ssd300_vgg16@1", "SSD300-VGG16 of COCO, not the papers' own"),
        _detection("detection_score", "DS (FastestDet)", "fastestdet@1",
                   "a small detector: no paper's number compares"),
    )
}  # fmt: skip
"""Every column by its name, in the order of tables."""


REPLACED: Final = ("identity", "clothing")
"""Columns of `repose.metrics.features` that `identity_reid` takes the place of where its network is here."""


def columns_from(computed_from: Literal["pixels", "joints", "features", "network"]) -> tuple[str, ...]:
    """The names of the columns that are computed from pixels, joints, features or networks, in their order."""
    return tuple(name for name, column in COLUMNS.items() if column.computed_from == computed_from)


def require_network_columns(names: Iterable[str]) -> None:
    """Check the names of columns that a protocol or `also` asks of networks.

    Raises:
        KeyError: one of them is no such column; the text names the nearest.
    """
    known = columns_from("network")
    for name in names:
        if name not in known:
            raise KeyError(f"no column of networks is called '{name}'; {nearest(name, known)}")
