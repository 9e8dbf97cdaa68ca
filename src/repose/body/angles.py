"""The angles that make a pose: their names, what they are at rest, how far they go, and their mirror image.

A pose is one row of degrees, (A,), in the order of `ANGLES`. Left and right are the person's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from repose.body.model import Floats

# name: (at rest, spread of the random part, lowest, highest), degrees.
_TRUNK: Final = {
    "pelvis_tilt": (0, 2, -30, 90),  # forwards
    "pelvis_lean": (0, 1.5, -30, 30),  # to the person's left
    "pelvis_yaw": (0, 3, -40, 40),  # front turned to the person's left
    "bend": (1, 3, -20, 50),  # the waist: forwards
    "twist": (0, 4, -30, 30),  # to the person's left
    "lean": (0, 2, -25, 25),  # to the person's left
    "chest_bend": (1, 2.5, -20, 35),
    "chest_twist": (0, 3, -25, 25),
    "chest_lean": (0, 1.5, -15, 15),
    "neck": (2, 4, -25, 40),  # forwards
    "nod": (2, 5, -30, 35),  # chin down
    "turn": (0, 13, -70, 70),  # face to the person's left
    "tilt": (0, 4, -30, 30),
}
_LIMBS: Final = {
    "shrug": (0, 2, -8, 30),  # shoulder up
    "collar": (0, 3, -20, 30),  # shoulder forwards
    "arm_flex": (0, 8, -65, 180),  # upper arm forwards and up
    "arm_out": (10, 4, -50, 175),  # upper arm away from the side
    "arm_twist": (8, 8, -120, 110),  # forearm turned inwards
    "elbow": (20, 8, 2, 150),
    "roll": (0, 10, -90, 90),  # hand turned thumb inwards (pronation)
    "hand": (0, 7, -70, 75),  # towards the palm
    "hand_side": (0, 4, -40, 28),  # towards the thumb
    "thumb": (5, 6, -15, 55),
    "index": (13, 8, -20, 95),
    "middle": (18, 8, -20, 95),
    "ring": (21, 8, -20, 95),
    "little": (22, 9, -20, 95),
    "hip_flex": (0, 3, -30, 125),  # thigh forwards and up
    "hip_out": (2, 2, -25, 60),
    "hip_twist": (6, 4, -35, 60),  # toes outwards
    "knee": (5, 3, 0, 150),
    "foot": (0, 4, -35, 60),  # toes down
    "foot_side": (0, 2, -25, 25),  # sole outwards
    "spread": (4, 4, 0, 30),  # fingers apart; about 30 is how the mesh was made
}
ANGLES: Final = (*_TRUNK, *(f"{name}_{side}" for side in "LR" for name in _LIMBS))
INDEX: Final = {name: k for k, name in enumerate(ANGLES)}
TABLE: Final = np.array([*_TRUNK.values(), *_LIMBS.values(), *_LIMBS.values()], np.float32)  # (A, 4)
LIMITS: Final = TABLE[:, 2:]  # (A, 2) lowest, highest
TRUNK_COUNT, LIMB_COUNT = len(_TRUNK), len(_LIMBS)  # a row: the trunk, the left side, the right side
_FLIPPED: Final = np.array(
    [INDEX[n] for n in ("pelvis_lean", "pelvis_yaw", "twist", "lean", "chest_twist", "chest_lean", "turn", "tilt")]
)


def mirror(angles: Floats) -> Floats:
    """The same pose seen in a mirror: left and right change places, sideways turns change sign."""
    out = angles.copy()
    left, right = slice(TRUNK_COUNT, TRUNK_COUNT + LIMB_COUNT), slice(TRUNK_COUNT + LIMB_COUNT, None)
    out[left], out[right] = angles[right], angles[left]
    out[_FLIPPED] *= -1
    return out


def rounded(angles: NDArray[np.float64]) -> Floats:
    """Within the limits and to a 64th of a degree, so that the last bits of a sine do not matter."""
    out: Floats = np.clip(np.round(angles * 64) / 64, LIMITS[:, 0], LIMITS[:, 1]).astype(np.float32)
    return out
