"""How well a parsing is estimated: against the exact labels of rendered people, and against BodyPix on photographs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from repose.data.store import Store
from repose.estimate.base import Image, KeypointEstimator, ParsingEstimator
from repose.estimate.bodypix import PARTS, BodyPix
from repose.images import load_image
from repose.markdown import each_value, grid_table
from repose.person import LIP_LABELS
from repose.record import ResultLine, reading_line
from repose.represent.canvas import to_uint8
from repose.represent.parsing import fold_neck

REGIONS: Final = {
    "head": ("hat", "hair", "sunglasses", "face"),
    "upper": ("upper clothes", "coat", "scarf", "left arm", "right arm", "glove"),
    "lower": ("pants", "skirt", "left leg", "right leg", "socks", "left shoe", "right shoe"),
}
"""Region of the body -> LIP's labels in it. A dress and a jumpsuit lie in two regions: their pixels are left out."""

LEFT_OUT: Final = -1

_WHOLE: Final = ("dress", "jumpsuits")
_LOWER_PARTS: Final = ("leg", "foot")

_HAT: Final = 0.2
"""Of the pixels of a head: so many must be labelled "hat" before the person counts as wearing one."""

_PIXELS: Final = 20  # of a label, before a picture shows it


def regions(labels: Tensor) -> Tensor:
    """Labels, int64 (H, W) -> 0 background, 1 head, 2 upper, 3 lower, -1 left out."""
    table = torch.zeros(len(LIP_LABELS), dtype=torch.int64)
    for number, names in enumerate(REGIONS.values(), 1):
        table[[LIP_LABELS.index(name) for name in names]] = number
    table[[LIP_LABELS.index(name) for name in _WHOLE]] = LEFT_OUT
    return table[fold_neck(labels)]


def part_regions(parts: Tensor) -> Tensor:
    """BodyPix's parts, int64 (H, W), -1 beside the person, -> 0 background, 1 head, 2 upper, 3 lower."""
    table = torch.tensor([_region_of(name) for name in PARTS] + [0])  # -1 is the last entry
    return table[parts]


def wears_hat(labels: Tensor) -> bool:
    """Whether more than a fifth of the head's pixels in LIP's labels are of a hat."""
    hat, head = int((labels == LIP_LABELS.index("hat")).sum()), int((regions(labels) == 1).sum())
    return hat > max(_PIXELS, _HAT * head)


@dataclass(frozen=True)
class ParsingMeasured:
    """What an estimator gave on some pictures, all of their pixels together.

    Attributes:
        estimator, joints, reference: names of the estimator, of what gave the joints ("exact" for a store's), and of
            what it is compared with ("exact" or BodyPix).
        pictures: how many.
        iou: IoU of each label that the pictures show, by name; empty where the reference has no labels.
        region_iou: IoU of each of `REGIONS`.
        hats: people who were given a hat and wear none by the reference, or any hat if the reference has no labels.
        left_out: share of the person's pixels with a label that lies in no region.
    """

    estimator: str
    joints: str
    reference: str
    pictures: int
    iou: dict[str, float]
    region_iou: dict[str, float]
    hats: int
    left_out: float

    @property
    def mean_iou(self) -> float | None:
        """The mean over labels; None without labels."""
        return sum(self.iou.values()) / len(self.iou) if self.iou else None

    def line(self) -> ResultLine:
        """The result line, without its stamp: "kind" is "parsing"; "seed" is null, nothing is drawn."""
        return {
            "kind": "parsing", "estimator": self.estimator, "joints": self.joints, "reference": self.reference,
            "pictures": self.pictures, "mean_iou": None if self.mean_iou is None else round(self.mean_iou, 4),
            "iou": _rounded(self.iou), "region_iou": _rounded(self.region_iou), "hats": self.hats,
            "left_out": round(self.left_out, 4), "seed": None,
        }  # fmt: skip


def measure_rendered(
    store: Store, records: Sequence[int], estimator: ParsingEstimator, tick: Callable[[], None] | None = None
) -> ParsingMeasured:
    """Compare with the exact labels of rendered people; the joints are the exact ones.

    Args:
        store: with image, keypoints and parsing. records: of it.
        estimator: of the parsing. tick: called after every picture.
    """
    count = len(LIP_LABELS)
    labels, areas, hats = torch.zeros(count, count, dtype=torch.int64), _Regions(), 0
    for record in records:
        person = store.person([record], ("image", "keypoints", "parsing"))[0]
        assert person.image is not None
        assert person.keypoints is not None
        assert person.parsing is not None
        given = fold_neck(estimator.parsing(to_uint8(person.image), person.keypoints))
        pairs = torch.bincount((fold_neck(person.parsing) * count + given).flatten(), minlength=count**2)
        labels += pairs.reshape(count, count)
        areas.add(regions(given), regions(person.parsing))
        worn = int((person.parsing == LIP_LABELS.index("hat")).sum()) > _PIXELS
        hats += wears_hat(given) and not worn
        if tick is not None:
            tick()
    there = labels.sum(1) > 0
    iou = {name: value for name, value, seen in zip(LIP_LABELS, _iou(labels), there, strict=True) if seen}
    return ParsingMeasured(estimator.name, "exact", "exact", len(records), iou, areas.iou(), hats, areas.left_out())


def measure_photographs(
    files: Sequence[Path],
    detector: KeypointEstimator,
    bodypix: BodyPix,
    estimator: ParsingEstimator,
    tick: Callable[[], None] | None = None,
) -> ParsingMeasured:
    """Compare with the regions of BodyPix on photographs of one person each. Nobody knows their exact labels.

    Args:
        files: the photographs; one without joints counts as a picture and adds nothing.
        detector: gives the joints. bodypix: the reference.
        estimator: of the parsing. tick: called after every picture.
    """
    areas, hats = _Regions(), 0
    for file in files:
        image: Image = load_image(file)
        keypoints = detector.crops([image])[0]
        if bool((keypoints[:, 2] > 0).any()):
            given = estimator.parsing(image, keypoints)
            areas.add(regions(given), part_regions(bodypix.look(image, keypoints).likeliest(image.shape[:2])))
            hats += wears_hat(given)
        if tick is not None:
            tick()
    return ParsingMeasured(
        estimator.name, detector.name, bodypix.name, len(files), {}, areas.iou(), hats, areas.left_out()
    )


def checksum(files: Sequence[Path]) -> str:
    """12 digits of the SHA-256 of the files one after another."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def parsing_table(lines: list[ResultLine]) -> str:
    """The newest measurement of every estimator by data, and the IoU of each label.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line, or one lacks a key.
    """
    newest = {(line.get("data"), line["estimator"]): line for line in lines if line.get("kind") == "parsing"}
    if not newest:
        raise ValueError("results hold no line of scripts/measure_parsing.py")
    grid = [["pictures", "joints", "BodyPix is asked", "reference", "mean IoU", *REGIONS, "false hats, or all hats"]]
    labels: dict[str, list[str]] = {}
    heads = ["label"]
    for (data, estimator), line in sorted(newest.items(), key=lambda one: (one[1]["reference"] != "exact", *one[0])):
        asked = "yes" if "bodypix" in estimator else "no"
        with reading_line(line):
            exact = line["reference"] == "exact"
            mean = f"{line['mean_iou']:.3f}" if exact else ""
            cells = [f"{line['region_iou'][name]:.3f}" for name in REGIONS]
            joints = "exact" if exact else "MoveNet"
            reference = "exact" if exact else "BodyPix"
            grid.append([f"{data}, {line['pictures']}", joints, asked, reference, mean, *cells, str(line["hats"])])
            if exact:
                heads.append("with BodyPix" if asked == "yes" else "without")
                for name, value in line["iou"].items():
                    labels.setdefault(name, []).append(f"{value:.3f}")
    stamps = list(newest.values())
    return (
        f"{grid_table(grid)}\n{grid_table([heads, *([name, *values] for name, values in labels.items())])}\n"
        f"IoU over all pixels of the pictures together. Commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


class _Regions:
    """Counts pixels of pairs of regions."""

    def __init__(self) -> None:
        self._count = len(REGIONS) + 1
        self._pairs = torch.zeros(self._count, self._count, dtype=torch.int64)
        self._person = self._without = 0

    def add(self, given: Tensor, true: Tensor) -> None:
        known = (given != LEFT_OUT) & (true != LEFT_OUT)
        self._person += int(((given != 0) | (true != 0)).sum())
        self._without += int((~known).sum())
        pairs = torch.bincount(true[known] * self._count + given[known], minlength=self._count**2)
        self._pairs += pairs.reshape(self._count, self._count)

    def iou(self) -> dict[str, float]:
        return dict(zip(REGIONS, _iou(self._pairs)[1:], strict=True))

    def left_out(self) -> float:
        return self._without / max(1, self._person)


def _iou(pairs: Tensor) -> list[float]:
    """(N, N) pixels, rows the true label -> IoU of each label."""
    right = pairs.diagonal()
    values: list[float] = (right / (pairs.sum(0) + pairs.sum(1) - right).clamp_min(1)).tolist()
    return values


def _region_of(part: str) -> int:
    if "face" in part:
        return 1
    return 3 if any(word in part for word in _LOWER_PARTS) else 2


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


__all__ = [
    "REGIONS",
    "ParsingMeasured",
    "checksum",
    "measure_photographs",
    "measure_rendered",
    "parsing_table",
    "part_regions",
    "regions",
    "wears_hat",
]  # fmt: skip
