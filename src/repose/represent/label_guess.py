"""How well a table of labels explains a map: which parts lie above which, how large they are, where the joints lie.

The same numbers mean a face in one table and a scarf in another, so a wrong table gives a person whose parts lie in
impossible places. `plausibility` measures that from the map alone, and better with the person's joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from repose.person import JOINTS
from repose.represent.label_tables import LabelTable

Labels = npt.NDArray[Any]
"""Whole numbers (H, W)."""

LEVELS: Final = {
    "hat": 0.0, "hair": 0.5, "head": 0.8, "face": 1.0, "sunglasses": 1.0, "neck": 2.0, "torso skin": 2.0, "scarf": 2.0,
    "upper clothes": 3.0, "coat": 3.3, "torso": 3.3, "dress": 3.7, "jumpsuits": 3.7, "belt": 4.2, "skirt": 4.5,
    "lower clothes": 5.0, "pants": 5.0, "upper legs": 5.3, "legs": 6.0, "left leg": 6.0, "right leg": 6.0,
    "lower legs": 6.7, "socks": 7.0, "shoes": 8.0, "left shoe": 8.0, "right shoe": 8.0,
}  # fmt: skip
"""Parts in their order from head to foot. Arms, hands, gloves and bags may lie anywhere."""

MOST: Final = {
    "hat": 0.2, "sunglasses": 0.03, "glove": 0.05, "socks": 0.12, "scarf": 0.15, "belt": 0.05, "bag": 0.25,
    "neck": 0.1, "torso skin": 0.15, "hair": 0.45, "face": 0.45, "left shoe": 0.1, "right shoe": 0.1, "shoes": 0.2,
    "left arm": 0.3, "right arm": 0.3, "left leg": 0.35, "right leg": 0.35,
}  # fmt: skip
"""The share of the person's pixels that a part hardly exceeds."""

_TRUNK: Final = ("upper clothes", "coat", "dress", "jumpsuits", "torso")
_HEAD: Final = ("face", "hair", "hat", "head", "sunglasses")
_BOTTOMS: Final = ("dress", "pants", "skirt")
_ARMS: Final = ("left arm", "right arm", "arms", "hands", "skin", "upper arms", "lower arms", "glove")
_LEGS: Final = ("left leg", "right leg", "legs", "skin", "upper legs", "lower legs")
_TROUSERS: Final = ("pants", "jumpsuits", "dress", "skirt", "lower clothes", "coat")

BESIDE: Final = {
    "nose": (*_HEAD, "skin"), "right_eye": (*_HEAD, "skin"), "left_eye": (*_HEAD, "skin"),
    "right_ear": (*_HEAD, "skin"), "left_ear": (*_HEAD, "skin"),
    **dict.fromkeys(("right_shoulder", "left_shoulder"), (*_TRUNK, *_ARMS, "scarf", "hair", "torso skin", "neck")),
    **dict.fromkeys(("right_elbow", "left_elbow", "right_wrist", "left_wrist"), (*_TRUNK, *_ARMS, *_TROUSERS, "bag")),
    **dict.fromkeys(("right_hip", "left_hip"), (*_TRUNK, *_TROUSERS, *_LEGS, *_ARMS, "belt", "bag")),
    **dict.fromkeys(("right_knee", "left_knee"), (*_TROUSERS, *_LEGS, "socks", "bag")),
    **dict.fromkeys(("right_ankle", "left_ankle"), (*_TROUSERS, *_LEGS, "socks", "shoes", "left shoe", "right shoe")),
}  # fmt: skip
"""Joint -> the parts on which it can lie."""

_LONGEST: Final = 512  # pixels of a side that are looked at: of a larger map every second, third ... pixel
_FEWEST: Final = 200  # pixels of a person that say something
_SMALL: Final = 0.002  # share of the person below which a part says nothing
_TURNED: Final = 0.2  # by which an upright person is likelier than one upside-down or lying
_AGAINST: Final = 0.7  # share of the joints of the head, arms or legs on impossible parts that contradicts a table
_ENOUGH: Final = 3  # joints on the person that say something


@dataclass(frozen=True)
class Reading:
    """How a table explains a map.

    Attributes:
        score: 1 where everything fits; below 0.5 hardly any true map lies.
        contradicted: joints on parts where they cannot lie, as "nose on 'scarf'", if most joints of the head, the arms
            or the legs do; else empty.
    """

    score: float
    contradicted: tuple[str, ...] = ()


def enough(labels: Labels) -> bool:
    """Whether the map shows enough of a person to be judged."""
    return int((labels > 0).sum()) >= _FEWEST


def plausibility(labels: Labels, table: LabelTable, joints: npt.NDArray[Any] | None = None) -> Reading | None:
    """How well a table explains a map (H, W), with the joints (18, 3) if they are known; None if it lacks a number."""
    step = max(1, max(labels.shape) // _LONGEST)
    small = labels[::step, ::step]
    person = small > 0
    total = int(person.sum())
    numbers = np.unique(labels)
    unused = [int(k) for k in numbers if k >= len(table.labels) or (k and not table.labels[k])]
    if unused or not total:
        return None
    parts: dict[str, npt.NDArray[np.bool_]] = {}
    for k in np.unique(small[person]):
        name = table.labels[k]
        parts[name] = parts.get(name, np.zeros(small.shape, bool)) | (small == k)
    shapes = {name: _Shape.of(mask, total) for name, mask in parts.items() if mask.sum() >= _SMALL * total}
    rows, columns = np.nonzero(person)
    size = max(np.ptp(rows), np.ptp(columns)) + 1
    score = _order(shapes, float(size)) - _sizes(shapes) - _company(shapes, float(size))
    joint_parts = _joint_parts(labels, table, joints)
    if len(joint_parts) < _ENOUGH:
        return Reading(score)
    fits = np.mean([bool(parts & set(BESIDE[name])) for name, parts in joint_parts.items()])
    return Reading(score + 1.5 * (float(fits) - 0.9), _contradicted(joint_parts))


@dataclass(frozen=True)
class _Shape:
    """A part of the person: its share of the pixels, its centre (x, y), and its box (left, top, right, bottom)."""

    share: float
    centre: npt.NDArray[np.float64]
    box: tuple[int, int, int, int]

    @classmethod
    def of(cls, mask: npt.NDArray[np.bool_], total: int) -> _Shape:
        y, x = np.nonzero(mask)
        box = (int(x.min()), int(y.min()), int(x.max()), int(y.max()))
        return cls(len(x) / total, np.array([x.mean(), y.mean()]), box)


def _order(shapes: dict[str, _Shape], size: float) -> float:
    """From -1 to 1: whether the parts follow each other from head to foot, downwards or in another direction."""
    names = [name for name in shapes if name in LEVELS]
    weights, ways = [], []
    for index, a in enumerate(names):
        for b in names[index + 1 :]:
            gap = LEVELS[b] - LEVELS[a]
            if abs(gap) >= 0.9:
                weights.append(min(shapes[a].share, shapes[b].share) ** 0.5)
                ways.append((shapes[b].centre - shapes[a].centre) * np.sign(gap) / size)
    if not weights:
        return 0.0
    weight, way = np.array(weights), np.tanh(np.array(ways) / 0.1)
    along = (weight[:, None] * way).sum(0) / weight.sum()
    return float(max(along[1], -along[1] - _TURNED, abs(along[0]) - _TURNED))


def _sizes(shapes: dict[str, _Shape]) -> float:
    """How far parts are too large, one of a pair is too small beside the other, or an overall is too small."""
    cost = 2 * sum(max(0.0, shapes[name].share - most) for name, most in MOST.items() if name in shapes)
    for part in ("arm", "leg", "shoe"):
        sides = [shapes[name].share for name in (f"left {part}", f"right {part}") if name in shapes]
        if len(sides) == 2:
            cost += max(0.0, 0.2 - min(sides) / max(sides))
    if "jumpsuits" in shapes:
        cost += max(0.0, 0.5 - 5 * shapes["jumpsuits"].share)
    return cost


def _company(shapes: dict[str, _Shape], size: float) -> float:
    """Parts that are missing or do not go together: a trunk, a head, hair beside the face, one garment of its kind."""

    def share(*names: str) -> float:
        return sum(shapes[name].share for name in names if name in shapes)

    cost = 0.3 if share(*_TRUNK) < 0.05 else 0.0
    cost += 0.15 if not share(*_HEAD) else 0.0
    if "jumpsuits" in shapes and share(*_BOTTOMS) > 0.02:
        cost += 0.3
    if "hair" in shapes and "scarf" in shapes and not share("face", "head"):
        cost += 0.15
    if "hair" in shapes and "face" in shapes:
        first, second = shapes["hair"].box, shapes["face"].box
        across = max(0, max(first[0], second[0]) - min(first[2], second[2]))
        down = max(0, max(first[1], second[1]) - min(first[3], second[3]))
        cost += min(1.0, 4 * max(across, down) / size)
    return cost


def _joint_parts(labels: Labels, table: LabelTable, joints: npt.NDArray[Any] | None) -> dict[str, set[str]]:
    """The parts at each joint that lies on the person."""
    places: dict[str, set[str]] = {}
    if joints is None:
        return places
    reach = max(1, round(0.01 * max(labels.shape)))
    for name, (x, y, visible) in zip(JOINTS, joints, strict=True):
        if name not in BESIDE or not visible > 0:
            continue
        column, row = round(float(x)), round(float(y))
        around = labels[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
        parts = {table.labels[k] for k in np.unique(around) if k}
        if parts:
            places[name] = parts
    return places


def _contradicted(joint_parts: dict[str, set[str]]) -> tuple[str, ...]:
    """The joints of the head, the arms or the legs, in words, where most of them lie on impossible parts."""
    said: list[str] = []
    for limbs in (("nose", "eye", "ear"), ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")):
        own = [name for name in joint_parts if name.endswith(limbs)]
        wrong = [name for name in own if not joint_parts[name] & set(BESIDE[name])]
        if len(own) >= _ENOUGH and len(wrong) >= _AGAINST * len(own):
            said += [f"{name.replace('_', ' ')} on '{min(joint_parts[name])}'" for name in wrong]
    return tuple(said)
