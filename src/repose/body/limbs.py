"""Limbs that run through the trunk or through each other: how deep, and the pose without it.

Trunk and limbs are capsules round the bones (`rig`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repose.body.angles import LIMITS, rounded
from repose.body.kinematics import free_up
from repose.body.model import BodyModel, Floats, Shape
from repose.body.rig import rig_of

ALLOWED = 0.012
"""Metres that capsules may be in each other after `repair`: skin gives way."""
STEPS = 12
"""Moves of a limb that `repair` tries."""


def penetration(body: BodyModel, angles: Floats, shape: Shape | None = None, girth: float = 1.0) -> float:
    """How deep, in metres, limbs of one pose run into the trunk or each other; 0 if none does.

    Args:
        body: the body model. angles: (A,) degrees, in the order of `angles.ANGLES`.
        shape: the person whose skeleton it is; the mean body if None. girth: how many times as thick as the mean body.
    """
    return separate(body, angles.astype(np.float64), shape, girth, 0.0, 0)


def repair(
    body: BodyModel,
    angles: Floats,
    shape: Shape | None = None,
    girth: float = 1.0,
    allowed: float = ALLOWED,
    steps: int = STEPS,
) -> Floats:
    """The pose with arms and legs moved apart until nothing is deeper than `allowed` metres in anything else.

    At most `steps` moves; the other arguments as of `penetration`. Returns (A,) float32 degrees within the limits.
    """
    out = angles.astype(np.float64)
    separate(body, out, shape, girth, allowed, steps)
    return rounded(out)


def separate(
    body: BodyModel,
    angles: NDArray[np.float64],
    shape: Shape | None = None,
    girth: float = 1.0,
    allowed: float = ALLOWED,
    steps: int = STEPS,
) -> float:
    """As `repair`, but changes `angles`, (A,) float64, in place and does not round. Returns the depth that is left."""
    rig = rig_of(body)
    pivots = rig.pivots if shape is None else shape.pivots.astype(np.float64)
    depth = free_up(
        angles, rig.vec, pivots, rig.parents, rig.slot, rig.limbs, rig.bone, rig.offset, rig.radius, rig.pairs,
        girth, allowed, steps, LIMITS.astype(np.float64),
    )  # fmt: skip
    return float(max(depth, 0.0))
