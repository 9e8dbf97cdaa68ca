"""One take of a dressed person: from pose, camera and light to the finished picture with all labels."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from repose.body.model import JOINT_COUNT, Floats
from repose.render.draw.render import BACKGROUND, Drawn
from repose.render.picture import Picture
from repose.render.place.backdrop import Ground, background
from repose.render.place.camera import develop
from repose.render.place.lighting import Lighting
from repose.render.place.seat import SCENERY
from repose.render.place.surroundings import Surroundings
from repose.render.place.views import Shot
from repose.render.pose.poses import BodyPose

# How far below the surface a joint may lie and still count as seen, metres, in the order of the joints.
# Limbs and trunk are about this thick over their joints, clothes included.
_DEPTH_OF_JOINT: Final = np.array(
    [0.04, 0.13, *(0.13, 0.08, 0.055) * 2, *(0.2, 0.12, 0.11) * 2, 0.04, 0.04, 0.06, 0.06], np.float32
)


@dataclass(frozen=True)
class Take:
    """How one picture of a person is taken.

    Attributes:
        pose: of the person. transforms: (J, 3, 4), their bones in it. points: (N, 3), joints and anchors in it.
        shot: the camera. light: along the axes of the posed body.
        ground: what the background is drawn for. rng: of the background and of the camera's faults.
    """

    pose: BodyPose
    transforms: Floats
    points: Floats
    shot: Shot
    light: Lighting
    ground: Ground
    rng: np.random.Generator


def along_body(light: Lighting, azimuth_deg: float) -> Lighting:
    """Lamps from the upright frame of a camera (x right, y away, z up) to the axes of the posed body."""
    angle = np.deg2rad(azimuth_deg)
    right, away = np.array([np.cos(angle), np.sin(angle), 0]), np.array([-np.sin(angle), np.cos(angle), 0])
    axes = np.stack([right, away, [0, 0, 1]]).astype(np.float32)
    return replace(light, lamps=tuple((direction @ axes, color) for direction, color in light.lamps))


def ground_of(shot: Shot, points: Floats) -> Ground:
    """The ground under a person in the picture of a camera; points: (N, 3) as of `BodyModel.points`."""
    away = float(np.hypot(*(shot.camera[:2] - points[:, :2].mean(0))))
    return Ground(shot.horizon, shot.feet, shot.metre, -shot.azimuth_deg, away)


def finish(
    person: str, number: int, drawn: Drawn, take: Take, surroundings: Surroundings, style: str, spent: dict[str, float]
) -> Picture:
    """The finished picture of a take, `number` among the drawn ones of the person; adds its times to `spent`."""
    coverage, label, near = drawn.coverage[number], drawn.label[number], drawn.nearness[number]
    height, width = coverage.shape
    shot = take.shot
    flat = shot.project(take.points)
    with timed(spent, "background"):
        behind = background(surroundings, take.rng, height, width, take.ground)
        behind = _shaded(behind, drawn.shadow[number], take.light, shot, height)
    with timed(spent, "develop"):
        image = develop(drawn.color[number] + behind * (1 - coverage[..., None]), surroundings, take.rng, style)
    own = drawn.covered[number] & (label != SCENERY)
    keypoints = _keypoints(flat[:JOINT_COUNT], np.where(drawn.covered[number], near, BACKGROUND))
    return Picture(
        name=f"{person}_{number:02d}", person=person, image=image, keypoints=keypoints,
        parsing=np.where(own, label, 0).astype(np.uint8), mask=np.where(own, np.uint8(255), np.uint8(0)),
        iuv=np.where(own[..., None], drawn.iuv[number], np.uint8(0)),
        depth=np.where(own, shot.distance - near, 0).astype(np.float16), pose=take.pose.name, style=style,
    )  # fmt: skip


@contextmanager
def timed(spent: dict[str, float], stage: str) -> Iterator[None]:
    """Add the processor time of the block to that of a stage."""
    start = time.process_time()
    yield
    spent[stage] = spent.get(stage, 0.0) + time.process_time() - start


def _shaded(behind: Floats, shadow: Floats, light: Lighting, shot: Shot, height: int) -> Floats:
    """The background with the person's shadow on its ground."""
    if not shadow.any():
        return behind
    first = np.asarray(light.lamps[0][1]).mean() * max(light.lamps[0][0][2], 0.1) if light.lamps else 0.0
    rest = sum(float(np.mean(c)) * max(d[2], 0.0) for d, c in light.lamps[1:]) + float(np.mean(light.sky))
    blur = shot.scale * (0.01 + 0.10 * light.softness)
    cast = gaussian_filter(shadow[..., 0], blur) * (first / (first + rest + 1e-6))
    near = gaussian_filter(shadow[..., 1], shot.scale * 0.03) * 0.55
    keep = (1 - 0.85 * cast) * (1 - near)
    below = np.clip((np.arange(height) - shot.horizon) / (0.04 * height), 0, 1)[:, None]
    out: Floats = (behind * (1 - (1 - keep**0.6) * below)[..., None]).astype(np.float32)
    return out


def _keypoints(flat: Floats, depth: Floats) -> NDArray[np.float32]:
    """Joints (18, 3) as x, y, nearness to x, y, visible, by the nearness of the surface at their pixel."""
    height, width = depth.shape
    out = np.zeros((JOINT_COUNT, 3), np.float32)
    column, row = np.rint(flat[:, 0]).astype(int), np.rint(flat[:, 1]).astype(int)
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    surface = depth[row.clip(0, height - 1), column.clip(0, width - 1)]
    seen = surface <= flat[:, 2] + _DEPTH_OF_JOINT
    out[inside, :2] = flat[inside, :2]
    out[inside, 2] = np.where(seen[inside], 1.0, 0.5)
    return out
