"""The scene of a clip: crops that do not change with the pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.person import Person
from repose.pipeline import Model
from repose.represent.canvas import Box
from repose.represent.framing import target_box
from repose.scene import Pose, Scene
from repose.scene.room import room_for, with_room

_FAR: Final = 0.25
"""How far a figure goes from where the source's person stands, a share of the crop's width, before crops go with it."""

_TOLD: Final = 200  # frames of a long clip that tell how much room it needs
_FURTHEST: Final = 8  # likewise of those that reach furthest to each side


@dataclass(frozen=True)
class ClipScene:
    """A scene and the crops for the frames of a clip.

    `Scene.pose` stands each pose by itself and cuts a crop that it just fits into, so that its detail and its edges
    change from frame to frame. Here the joints of a pose are joints in the photograph, and crops have one size.

    Attributes:
        scene: of the model.
        boxes: (N, 4) top, left, height and width of the crop of every frame; of one crop for all, (1, 4).
    """

    scene: Scene
    boxes: npt.NDArray[np.int64]

    def pose(self, number: int, joints: Tensor) -> Pose:
        """The pose of a frame, by its number and its joints (18, 3) in the photograph."""
        top, left, height, width = self.boxes[min(number, len(self.boxes) - 1)].tolist()
        return self.scene.pose_at(joints, (top, left, height, width))


def clip_scene(model: Model, person: Person, joints: Tensor, steady: bool = True) -> ClipScene:
    """The scene of a photograph and the crops for every frame of a clip.

    Args:
        person: on the whole photograph, see `Model.scene`. joints: (N, 18, 3), the figure in the photograph.
        steady: False cuts the crop of each frame as `Scene.pose` does.
    """
    scene = model.scene(person)
    return ClipScene(scene, crops(scene, joints) if steady else own_crops(scene, joints))


def with_room_for(scene: Scene, joints: Tensor) -> tuple[Person, Tensor]:
    """The person on a photograph so large that the figure of every frame lies in it, and the figure's joints there."""
    assert scene.person.size is not None
    still = np.zeros(len(joints), np.int64)
    each = [room_for(joints[number], scene.person.size) for number in _telling(joints, still)]
    left, top, right, bottom = (max(sides[side] for sides in each) for side in range(4))
    moved = joints + torch.tensor([left, top, 0.0]) * (joints[..., 2:] > 0)
    return with_room(scene.person, scene.matte, (left, top, right, bottom)), moved


def own_crops(scene: Scene, joints: Tensor) -> npt.NDArray[np.int64]:
    """The crop of every frame as `Scene.pose` cuts it, (N, 4)."""
    assert scene.person.keypoints is not None
    assert scene.person.size is not None
    source, box, size = scene.person.keypoints, scene.placement.box, scene.person.size
    return np.array([target_box(box, source, pose, size) for pose in joints], np.int64)


def crops(scene: Scene, joints: Tensor) -> npt.NDArray[np.int64]:
    """The crop of every frame, all of one size: one for all of them, or one that goes with a figure that goes away."""
    assert scene.person.keypoints is not None
    assert scene.person.size is not None
    source, box, size = scene.person.keypoints.float(), scene.placement.box, scene.person.size
    columns = _columns(joints)
    moved = np.rint(columns - float(_columns(source[None])[0])).astype(np.int64)
    if np.abs(moved).max() <= _FAR * box[3]:
        moved[:] = 0
    top, left, height, width = box
    needed = []
    for number in _telling(joints, moved):
        shift = int(moved[number])
        own = source.clone()
        own[:, 0] += shift * (source[:, 2] > 0)
        first_row, first, rows, columns_needed = target_box(
            (top, left + shift, height, width), own, joints[number], size
        )
        needed.append((first_row, first - shift, first_row + rows, first - shift + columns_needed))
    ends = np.array(needed, np.int64)
    one = _proportioned(ends[:, :2].min(0)[None], ends[:, 2:].max(0)[None], box)
    if not moved.any():
        return one
    each: npt.NDArray[np.int64] = one + moved[:, None] * np.array([0, 1, 0, 0])
    return each


# -- inside ---------------------------------------------------------------------------------------------------------


def _columns(joints: Tensor) -> npt.NDArray[np.float64]:
    """The column of the hips on every frame, else the mean of the located joints, (N,)."""
    hips = joints[:, [8, 11]]
    there = (hips[..., 2] > 0).float()
    middle = (hips[..., 0] * there).sum(1) / there.sum(1).clamp_min(1)
    located = (joints[..., 2] > 0).float()
    mean = (joints[..., 0] * located).sum(1) / located.sum(1).clamp_min(1)
    columns: npt.NDArray[np.float64] = torch.where(there.sum(1) > 0, middle, mean).numpy().astype(np.float64)
    return columns


def _telling(joints: Tensor, moved: npt.NDArray[np.int64]) -> list[int]:
    """The frames that tell how much room a clip needs: some of all, and those that reach furthest to each side.

    Args:
        moved: (N,) columns that the crop of each frame goes with the figure.
    """
    count = len(joints)
    if count <= _TOLD:
        return list(range(count))
    there = joints[..., 2].numpy() > 0
    chosen = set(range(0, count, -(-count // _TOLD)))
    for axis in (0, 1):
        places = joints[..., axis].numpy() - (moved[:, None] if axis == 0 else 0)
        low, high = np.where(there, places, np.inf).min(1), np.where(there, places, -np.inf).max(1)
        chosen |= set(np.argsort(low)[:_FURTHEST].tolist()) | set(np.argsort(-high)[:_FURTHEST].tolist())
    return sorted(chosen)


def _proportioned(first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], box: Box) -> npt.NDArray[np.int64]:
    """One box (1, 4) of the proportions of `box` that encloses what lies between two corners."""
    least = last - first
    height = max(int(least[0, 0]), int(np.ceil(least[0, 1] * box[2] / box[3])))
    width = max(int(least[0, 1]), round(height * box[3] / box[2]))
    corner = first - (np.array([[height, width]]) - least) // 2
    return np.concatenate([corner, [[height, width]]], 1)
