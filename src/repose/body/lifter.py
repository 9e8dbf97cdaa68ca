"""The network that lifts: 18 joints of a picture in, turns, shape and camera of a body out (`Lifter`).

Joints are normalised to the box around them (`Box`): its centre is 0, the longer of its sides 1. A residual multilayer
perceptron, as in Martinez et al., "A simple yet effective baseline for 3d human pose estimation" (ICCV 2017), section
3, whose outputs are rotations as two columns (Zhou et al., "On the continuity of rotation representations", CVPR 2019,
equation 15), the coefficients of the body and a camera. It is asked twice, once for the mirror image, so that
mirroring the joints mirrors the body exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.body.pose_space import (
    BONE_COUNT,
    CAMERA,
    COEFFICIENTS,
    HINGES,
    JOINT_COUNT,
    SIDE,
    TRUNK,
    TURN_COUNT,
    TURN_MIRROR,
    TURNS,
    skeleton,
)
from repose.body.samples import skin_rows
from repose.body.skin_mesh import skin_mesh
from repose.person import MIRROR

READINGS: Final = ("as named", "left and right exchanged", "legs exchanged")
"""What the names of the joints may be; the network says how likely each is."""

INPUTS: Final = 4 * JOINT_COUNT  # x, y, located, how noisy
FREE: Final = tuple(k for k, name in enumerate(TURNS) if name.split(".")[0] not in HINGES)  # 15 turns: two columns each
HINGED: Final = tuple(k for k in range(TURN_COUNT) if k not in FREE)  # 8 turns: cosine and sine each
OUTPUTS: Final = 6 * len(FREE) + 2 * len(HINGED) + COEFFICIENTS + CAMERA + len(READINGS)
_FREE_END: Final = 6 * len(FREE)
_HINGE_END: Final = _FREE_END + 2 * len(HINGED)
_SHAPE_END: Final = _HINGE_END + COEFFICIENTS
_CAMERA_END: Final = _SHAPE_END + CAMERA
NEAREST: Final = 0.2  # perspective is not followed closer to the camera than this share of the distance


@dataclass(frozen=True)
class Box:
    """What joints are normalised by.

    Attributes:
        centre: (B, 2) pixels. side: (B, 1) pixels, the longer side of the box of the located joints.
    """

    centre: Tensor
    side: Tensor


@dataclass(frozen=True)
class Lifted:
    """What the network says of B skeletons.

    Attributes:
        turns: (B, 23, 3, 3), see `pose_space`. coefficients: (B, 40).
        camera: (B, 4), x and y of the root's pivot in the box (y down), logarithm of the sides of the box that a metre
            spans there, logarithm of the metres to the camera.
        readings: (B, 3) logits of `READINGS`.
    """

    turns: Tensor
    coefficients: Tensor
    camera: Tensor
    readings: Tensor


def box_of(joints: Tensor, located: Tensor) -> Box:
    """The box of the located joints; joints (B, 18, 2) pixels, located (B, 18) bool."""
    far = joints.new_tensor(1e9)
    high = torch.where(located[..., None], joints, -far).amax(1)
    low = torch.where(located[..., None], joints, far).amin(1)
    return Box((high + low) / 2, (high - low).amax(1, keepdim=True).clamp(min=1e-3))


def encode(joints: Tensor, located: Tensor, noise: Tensor) -> Tensor:
    """What the network reads, (B, 72).

    Args:
        joints: (B, 18, 2) in the box. located: (B, 18) bool.
        noise: (B, 18) standard deviation of each coordinate, in sides of the box.
    """
    on = located.to(joints.dtype)[..., None]
    level = (torch.log(noise.clamp(1e-4, 1.0) / 0.01) / 2)[..., None]
    return torch.cat([2 * joints * on, on, level * on], -1).flatten(1)


class Lifter(nn.Module):
    """The residual multilayer perceptron.

    Args:
        width: of every layer. blocks: residual blocks of two layers each.
    """

    def __init__(self, width: int = 384, blocks: int = 4) -> None:
        super().__init__()
        self.first = nn.Linear(INPUTS, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
            for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, OUTPUTS)
        nn.init.normal_(self.last.weight, std=0.003)
        with torch.no_grad():
            bias = self.last.bias.zero_()
            bias[:_FREE_END] = torch.tensor([1.0, 0, 0, 0, 1, 0]).repeat(len(FREE))
            bias[_FREE_END:_HINGE_END] = torch.tensor([1.0, 0]).repeat(len(HINGED))
            bias[_SHAPE_END:_CAMERA_END] = torch.tensor([0, 0, float(np.log(0.55)), float(np.log(4.0))])

    def forward(self, x: Tensor) -> Tensor:
        """(B, 72) as of `encode` -> (B, 153) for `decode`."""
        x = self.first(x)  # (B, width)
        for block in self.blocks:
            x = x + block(x)
        out: Tensor = self.last(self.norm(x))  # (B, 153)
        return out

    def both(self, x: Tensor) -> Tensor:
        """The mean of what the network says and of what it says of the mirror image, mirrored back; (B, 153)."""
        said, mirrored = self(torch.cat([x, mirror_input(x)])).chunk(2)
        mean: Tensor = (said + mirror_output(mirrored)) / 2
        return mean


def decode(raw: Tensor) -> Lifted:
    """Turns, shape, camera and readings from what the network says, (B, 153)."""
    columns = _split(raw[:, :_FREE_END], (len(FREE), 6))
    x, y = columns[..., :3], columns[..., 3:]
    x = F.normalize(x, dim=-1)
    y = F.normalize(y - (x * y).sum(-1, keepdim=True) * x, dim=-1)
    free = torch.stack([x, y, torch.linalg.cross(x, y)], -1)  # (B, 15, 3, 3)
    free = torch.where(_right(raw)[:, None, None], _conjugated(free), free)
    pair = F.normalize(_split(raw[:, _FREE_END:_HINGE_END], (len(HINGED), 2)), dim=-1)
    cross, outer = _hinge_axes(raw)
    cosine, sine = pair[..., 0, None, None], pair[..., 1, None, None]
    hinged = cosine * torch.eye(3, dtype=raw.dtype) + sine * cross + (1 - cosine) * outer  # (B, 8, 3, 3)
    turns = torch.cat([free, hinged], 1)[:, _place_of_turn()]
    return Lifted(turns, raw[:, _HINGE_END:_SHAPE_END], raw[:, _SHAPE_END:_CAMERA_END], raw[:, _CAMERA_END:])


def mirror_input(x: Tensor) -> Tensor:
    """`encode` of the mirror image."""
    columns = _split(x, (JOINT_COUNT, 4))[:, list(MIRROR)]
    out: Tensor = (columns * columns.new_tensor([-1.0, 1, 1, 1])).flatten(1)
    return out


def mirror_output(raw: Tensor) -> Tensor:
    """What the network should say of the mirror image."""
    index, sign = _output_mirror()
    return raw[:, index] * sign


def pose(lifted: Lifted) -> tuple[Tensor, Tensor]:
    """Joints and anchors (B, 29, 3) and skin (B, 96, 3, rows `skin_rows`), metres from the root's pivot."""
    arrays = _arrays()
    pivots = arrays["pivots"] + _split(lifted.coefficients @ arrays["pivots_basis"], (BONE_COUNT, 3))
    local = lifted.turns[:, skeleton().turn_of]
    turns, places = local[:, :1], torch.zeros_like(pivots[:, :1])  # of the bones so far, in the order of `_levels`
    order, levels = _levels()
    for bones_now, parents_now, above in levels:
        before = turns[:, above]
        reach = pivots[:, bones_now] - pivots[:, parents_now]
        places = torch.cat([places, (before @ reach[..., None])[..., 0] + places[:, above]], 1)
        turns = torch.cat([turns, before @ local[:, bones_now]], 1)
    turns, places = turns[:, order], places[:, order]  # (B, 28, 3, 3), (B, 28, 3)
    moved = places - (turns @ pivots[..., None])[..., 0]  # (B, 28, 3)
    bones = torch.cat([turns, moved[..., None]], -1)  # (B, 28, 3, 4)
    rest = arrays["points"] + lifted.coefficients @ arrays["points_basis"]  # (B, 29 x 28 x 4)
    rest = _split(rest, (-1, BONE_COUNT * 4))
    points = rest @ bones.transpose(2, 3).flatten(1, 2)  # (B, 29, 3)
    skin = _split(arrays["skin"] + lifted.coefficients @ arrays["skin_basis"], (-1, 3))
    blend = (arrays["skin_weight"] @ bones.flatten(2)).reshape(len(bones), -1, 3, 4)  # (B, 96, 3, 4)
    skin = (blend[..., :3] @ skin[..., None])[..., 0] + blend[..., 3]
    return points, skin


def project(points: Tensor, camera: Tensor) -> Tensor:
    """(B, N, 2) places in the box of points (B, N, 3), by `Lifted.camera`."""
    near = (1 - points[..., 2] * torch.exp(-camera[:, 3:])).clamp(min=NEAREST)
    factor = torch.exp(camera[:, 2:3]) / near
    return torch.stack([camera[:, :1] + factor * points[..., 0], camera[:, 1:2] - factor * points[..., 1]], -1)


def _split(values: Tensor, shape: tuple[int, int]) -> Tensor:
    """(B, N) -> (B, *shape)."""
    return values.reshape(len(values), *shape)


# -- arrays of the shipped body ---------------------------------------------------------------------------------------


@cache
@torch.inference_mode(False)  # the first call may be an inference
def _arrays() -> dict[str, Tensor]:
    bones, surface, rows = skeleton(), skin_mesh(), skin_rows()
    count = JOINT_COUNT + bones.anchors
    points = np.zeros((count, BONE_COUNT, 4))
    basis = np.zeros((COEFFICIENTS, count, BONE_COUNT, 4))
    points[bones.point, bones.bone, :3], points[bones.point, bones.bone, 3] = bones.place, bones.share
    basis[:, bones.point, bones.bone, :3] = bones.place_basis
    weight = np.zeros((len(rows), BONE_COUNT))
    np.add.at(weight, (np.arange(len(rows))[:, None], surface.bone[rows]), surface.weight[rows])
    arrays = {
        "pivots": bones.pivots,
        "pivots_basis": bones.pivots_basis.reshape(COEFFICIENTS, -1),
        "points": points.reshape(-1),
        "points_basis": basis.reshape(COEFFICIENTS, -1),
        "skin": surface.mean[rows].reshape(-1),
        "skin_basis": surface.basis[:, rows].reshape(COEFFICIENTS, -1),
        "skin_weight": weight,
    }
    return {name: torch.tensor(np.ascontiguousarray(value), dtype=torch.float32) for name, value in arrays.items()}


@cache
def _levels() -> tuple[list[int], list[tuple[list[int], list[int], list[int]]]]:
    """The bones by their depth below the root: (bones, parents, where the parents are among the bones before).

    First, where every bone of `pose_space.MOVING_BONES` is in that order.
    """
    parents = skeleton().parents.tolist()
    depth = [0] * BONE_COUNT
    for bone, parent in enumerate(parents):
        depth[bone] = 0 if parent < 0 else depth[parent] + 1
    done, levels = [0], []
    for level in range(1, max(depth) + 1):
        bones = [bone for bone in range(BONE_COUNT) if depth[bone] == level]
        above = [parents[bone] for bone in bones]
        levels.append((bones, above, [done.index(parent) for parent in above]))
        done += bones
    return [done.index(bone) for bone in range(BONE_COUNT)], levels


@cache
@torch.inference_mode(False)  # the first call may be an inference
def _axes() -> tuple[Tensor, Tensor]:
    axis = torch.tensor(skeleton().axes[list(HINGED), :, 0], dtype=torch.float32)  # (8, 3)
    cross = torch.zeros(len(axis), 3, 3)
    x, y, z = axis.unbind(1)
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -z, y, -x
    cross[:, 1, 0], cross[:, 2, 0], cross[:, 2, 1] = z, -y, x
    return cross, axis[:, :, None] * axis[:, None, :]


def _hinge_axes(like: Tensor) -> tuple[Tensor, Tensor]:
    cross, outer = _axes()
    return cross.to(like.dtype), outer.to(like.dtype)


def _right(like: Tensor) -> Tensor:
    return torch.tensor([TURNS[k].endswith(".R") for k in FREE], device=like.device)


def _conjugated(turns: Tensor) -> Tensor:
    """M R M with M the mirror: right sides are told as left ones."""
    sign = turns.new_tensor([-1.0, 1, 1])
    return turns * sign[:, None] * sign


@cache
def _place_of_turn() -> list[int]:
    order = [*FREE, *HINGED]
    return [order.index(k) for k in range(TURN_COUNT)]


@cache
@torch.inference_mode(False)  # the first call may be an inference
def _output_mirror() -> tuple[Tensor, Tensor]:
    """Which output becomes which in the mirror, and its sign."""
    index, sign = list(range(OUTPUTS)), [1.0] * OUTPUTS
    for turns, width, start in ((FREE, 6, 0), (HINGED, 2, _FREE_END)):
        for k, turn in enumerate(turns):
            other = turns.index(int(TURN_MIRROR[turn]))
            for j in range(width):
                index[start + width * k + j] = start + width * other + j
                if other == k and width == 6:  # of the trunk: M R M, whose first two columns change so
                    sign[start + 6 * k + j] = (1.0, -1, -1, -1, 1, 1)[j]
    sign[_SHAPE_END] = -1.0  # x of the root
    return torch.tensor(index), torch.tensor(sign)


__all__ = ["INPUTS", "OUTPUTS", "READINGS", "SIDE", "TRUNK", "Box", "Lifted", "Lifter", "box_of", "decode", "encode"]
