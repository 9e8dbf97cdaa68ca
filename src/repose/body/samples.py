"""Endless bodies with their joints in a picture, to learn lifting from: nothing is drawn.

Poses and cameras are asked of functions, so that this package needs no renderer: scripts/train_lifter.py hands in those
of the synthetic people. Everything of a sample is relative to the pivot of the root, in camera axes (`pose_space`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from repose.body.kinematics import bone_turns
from repose.body.model import load_body, sample_shape
from repose.body.pose_space import (
    COEFFICIENTS,
    FREEDOM_COUNT,
    JOINT_COUNT,
    Floats,
    joints_of,
    posed_bones,
    rotation,
    shaped,
    skeleton,
    turned,
    turns_of_bones,
)
from repose.body.rig import BONES, rig_of
from repose.body.skin_mesh import pose_skin, skin_mesh

Angles = Callable[[np.random.Generator, str], Floats]
"""A random pose of a style: degrees in the order of `angles.ANGLES`."""


class Camera(Protocol):
    """What a random camera tells: `repose.render.place.views.Shot` is one."""

    view: Floats
    distance: float
    scale: float
    centre: tuple[float, float]


Cameras = Callable[[np.random.Generator, Floats, int, int, str], Camera]
"""A random camera for posed points (N, 3), height and width of the picture, and a style."""

STYLES: Final = {"street": (0.3, (256, 128)), "fashion": (0.35, (256, 176)), "mixed": (0.35, (256, 176))}
"""Share of the samples and size of the picture by style."""

POINTS: Final = 96  # vertices of the skin that a sample keeps


@dataclass(frozen=True)
class Samples:
    """N bodies in pictures.

    Attributes:
        turns: (N, 23, 3, 3). coefficients: (N, 40).
        camera: (N, 4) pixel x and y of the root's pivot, pixels per metre there, metres from the camera to it.
        points: (N, 29, 3) joints and anchors; skin: (N, 96, 3) vertices (rows `skin_rows`) of the mesh; metres.
        joints: (N, 18, 2) pixels of the joints, those outside the picture too.
        size: (N, 2) height and width of the picture. street: (N,) 1 in street style.
        height: (N,) metres from sole to crown at rest.
    """

    turns: Floats
    coefficients: Floats
    camera: Floats
    points: Floats
    skin: Floats
    joints: Floats
    size: Floats
    street: Floats
    height: Floats

    def __len__(self) -> int:
        return len(self.turns)

    def __getitem__(self, rows: Any) -> Samples:
        return Samples(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def cat(parts: list[Samples]) -> Samples:
        """Several lots as one."""
        return Samples(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Samples)))


def sample(
    rng: np.random.Generator, poses: int, angles: Angles, cameras: Cameras, views: int = 4, wild: float = 0.4
) -> Samples:
    """`poses` random poses, each before `views` random cameras, and once more turned round before each of them.

    Every one of the `2 * poses * views` samples has a body of its own.

    Args:
        rng: everything random comes from it.
        angles, cameras: where poses and cameras come from.
        wild: share of the poses that get limbs of the pose before, shaken joints, or a body that lies or hangs:
            poses that no library has. 0 for poses as `angles` gives them.
    """
    names, odds = list(STYLES), np.array([share for share, _ in STYLES.values()])
    vec, rows = rig_of(load_body()).vec, []
    before: Floats | None = None
    for _ in range(poses):
        style = names[int(rng.choice(len(names), p=odds))]
        own = bone_turns(angles(rng, style).astype(np.float64), vec)
        turns = turns_of_bones(own, BONES)
        plain = turns.copy()
        if before is not None and rng.random() < wild:
            turns = _wild(rng, turns, before)
        before = plain
        height, width = STYLES[style][1]
        for _ in range(views):
            rows += _views(rng, turns, cameras, height, width, style)
    columns = [np.stack(column).astype(np.float32) for column in zip(*rows, strict=True)]
    return Samples(*columns)


@cache
def skin_rows() -> NDArray[np.int64]:
    """(96,) vertices of the mesh that are spread over the skin, each far from the others; the mirror image too."""
    surface = skin_mesh()
    canon = surface.canon.astype(np.float64)
    rows = [int(canon[:, 2].argmax())]
    away = np.full(len(canon), np.inf)
    while len(rows) < POINTS:
        for row in (rows[-1], int(surface.mirror[rows[-1]])):
            away = np.minimum(away, np.linalg.norm(canon - canon[row], axis=1))
        rows.append(int(away.argmax()))
        if surface.mirror[rows[-1]] != rows[-1] and len(rows) < POINTS:
            rows.append(int(surface.mirror[rows[-1]]))
    return np.array(rows)


@cache
def _skin_space() -> tuple[Any, ...]:
    surface, rows = skin_mesh(), skin_rows()
    ends = np.array([surface.canon[:, 2].argmax(), surface.canon[:, 2].argmin()])
    return (
        surface.mean[rows], np.ascontiguousarray(surface.basis[:, rows]), surface.bone[rows], surface.weight[rows],
        surface.mean[ends, 2], surface.basis[:, ends, 2],
    )  # fmt: skip


def joint_frames(turns: Any) -> Any:
    """(18, 3, 3): what a small step of each joint in rest axes becomes in camera axes, for turns (23, 3, 3)."""
    arrays = skeleton()
    turn, _ = posed_bones(turns, arrays.pivots, arrays.parents, arrays.turn_of)
    out = np.zeros((JOINT_COUNT, 3, 3))
    own = arrays.point < JOINT_COUNT
    np.add.at(out, arrays.point[own], arrays.share[own, None, None] * turn[arrays.bone[own]])
    return out


def _wild(rng: np.random.Generator, turns: Any, other: Any) -> Any:
    out = turns.copy()
    for rows in (slice(5, 11), slice(14, 20), slice(11, 14), slice(20, 23), slice(1, 5)):  # arms, legs, trunk
        if rng.random() < 0.3:
            out[rows] = other[rows]
    arrays = skeleton()
    if rng.random() < 0.6:
        shake = rng.standard_normal(FREEDOM_COUNT) * rng.uniform(0, 0.25)
        shake[:3] *= 0.3
        out = turned(out, shake, arrays.axes, arrays.start)
    if rng.random() < 0.15:
        fall = rng.standard_normal(3) * 0.8
        out[0] = rotation(fall[0], fall[1], 0.3 * fall[2]) @ out[0]
    return out


def _views(
    rng: np.random.Generator, turns: Any, cameras: Cameras, height: int, width: int, style: str
) -> list[list[Any]]:
    """A body in the pose before one camera, and another body that has turned round there: two rows of `Samples`."""
    arrays = skeleton()
    count = JOINT_COUNT + arrays.anchors
    mean, basis, bone, weight, ends, ends_basis = _skin_space()
    rows: list[list[Any]] = []
    axes, camera = np.eye(3), np.zeros(4)
    for second in (False, True):
        coefficients = sample_shape(load_body(), rng)[0].astype(np.float64)
        pivots = shaped(arrays.pivots, arrays.pivots_basis, coefficients)
        rest = shaped(arrays.place, arrays.place_basis, coefficients)
        turn, place = posed_bones(turns, pivots, arrays.parents, arrays.turn_of)
        points = joints_of(turn, place, pivots, arrays.point, arrays.bone, rest, arrays.share, count)
        if second:
            axes = axes @ rotation(0.0, 0.0, float(rng.uniform(-np.pi, np.pi)))
        else:
            shot = cameras(rng, points.astype(np.float32), height, width, style)
            axes, root = shot.view[:, :3].astype(np.float64), shot.view[:, 3].astype(np.float64)
            distance = shot.distance - root[2]
            scale = shot.scale * shot.distance / distance
            camera = np.array([shot.centre[0] + scale * root[0], shot.centre[1] - scale * root[1], scale, distance])
        skin = pose_skin(mean, basis, coefficients, bone, weight, axes @ turn, place @ axes.T, pivots)
        own = turns.copy()
        own[0] = axes @ turns[0]
        seen = points @ axes.T
        tall = ends + coefficients @ ends_basis
        rows.append([
            own, coefficients, camera, seen, skin, projected(seen[:JOINT_COUNT], camera), (height, width),
            style == "street", tall[0] - tall[1],
        ])  # fmt: skip
    return rows


def projected(points: Any, camera: Any) -> Any:
    """(..., N, 2) pixels of points (..., N, 3) relative to the root's pivot, camera (..., 4) as of `Samples`."""
    x, y, scale, distance = (camera[..., None, k] for k in range(4))
    factor = scale / np.maximum(1 - points[..., 2] / distance, 0.2)
    return np.stack([x + factor * points[..., 0], y - factor * points[..., 1]], -1)


__all__ = ["COEFFICIENTS", "Samples", "projected", "sample", "skin_rows"]
