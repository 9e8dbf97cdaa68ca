"""`PosedBody`: a body in a pose before a camera, as `lift` gives it, and where its skin lies in the picture.

The renderer poses surfaces with `surface.pose_surface` instead, from angles and with every finger.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repose.body.pose_space import (
    JOINT_COUNT,
    Doubles,
    Floats,
    joints_of,
    mirror_turns,
    posed_bones,
    shaped,
    skeleton,
)
from repose.body.skin_mesh import pose_skin, skin_mesh
from repose.person import MIRROR

NEAREST = 0.2  # perspective is not followed closer to the camera than this share of the distance


@dataclass(frozen=True, eq=False)
class PosedBody:
    """One body in a picture.

    Camera axes: x right, y up, z towards the camera, metres, 0 at the pivot of the root (between the hips). Pixels: x
    right, y down, the centre of the first pixel is (0, 0), as in `repose.person`. A point (X, Y, Z) lies at pixel
    (x + f X, y - f Y) with f = scale / (1 - Z / distance).

    Attributes:
        turns: (23, 3, 3) float64, see `pose_space`; the first takes rest axes to camera axes.
        coefficients: (40,) float64, the shape, in standard deviations of the bodies that the asset was fitted to.
        camera: (4,) float64: x and y of the root's pivot, pixels; scale, pixels a metre spans there; distance, metres
            from the camera to it.
        reading: how the names of the joints were read: "as named", "left and right exchanged" or "legs exchanged".
        sure: how likely that reading is, 0 to 1.
        spread: (18,) expected error of each joint in space, metres: large for what was not seen, and for depths.
        miss: (18,) pixels between each joint given and where the detector would have the body's; NaN where none was
            given.
    """

    turns: Doubles
    coefficients: Doubles
    camera: Doubles
    reading: str = "as named"
    sure: float = 1.0
    spread: Doubles = field(default_factory=lambda: np.zeros(JOINT_COUNT))
    miss: Doubles = field(default_factory=lambda: np.full(JOINT_COUNT, np.nan))

    @cached_property
    def bones(self) -> tuple[Doubles, Doubles, Doubles]:
        """Of the 28 `pose_space.MOVING_BONES`: world turns (28, 3, 3), pivots in camera axes and at rest (28, 3)."""
        arrays = skeleton()
        pivots = shaped(arrays.pivots, arrays.pivots_basis, self.coefficients)
        turn, place = posed_bones(self.turns, pivots, arrays.parents, arrays.turn_of)
        return turn, place, pivots

    @cached_property
    def vertices(self) -> Floats:
        """(V, 3) float32 vertices of `skin_mesh.skin_mesh()`, camera axes, metres."""
        surface = skin_mesh()
        turn, place, pivots = self.bones
        out: Floats = pose_skin(
            surface.mean, surface.basis, self.coefficients, surface.bone, surface.weight, turn, place, pivots
        )
        return out

    @cached_property
    def joints(self) -> Doubles:
        """(18, 3) joints, camera axes, metres."""
        arrays = skeleton()
        turn, place, pivots = self.bones
        rest = shaped(arrays.place, arrays.place_basis, self.coefficients)
        out: Doubles = joints_of(turn, place, pivots, arrays.point, arrays.bone, rest, arrays.share, JOINT_COUNT)
        return out

    @property
    def keypoints(self) -> Doubles:
        """(18, 2) pixels of the joints, those outside the picture too."""
        return self.project(self.joints)[:, :2]

    @property
    def height(self) -> float:
        """Metres from sole to crown at rest."""
        surface = skin_mesh()
        ends = [int(surface.canon[:, 2].argmax()), int(surface.canon[:, 2].argmin())]
        top, bottom = surface.mean[ends, 2] + self.coefficients @ surface.basis[:, ends, 2]
        return float(top - bottom)

    def project(self, points: NDArray[Any]) -> NDArray[Any]:
        """(N, 3) camera axes -> (N, 3): pixel x and y, and the third coordinate as it was (nearness, metres)."""
        x, y, scale, distance = self.camera
        factor = scale / np.maximum(1 - points[:, 2] / distance, NEAREST)
        out = np.stack([x + factor * points[:, 0], y - factor * points[:, 1], points[:, 2]], 1)
        return out.astype(points.dtype)

    def mirrored(self, width: float) -> PosedBody:
        """The body in the mirror image of a picture of this width, pixels."""
        camera = self.camera * [-1, 1, 1, 1] + [width - 1, 0, 0, 0]
        order = list(MIRROR)
        return replace(
            self, turns=mirror_turns(self.turns), camera=camera, spread=self.spread[order], miss=self.miss[order]
        )

    def scaled(self, factor: float) -> PosedBody:
        """The body in the picture enlarged by `factor`."""
        x, y, scale, distance = self.camera
        camera = np.array([(x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5, scale * factor, distance])
        return replace(self, camera=camera, miss=self.miss * factor)

    def moved(self, right: float, down: float) -> PosedBody:
        """The body that many pixels further right and down."""
        return replace(self, camera=self.camera + np.array([right, down, 0, 0]))
