"""What goes wrong with single pairs, by measurement: every pair's numbers, and the worst pairs by each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from repose.data.store import Store
from repose.estimate.base import KeypointEstimator
from repose.metrics.features import person_mask
from repose.metrics.functional import pckh, ssim
from repose.metrics.functional.regions import CLOTHES, colour_error
from repose.person import JOINTS, MIRROR, Person
from repose.pipeline import Model
from repose.record import ResultLine
from repose.represent.canvas import to_uint8

CRITERIA: Final = {
    "limbs": ("limbs unrecognisable", "{:.0%} of the limbs not found", "higher"),
    "joints": ("pose unrecognisable", "PCKh {:.2f}", "lower"),
    "side": ("taken for the other side", "PCKh {:.2f} higher exchanged", "higher"),
    "colour": ("colours changed", "Delta E {:.0f}", "higher"),
    "structure": ("unlike the target", "mask-SSIM {:.2f}", "lower"),
}
"""Criterion -> the kind of failure, the form of its number, and on which side the failures lie. Limbs and joints are
those that the estimator detects; PCKh is the better one of the joints as named and with left and right exchanged, the
difference is "side"."""

HARMLESS: Final = {"limbs": 0.0, "side": 0.3}
"""Criterion -> up to where it is no failure, however few pairs are worse."""

FEW: Final = 0.05
"""Share of the pairs up to which those at least as bad are failures."""

LIMBS: Final = {
    "right arm": ("right_elbow", "right_wrist"), "left arm": ("left_elbow", "left_wrist"),
    "right leg": ("right_knee", "right_ankle"), "left leg": ("left_knee", "left_ankle"),
}  # fmt: skip
"""Limb -> its joints. One is lost where the estimator finds both on the true target and neither, of any side, near it
on the generated one."""

NEAR: Final = 0.12
"""Share of the extent of a person's joints within which a joint is near another."""

_SIDE: Final = 0.3
"""Shoulders that are nearer to each other than this share of the trunk are seen from the side."""


@dataclass(frozen=True)
class JudgedPairs:
    """What was measured of single pairs.

    Attributes:
        store, split: that the pairs are of. pairs: int64 (N, 2), source and target index.
        values: criterion of `CRITERIA` -> float64 (N,), NaN where it does not count for a pair.
        estimator: its name; None if joints and limbs were not looked for.
    """

    store: Store
    split: str
    pairs: Tensor
    values: dict[str, Tensor]
    estimator: str | None

    def share(self, criterion: str) -> Tensor:
        """Share of the pairs counted that are at least as bad by a criterion, each pair itself among them.

        float64 (N,); NaN where the criterion does not count.
        """
        values = self.values[criterion] * (-1 if CRITERIA[criterion][2] == "higher" else 1)
        counted = values[~values.isnan()]
        as_bad = torch.searchsorted(counted.sort().values, values, right=True).double() / max(1, len(counted))
        return torch.where(values.isnan(), values, as_bad)

    def line(self) -> ResultLine:
        """The result line, without the model, the seed of the sheets and the stamp.

        "kind" is "failures"; data, checksum, split, pairs (how many), estimator; "criteria" holds of each criterion
        "median", "worst_twentieth" (the quantile), "worst" and "pairs" (how many counted).
        """
        measured: dict[str, dict[str, float | int]] = {}
        for criterion, values in self.values.items():
            counted = values[~values.isnan()]
            if len(counted):
                ends = (0.5, 0.95, 1.0) if CRITERIA[criterion][2] == "higher" else (0.5, 0.05, 0.0)
                middle, bad, worst = torch.quantile(counted, counted.new_tensor(ends)).tolist()
                measured[criterion] = {
                    "median": middle, "worst_twentieth": bad, "worst": worst, "pairs": len(counted),
                }  # fmt: skip
        return {
            "kind": "failures", "data": self.store.dataset, "checksum": self.store.checksum, "split": self.split,
            "pairs": len(self.pairs), "estimator": self.estimator, "criteria": measured,
        }  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """One of the worst pairs.

    Attributes:
        row: of `JudgedPairs.pairs`. criterion: by which it was chosen. captions: what is wrong, and the other numbers.
    """

    row: int
    criterion: str
    captions: tuple[str, ...]


def judge_pairs(
    model: Model,
    store: Store,
    split: str = "test",
    limit: int | None = None,
    estimator: KeypointEstimator | None = None,
    batch: int = 16,
    progress: Callable[[int, int], None] | None = None,
) -> JudgedPairs:
    """Measure the pairs of a split one by one.

    mask-SSIM always; the clothes' colours by the parsing, or, where the store has none, of all that the target's
    skeleton covers; joints, side and limbs where there is an estimator, against what it finds on the true target as
    far as that agrees with the annotation. Where it does not agree, the estimator sees another person in the picture,
    and the pair does not count.

    Args:
        model: that generates them. store, split: the pairs; the pictures fit the model's canvas.
        limit: measure so many pairs, evenly spaced over the list; None or too many: all.
        batch: pairs at once. progress: called with (pairs done, pairs in all).

    Raises:
        ValueError: no pairs, or the store is on another canvas.
    """
    pairs = store.pairs(split)
    if limit is not None and limit < len(pairs):
        pairs = pairs[torch.arange(limit) * len(pairs) // max(1, limit)]
    if not len(pairs):
        raise ValueError(f"{store.folder}: there are no pairs of split {split!r} to judge")
    values = {name: torch.full((len(pairs),), torch.nan, dtype=torch.float64) for name in CRITERIA}
    for start in range(0, len(pairs), batch):
        rows = slice(start, min(start + batch, len(pairs)))
        source, target = (framed_people(model, store, pairs[rows, side]) for side in (0, 1))
        generated, true = _bytes(model(source, target)), _bytes(_image(target))
        mask = person_mask(target, 1.0)
        values["structure"][rows] = ssim(generated * mask, true * mask)
        labels = mask[:, 0].long() * CLOTHES[0] if target.parsing is None else target.parsing
        values["colour"][rows] = _counted(*colour_error(generated, true, labels))
        if estimator is not None:
            assert target.keypoints is not None
            for name, column in _judge_joints(estimator, generated, true, target.keypoints).items():
                values[name][rows] = column
        if progress is not None:
            progress(rows.stop, len(pairs))
    return JudgedPairs(store, split, pairs, values, None if estimator is None else estimator.name)


def framed_people(model: Model, store: Store, indices: Tensor) -> Person:
    """People of a store on the model's canvas, with the fields that the model, the sheets and the criteria need."""
    needs = model.generator.needs
    wanted = dict.fromkeys((*needs.source, *needs.target, "image", "keypoints"))
    fields = [*wanted, *(["parsing"] if "parsing" in store.fields and "parsing" not in wanted else [])]
    return model.canvas.frame(store.person(indices, fields))


def lost_limbs(joints: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """How many limbs of the true target the generated picture has lost, and how many it should have, float64 (B,).

    Args:
        joints, wanted: (B, 18, 3) on the generated picture and on the true one.
    """
    near = _near(joints, wanted) | _near(joints[:, MIRROR], wanted)
    lost, there = torch.zeros(len(wanted), dtype=torch.float64), torch.zeros(len(wanted), dtype=torch.float64)
    for names in LIMBS.values():
        of_limb = [JOINTS.index(name) for name in names]
        visible = (wanted[:, of_limb, 2] > 0).all(1)
        there += visible
        lost += visible & ~near[:, of_limb].any(1)
    return lost, there


def agreed(seen: Tensor, annotated: Tensor) -> Tensor:
    """The joints (B, 18, 3) that an estimator sees where the annotation has them; the others become missing.

    All become missing where less than two thirds agree: the estimator saw another person, or took a back for a front.
    """
    both = (seen[..., 2] > 0) & (annotated[..., 2] > 0)
    near = _near(seen, annotated) & both
    trusted = near.sum(1) * 3 >= both.sum(1) * 2
    return torch.where((near & trusted[:, None])[..., None], seen, torch.zeros_like(seen))


def worst_pairs(judged: JudgedPairs, count: int = 12) -> list[Failure]:
    """The failures: by turns the worst pair of each criterion that measured anything, everybody at most once.

    A pair fails by a criterion where at most a twentieth of the pairs counted are at least as bad, or it is the one
    worst of fewer than twenty, and its number is beyond `HARMLESS`; so there may be fewer than asked for, and where
    more than a twentieth are equally bad none of them is picked out. Equal ones follow each other by mask-SSIM.
    """
    store, shares = judged.store, {name: judged.share(name) for name in judged.values}
    orders = {name: _order(share, judged.values["structure"]) for name, share in shares.items()}
    gates = {name: max(FEW, 1 / max(1, int((~share.isnan()).sum()))) for name, share in shares.items()}
    taken: set[str] = set()
    failures: list[Failure] = []
    while len(failures) < count and any(orders.values()):
        for name, order in orders.items():
            while order and store.people[int(judged.pairs[order[0], 1])] in taken:
                order.pop(0)
            if not order or len(failures) == count:
                continue
            row = order.pop(0)
            if float(shares[name][row]) > gates[name] or float(judged.values[name][row]) <= HARMLESS.get(name, -np.inf):
                order.clear()
                continue
            taken.add(store.people[int(judged.pairs[row, 1])])
            failures.append(Failure(row, name, _captions(judged, row, name, float(shares[name][row]))))
    return failures


def facing(keypoints: Tensor) -> str:
    """ "front", "back" or "side" as the shoulders (18, 3) tell it, "unclear" where one is missing."""
    right, left, neck = (keypoints[JOINTS.index(f"{name}")] for name in ("right_shoulder", "left_shoulder", "neck"))
    hips = [joint for joint in (keypoints[JOINTS.index(f"{side}_hip")] for side in ("right", "left")) if joint[2] > 0]
    if not (right[2] > 0 and left[2] > 0 and neck[2] > 0 and hips):
        return "unclear"
    trunk = float((torch.stack(hips)[:, :2].mean(0) - neck[:2]).norm())
    across = float(left[0] - right[0])
    if abs(across) < _SIDE * trunk:
        return "side"
    return "front" if across > 0 else "back"


# -- inside ---------------------------------------------------------------------------------------------------------


def _judge_joints(
    estimator: KeypointEstimator, generated: Tensor, true: Tensor, annotated: Tensor
) -> dict[str, Tensor]:
    """ "joints", "side" and "limbs" of generated pictures against true ones, uint8 (B, 3, H, W): float64 (B,) each."""
    joints, wanted = (estimator.crops(list(images.movedim(1, -1).contiguous().numpy())) for images in (generated, true))
    wanted = agreed(wanted, annotated)
    named, exchanged = (
        _counted(right / count.clamp_min(1), count)
        for right, count in (pckh(joints, wanted), pckh(joints[:, MIRROR], wanted))
    )
    lost, there = lost_limbs(joints, wanted)
    return {
        "joints": torch.maximum(named, exchanged),
        "side": (exchanged - named).clamp_min(0),
        "limbs": _counted(lost / there.clamp_min(1), there),
    }


def _captions(judged: JudgedPairs, row: int, criterion: str, share: float) -> tuple[str, ...]:
    """What is wrong with a pair and how few are worse; how the two people stand, and the other numbers."""
    kind, form, _ = CRITERIA[criterion]
    first = f"{kind}: {form.format(float(judged.values[criterion][row]))}, among the worst {share:.1%}"
    others = [
        CRITERIA[name][1].format(float(values[row]))
        for name, values in judged.values.items()
        if name != criterion and float(values[row]) > HARMLESS.get(name, -np.inf)
    ]
    keypoints = judged.store.person(judged.pairs[row], ["keypoints"]).keypoints
    assert keypoints is not None
    turn = " to ".join(facing(one) for one in keypoints)
    return first, "; ".join([turn, *others])


def _order(share: Tensor, structure: Tensor) -> list[int]:
    """Rows from the worst on, of equal ones the lower mask-SSIM first; those that do not count left out."""
    order = np.lexsort((structure.numpy(), share.numpy())).tolist()
    return [row for row in order if not bool(share[row].isnan())]


def _near(joints: Tensor, wanted: Tensor) -> Tensor:
    """Which joints (B, 18, 3) lie within `NEAR` of where they are wanted, bool (B, 18)."""
    located = wanted[..., 2:] > 0
    high = wanted[..., :2].masked_fill(~located, -torch.inf).amax(1)
    low = wanted[..., :2].masked_fill(~located, torch.inf).amin(1)
    reach = NEAR * torch.nan_to_num((high - low).amax(1), nan=0.0, neginf=0.0)
    apart = (joints[..., :2] - wanted[..., :2]).norm(dim=2)
    near: Tensor = (apart <= reach[:, None]) & (joints[..., 2] > 0) & located[..., 0]
    return near


def _counted(values: Tensor, counted: Tensor) -> Tensor:
    """NaN where nothing counted."""
    return torch.where(counted > 0, values, torch.nan)


def _bytes(images: Tensor) -> Tensor:
    return torch.from_numpy(to_uint8(images)).movedim(-1, 1).contiguous()


def _image(person: Person) -> Tensor:
    assert person.image is not None
    return person.image
