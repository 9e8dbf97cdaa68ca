"""A person of rectangles whose parts are named, as a label map of any table."""

from __future__ import annotations

import numpy as np
import torch

from repose.person import JOINTS
from repose.represent.label_tables import LabelTable

SIZE = (200, 100)

# name, top, bottom, left, right: who faces us, so that the left limbs are on the picture's right
BOXES = [
    ("hair", 10, 22, 40, 60), ("face", 22, 40, 42, 58), ("upper clothes", 42, 96, 34, 66),
    ("right arm", 46, 100, 22, 34), ("left arm", 46, 100, 66, 78), ("pants", 96, 150, 34, 66),
    ("right leg", 150, 172, 36, 46), ("left leg", 150, 172, 54, 64),
    ("right shoe", 172, 184, 33, 47), ("left shoe", 172, 184, 53, 67),
]  # fmt: skip

_POINTS = {
    "nose": (50, 32), "neck": (50, 46), "right_shoulder": (38, 48), "right_elbow": (28, 74), "right_wrist": (28, 96),
    "left_shoulder": (62, 48), "left_elbow": (72, 74), "left_wrist": (72, 96), "right_hip": (42, 98),
    "right_knee": (42, 140), "right_ankle": (41, 174), "left_hip": (58, 98), "left_knee": (58, 140),
    "left_ankle": (59, 174), "right_eye": (46, 28), "left_eye": (54, 28), "right_ear": (43, 30), "left_ear": (57, 30),
}  # fmt: skip

KEYPOINTS = torch.tensor([[*_POINTS[name], 1.0] for name in JOINTS])

_INSTEAD = {
    "hair": ("head",), "face": ("head",), "upper clothes": ("torso",), "pants": ("lower clothes", "upper legs"),
    "left arm": ("arms", "hands", "skin", "lower arms"), "right arm": ("arms", "hands", "skin", "lower arms"),
    "left leg": ("legs", "skin", "lower legs"), "right leg": ("legs", "skin", "lower legs"),
    "left shoe": ("shoes", "lower clothes", "lower legs"), "right shoe": ("shoes", "lower clothes", "lower legs"),
}  # fmt: skip


def labelled(table: LabelTable) -> np.ndarray:
    """uint8 (200, 100): the person in the numbers of a table."""
    labels = np.zeros(SIZE, np.uint8)
    for name, top, bottom, left, right in BOXES:
        called = next(one for one in (name, *_INSTEAD.get(name, ())) if one in table.labels)
        labels[top:bottom, left:right] = table.labels.index(called)
    return labels
