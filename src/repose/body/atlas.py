"""Where on the body a point of canon space lies: DensePose's 24 parts, with charts of our own.

The parts and their order are DensePose's: 1 torso back, 2 torso front; 3 right hand, 4 left hand; 5 left foot, 6 right
foot; upper legs 7 right back, 8 left back, 9 right front, 10 left front; lower legs 11 to 14 likewise; upper arms 15
left front, 16 right front, 17 left back, 18 right back; lower arms 19 to 22 likewise; 23 right, 24 left half of the
head.

Inside a part, u and v in [0, 1] are our own charts, not those of SMPL: v runs along the part (down the trunk, the neck
and the limbs, from heel to toe), u round it. They are made so that a mirrored picture is exactly `part -> its mirror
part, u -> 1 - u`, as `Person.flip` does it. Points off the body, on clothes or hair, take the chart of the body below
them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from repose.body.model import Floats

# Joints of the left limbs in canon space, metres; the right ones are their mirror image.
SHOULDER: Final = (0.179, -0.025, 0.593)
ELBOW: Final = (0.362, -0.035, 0.391)
WRIST: Final = (0.488, -0.203, 0.265)
FINGERS: Final = (0.545, -0.345, 0.165)
HIP: Final = (0.113, -0.012, 0.119)
KNEE: Final = (0.146, -0.038, -0.300)
ANKLE: Final = (0.190, -0.004, -0.740)
# Towards the flexor side of the arm and hand: "front" of the arm.
_BICEPS: Final = (0.0, -1.0, 0.3)
_PALM: Final = (-0.8, 0.08, -0.57)
_AHEAD: Final = (0.0, -1.0, 0.0)
# Heights (canon z) where the charts of the trunk and of head with neck begin and end, and the y of their axes, metres.
TRUNK_TOP: Final = 0.66
TRUNK_BOTTOM: Final = 0.02
CROWN: Final = 0.955
NAPE: Final = 0.62
TRUNK_Y: Final = -0.03
HEAD_Y: Final = -0.05


def _frame(start: tuple[float, ...], end: tuple[float, ...], front: tuple[float, ...]) -> NDArray[np.float64]:
    """(3, 3) rows: along a limb, to its front, to its inner side."""
    axis = np.subtract(end, start) / np.linalg.norm(np.subtract(end, start))
    ahead = np.asarray(front) - axis * np.dot(axis, front)
    ahead /= np.linalg.norm(ahead)
    return np.stack([axis, ahead, np.cross(ahead, axis)])


SEGMENTS: Final = {
    "UPPER_ARM": (SHOULDER, _frame(SHOULDER, ELBOW, _BICEPS)),
    "LOWER_ARM": (ELBOW, _frame(ELBOW, WRIST, _PALM)),
    "HAND": (WRIST, _frame(WRIST, FINGERS, _PALM)),
    "UPPER_LEG": (HIP, _frame(HIP, KNEE, _AHEAD)),
    "LOWER_LEG": (KNEE, _frame(KNEE, ANKLE, _AHEAD)),
}


def iuv_of(canon: Floats, along: Floats, region: Floats) -> Floats:
    """Part (1 to 24), u and v of points. The renderer has the same function in GLSL (`repose.render.draw.chart`).

    Args:
        canon: (N, 3) metres. along: (N, 2) position along the arm and the leg. region: (N, 4) arm, leg, head, foot.

    Returns:
        (N, 3) float32.
    """
    left = canon[:, 0] > 0
    p = canon.astype(np.float64) * [1, 1, 1]
    p[:, 0] = np.abs(p[:, 0])
    out = np.empty((len(canon), 3), np.float64)

    turn = np.arctan2(canon[:, 0], TRUNK_Y - canon[:, 1])
    front = np.abs(turn) < np.pi / 2
    back = np.arctan2(canon[:, 0], canon[:, 1] - TRUNK_Y)
    out[:, 0] = np.where(front, 2, 1)
    out[:, 1] = np.where(front, turn, back) / np.pi + 0.5
    out[:, 2] = (TRUNK_TOP - canon[:, 2]) / (TRUNK_TOP - TRUNK_BOTTOM)

    head = (region[:, 2] > 0.5) & ~(region[:, 1] > 0.5)
    u = np.arctan2(p[:, 0], HEAD_Y - p[:, 1]) / np.pi
    values = np.stack([np.where(left, 24, 23), np.where(left, 1 - u, u), (CROWN - p[:, 2]) / (CROWN - NAPE)], 1)
    out[head] = values[head]

    for column, first, names in ((1, 7, ("UPPER_LEG", "LOWER_LEG")), (0, 15, ("UPPER_ARM", "LOWER_ARM"))):
        inside, at = region[:, column] > 0.5, along[:, column]
        upper = at < 1
        turn = np.where(upper, _turn(p, names[0]), _turn(p, names[1]))
        front = np.abs(turn) < np.pi / 2
        half = np.where(turn > 0, turn / np.pi - 0.5, turn / np.pi + 1.5)
        u = np.where(front, turn / np.pi + 0.5, half)
        side = left if column == 1 else ~left  # legs list the right one first, arms the left one
        part = first + np.where(upper, 0, 4) + np.where(front == (column == 1), 2, 0) + side
        v = np.where(upper, (at + 0.3) / 1.3, at - 1)
        values = np.stack([part, np.where(left, u, 1 - u), v], 1)
        out[inside] = values[inside]

    foot = (region[:, 3] > 0.5) & ~(region[:, 0] > 0.5)
    u = np.arctan2(p[:, 0] - 0.19, p[:, 2] + 0.79) / (2 * np.pi) + 0.5
    values = np.stack([np.where(left, 5, 6), np.where(left, u, 1 - u), (0.08 - p[:, 1]) / 0.32], 1)
    out[foot] = values[foot]

    hand = (region[:, 0] > 0.5) & (along[:, 0] >= 2)
    u = _turn(p, "HAND") / (2 * np.pi) + 0.5
    values = np.stack([np.where(left, 4, 3), np.where(left, u, 1 - u), (along[:, 0] - 2) / 1.2], 1)
    out[hand] = values[hand]
    out[:, 1:] = out[:, 1:].clip(0, 1)
    return out.astype(np.float32)


def _turn(p: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    at, rows = SEGMENTS[name]
    away = p - np.asarray(at)
    turn: NDArray[np.float64] = np.arctan2(away @ rows[2], away @ rows[1])
    return turn
