"""People of the demo with clothes drawn on them, so that their label maps are exact without a renderer or a parser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from repose.demo import spare
from repose.person import JOINTS, LIP_LABELS, Person
from repose.represent.canvas import from_uint8

RED, BLUE, GREEN = (0.6, -0.8, -0.7), (-0.8, -0.6, 0.7), (-0.7, 0.5, -0.7)


def dressed(
    number: int, shirt: Sequence[float] | None = RED, trousers: Sequence[float] | None = GREEN, sleeves: bool = False
) -> Person:
    """One of the demo's people, unbatched, 128x64, in plain clothes.

    Args:
        number: of the picture. shirt, trousers: their colours, in [-1, 1]; None: the person wears none.
        sleeves: the shirt covers the arms.
    """
    picture = spare()[number]
    image, joints = from_uint8(picture.image), torch.from_numpy(picture.keypoints).float()
    parsing = torch.zeros(image.shape[-2:], dtype=torch.int64)

    def paint(label: str, bones: Sequence[tuple[str, str]], thick: float, colour: Sequence[float]) -> None:
        for one, other in bones:
            near = _near(joints[JOINTS.index(one), :2], joints[JOINTS.index(other), :2], thick)
            parsing[near] = LIP_LABELS.index(label)
            image[:, near] = torch.tensor(colour)[:, None]

    for side in ("left", "right"):
        bones = [(f"{side}_hip", f"{side}_knee"), (f"{side}_knee", f"{side}_ankle")]
        paint(f"{side} leg" if trousers is None else "pants", bones, 4.0, trousers or (0.5, 0.2, 0.0))
        bones = [(f"{side}_shoulder", f"{side}_elbow"), (f"{side}_elbow", f"{side}_wrist")]
        paint("upper clothes" if sleeves else f"{side} arm", bones, 2.5, (shirt or RED) if sleeves else (0.5, 0.2, 0.0))
    paint("face", [("nose", "neck")], 3.0, (0.5, 0.2, 0.0))
    if shirt is not None:
        trunk = [("neck", "left_hip"), ("neck", "right_hip"), ("left_shoulder", "right_hip")]
        paint("upper clothes", [*trunk, ("right_shoulder", "left_hip")], 4.0, shirt)
    mask = (parsing > 0).float()[None]
    return Person(image=image, keypoints=joints, parsing=parsing, mask=mask)


def inner(mask: Tensor, by: int = 1) -> Tensor:
    """A mask (H, W) without its border."""
    return -torch.nn.functional.max_pool2d(-mask[None, None].float(), 2 * by + 1, 1, by)[0, 0] > 0.5


def outer(mask: Tensor, by: int = 3) -> Tensor:
    """What is not in a mask (H, W), and not beside it."""
    return torch.nn.functional.max_pool2d(mask[None, None].float(), 2 * by + 1, 1, by)[0, 0] < 0.5


def label(person: Person, name: str) -> Tensor:
    """Where a label is, bool (H, W)."""
    assert person.parsing is not None
    return person.parsing == LIP_LABELS.index(name)


def _near(one: Tensor, other: Tensor, thick: float) -> Tensor:
    rows, columns = np.mgrid[0:128, 0:64]
    (x, y), (u, v) = one.tolist(), other.tolist()
    along = np.clip(((columns - x) * (u - x) + (rows - y) * (v - y)) / max((u - x) ** 2 + (v - y) ** 2, 1e-3), 0, 1)
    return torch.from_numpy(np.hypot(columns - x - along * (u - x), rows - y - along * (v - y)) <= thick)
