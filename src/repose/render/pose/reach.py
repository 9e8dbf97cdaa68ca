"""Feet on the ground and hands where they belong: the angles of legs and arms, solved for by two-bone kinematics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repose.body.angles import LIMB_COUNT, LIMITS, TRUNK_COUNT
from repose.body.kinematics import about, forward, solve_arm, solve_leg, zyx
from repose.body.rig import Rig
from repose.render.pose.pose_library import Arm


def place_feet(rig: Rig, angles: NDArray[np.float64], row: NDArray[np.float64]) -> None:
    """Put the feet where `Legs.row` says; the pelvis gets as high as the knees allow."""
    rad = np.deg2rad(angles[:3])
    pelvis = zyx(rad[2], rad[1], rad[0])
    leg = rig.leg()
    root = rig.pivots[rig.index["root"]]
    straight = about(0.0, 1.0, 0.0, rig.vec[6, 1])
    u, v = straight @ (leg[1] - leg[0]), straight @ (leg[2] - leg[1])
    reach = float(np.linalg.norm(u + about(1.0, 0.0, 0.0, np.deg2rad(row[10])) @ v))
    feet, ground = [], -9.0
    for side, sign in enumerate((1, -1)):
        x, y, _, lift, height = row[5 * side : 5 * side + 5]
        hip = pelvis @ ((leg[0] - root) * [sign, 1, 1]) + root
        tilt = np.deg2rad(abs(lift))
        rise = (0.16 if lift > 0 else 0.04) * np.sin(tilt) + 0.075 * np.cos(tilt) + height
        dx, dy = sign * x - row[11] - hip[0], y - row[12] - 0.006 - hip[1]
        if height < 0.03:
            ground = max(ground, hip[2] - np.sqrt(max(reach**2 - dx**2 - dy**2, 0.01)) - rise)
        feet.append((dx, dy, rise - hip[2]))
    for side, sign in enumerate((1, -1)):
        dx, dy, rise = feet[side]
        yaw = np.deg2rad(row[5 * side + 2]) - sign * rad[2]
        turned = pelvis * np.outer([sign, 1, 1], [sign, 1, 1])
        ankle, lift = np.array([sign * dx, dy, ground + rise]), row[5 * side + 3]
        solve_leg(angles, TRUNK_COUNT + LIMB_COUNT * side, ankle, yaw, lift, turned, leg, rig.vec)
        np.clip(angles, LIMITS[:, 0], LIMITS[:, 1], out=angles)


def place_hand(
    rig: Rig, angles: NDArray[np.float64], side: int, arm: Arm, rng: np.random.Generator | None, amount: float
) -> None:
    """Put a wrist where `Arm` says."""
    turn, place = forward(angles, rig.vec, rig.pivots, rig.parents, rig.slot)
    name = {"thigh": "upperleg01", "shin": "lowerleg01"}.get(arm.bone, arm.bone)
    bone = rig.index[name if name in rig.index else f"{name}.{'LR'[side]}"]
    chest = rig.index["spine01"]
    flip = np.array([1, 1, 1]) if side == 0 else np.array([-1, 1, 1])
    wrist, pole = np.array(arm.wrist), np.array(arm.pole)
    if rng is not None:
        wrist = wrist + amount * arm.loose * rng.standard_normal(3)
        pole = pole + amount * 0.12 * rng.standard_normal(3)
    world = turn[bone] @ (wrist * flip - rig.pivots[bone]) + place[bone]
    target = (turn[chest].T @ (world - place[chest]) + rig.pivots[chest]) * flip
    to_chest = turn[chest].T @ turn[bone]
    hand = np.stack([to_chest @ (np.array(d) * flip) * flip for d in (arm.fingers, arm.palm)])
    solve_arm(
        angles, TRUNK_COUNT + LIMB_COUNT * side, target, pole, hand, rig.vec, rig.arm(), LIMITS.astype(np.float64)
    )
