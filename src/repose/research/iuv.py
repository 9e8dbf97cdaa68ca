"""How well IUV is estimated from a photograph: against the exact IUV of rendered people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from repose.data.store import Store
from repose.estimate.base import IUVEstimator, KeypointEstimator
from repose.markdown import each_value, grid_table
from repose.record import ResultLine, reading_line
from repose.render.sets import person_style
from repose.represent.canvas import to_uint8

SIDES: Final = torch.tensor([0, 1, 1, 3, 4, 5, 6, 7, 8, 7, 8, 11, 12, 11, 12, 15, 16, 15, 16, 19, 20, 19, 20, 23, 23])
"""DensePose's part -> one number for the front and the back of a limb, and for both halves of the head."""

_ROUND: Final = (3, 6)
"""First and last part whose u runs round the whole limb: hands and feet."""

NUMBERS: Final = {
    "covered": "covered", "beyond": "beyond", "part": "right part", "limb": "right limb", "u": "distance of u",
    "v": "distance of v",
}  # fmt: skip
"""Number of `agreement` -> head of its column."""


def agreement(given: Tensor, true: Tensor) -> dict[str, float]:
    """How well an IUV agrees with the true one.

    Args:
        given, true: float (3, H, W), part 0 to 24, u and v in [0, 1].

    Returns:
        Shares of the true person's pixels: `covered` with any part, with the right `part`, with the right `limb` (its
        front and back are one, and so are both halves of the head); `beyond`, given pixels beside the person, as a
        share of the same area. Where the part is right the mean distance of `u` and of `v`; NaN where none is. u of a
        hand or foot goes round it, so 0 and 1 are one place.
    """
    person, there = true[0] > 0, given[0] > 0
    area = max(1, int(person.sum()))
    same = person & (given[0] == true[0])
    limb = person & (SIDES[given[0].long()] == SIDES[true[0].long()])
    away = (given[1:] - true[1:]).abs()
    whole = (true[0] >= _ROUND[0]) & (true[0] <= _ROUND[1])
    away[0] = torch.where(whole, torch.minimum(away[0], 1 - away[0]), away[0])
    counts = {"covered": person & there, "beyond": there & ~person, "part": same, "limb": limb}
    shares = {name: int(where.sum()) / area for name, where in counts.items()}
    return shares | {name: float(away[k][same].mean()) if bool(same.any()) else math.nan for k, name in enumerate("uv")}


@dataclass(frozen=True)
class IUVMeasured:
    """Mean agreement of an estimator on the pictures of a store.

    Attributes:
        estimator, joints: names of the estimator of IUV, and of what gave the joints, "exact" for the store's.
        style: of the pictures. pictures: how many.
        numbers: as of `agreement`, the means over pictures.
    """

    estimator: str
    joints: str
    style: str
    pictures: int
    numbers: dict[str, float]

    def line(self) -> ResultLine:
        """The result line, without its stamp: "bench" is "iuv"; "seed" is null, nothing is drawn."""
        return {
            "bench": "iuv", "estimator": self.estimator, "joints": self.joints, "style": self.style,
            "pictures": self.pictures, **self.numbers, "seed": None,
        }  # fmt: skip


def measure_iuv(
    store: Store,
    split: str,
    estimators: Iterable[IUVEstimator],
    detector: KeypointEstimator | None = None,
    tick: Callable[[], None] | None = None,
) -> list[IUVMeasured]:
    """Measure estimators on all pictures of a split of rendered people, by style.

    Args:
        store: with image, keypoints and iuv, made by `repose prepare synthetic`. split: of it.
        estimators: of IUV. detector: gives the joints; None takes the exact ones.
        tick: called after every picture.
    """
    estimators = list(estimators)
    joints = "exact" if detector is None else detector.name
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for row in store.split(split).tolist():
        person = store.person([row], ("image", "keypoints", "iuv"))[0]
        assert person.image is not None
        assert person.keypoints is not None
        assert person.iuv is not None
        image = to_uint8(person.image)
        keypoints = person.keypoints if detector is None else detector.crops([image])[0]
        style = person_style(store.provenance["seed"], int(store.people[row][1:]), store.provenance["style"])
        for one in estimators:
            given = one.iuv(image, keypoints)
            found.setdefault((one.name, style), []).append(agreement(given, person.iuv))
        if tick is not None:
            tick()
    return [
        IUVMeasured(name, joints, style, len(values), {key: _mean(one[key] for one in values) for key in NUMBERS})
        for (name, style), values in found.items()
    ]


def iuv_table(lines: list[ResultLine]) -> str:
    """The newest agreement of every estimator, by joints and style.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line, or one lacks a key.
    """
    newest = {(line["style"], line["joints"], line["estimator"]): line for line in lines if line.get("bench") == "iuv"}
    if not newest:
        raise ValueError("results hold no line of scripts/measure_iuv.py")
    grid = [["pictures", "joints", "estimator", *NUMBERS.values()]]
    for (style, joints, estimator), line in sorted(newest.items(), key=lambda one: (one[0][0], one[0][1] != "exact")):
        with reading_line(line):
            cells = [f"{line[key]:.3f}" if key in "uv" else f"{line[key]:.1%}" for key in NUMBERS]
        detector = "exact" if joints == "exact" else "MoveNet" if joints.startswith("movenet") else joints
        grid.append([f"{style}, {line['pictures']}", detector, f"`{estimator.partition('-')[0]}`", *cells])
    stamps = list(newest.values())
    return (
        f"{grid_table(grid)}\nMeans over the pictures of a style; {each_value(stamps, 'data', '{}')} "
        f"{each_value(stamps, 'checksum', '`{}`')}, split {each_value(stamps, 'split', '{}')}. "
        f"Commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


def _mean(values: Iterable[float]) -> float:
    """The mean of those that are no NaN."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
