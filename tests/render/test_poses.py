"""Poses: limits, mirror images, limbs that stay out of the body, feet on the ground."""

from __future__ import annotations

import numpy as np
import pytest

from repose.body.angles import ANGLES, LIMITS, mirror
from repose.body.limbs import penetration, repair
from repose.body.model import Floats, load_body
from repose.body.rig import rotations
from repose.person import JOINTS, MIRROR
from repose.render.pose.pose_library import LIBRARY
from repose.render.pose.poses import base_pose, sample_pose

BODY = load_body()
INDEX = {name: k for k, name in enumerate(ANGLES)}
JOINT = {name: k for k, name in enumerate(JOINTS)}
STYLES = ("street", "fashion", "mixed")


def points(*angles: Floats) -> Floats:
    shape = BODY.shape(np.zeros_like(BODY.coefficients[0]))
    return BODY.points(shape, BODY.transforms(BODY.pivots, rotations(BODY, np.stack(angles))))


def test_the_library_is_large_and_its_names_are_unique() -> None:
    names = [base.name for base in LIBRARY]
    assert len(names) >= 90
    assert len(set(names)) == len(names)
    for base in LIBRARY:
        assert all(name in INDEX or f"{name}_L" in INDEX for name in base.angles), base.name


@pytest.mark.parametrize("style", STYLES)
def test_random_poses_respect_the_limits_and_are_free(style: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        pose = sample_pose(rng, style)
        assert pose.angles.shape == (len(ANGLES),)
        assert pose.angles.dtype == np.float32
        assert (pose.angles >= LIMITS[:, 0]).all(), pose.name
        assert (pose.angles <= LIMITS[:, 1]).all(), pose.name
        assert penetration(BODY, pose.angles) < 0.015, pose.name


def test_every_pose_of_the_library_is_free() -> None:
    for base in LIBRARY:
        angles = base_pose(BODY, base.name).angles
        assert np.isfinite(angles).all(), base.name
        assert penetration(BODY, angles) < 0.015, base.name


def test_same_generator_same_pose() -> None:
    a, b = (sample_pose(np.random.default_rng(7), "fashion") for _ in range(2))
    assert a.name == b.name
    assert np.array_equal(a.angles, b.angles)


def test_a_mirrored_pose_is_the_mirror_image() -> None:
    rng = np.random.default_rng(2)
    for _ in range(10):
        angles = sample_pose(rng).angles
        here, there = points(angles, mirror(angles))
        assert np.allclose(there[:18][list(MIRROR)] * [-1, 1, 1], here[:18], atol=2e-3)
        assert np.array_equal(mirror(mirror(angles)), angles)


def test_left_is_the_persons_left() -> None:
    (high,) = points(base_pose(BODY, "waving high").angles)
    assert high[JOINT["left_wrist"], 2] > high[JOINT["nose"], 2] > high[JOINT["right_wrist"], 2]
    assert high[JOINT["left_wrist"], 0] > 0.1
    (look,) = points(base_pose(BODY, "looking aside").angles)
    assert look[JOINT["nose"], 0] - look[JOINT["neck"], 0] > 0.03  # turned to the left


def test_signs_of_the_hand() -> None:
    """Fists close towards the palm: the fingertips come nearer to the wrist on the side of the body."""
    base = base_pose(BODY, "relaxed").angles
    fist = base.copy()
    for finger in ("index", "middle", "ring", "little"):
        fist[INDEX[f"{finger}_L"]] = 80
    turns = rotations(BODY, np.stack([base, fist]))
    transforms = BODY.transforms(BODY.pivots, turns)
    wrist, knuckle, tip = (
        transforms[:, k, :, :3] @ BODY.pivots[k] + transforms[:, k, :, 3]
        for k in (BODY.index[f"{name}.L"] for name in ("wrist", "finger3-2", "finger3-3"))
    )
    assert np.linalg.norm(tip[1] - wrist[1]) < np.linalg.norm(tip[0] - wrist[0]) - 0.02
    assert knuckle[1, 0] < knuckle[0, 0] - 0.01  # the palm looks to the thigh


@pytest.mark.parametrize("name", ["relaxed", "contrapposto", "akimbo", "hip out", "step stance", "wide", "model"])
def test_feet_stand_on_one_level(name: str) -> None:
    (at,) = points(base_pose(BODY, name).angles)
    toes = at[19:21, 2]  # anchors under the toes
    assert abs(toes[0] - toes[1]) < 0.025


def test_hands_reach_what_they_are_told_to() -> None:
    (at,) = points(base_pose(BODY, "phone at ear").angles)
    assert np.linalg.norm(at[JOINT["left_wrist"]] - at[JOINT["left_ear"]]) < 0.2
    (at,) = points(base_pose(BODY, "akimbo").angles)
    for side in ("left", "right"):
        wrist, hip = at[JOINT[f"{side}_wrist"]], at[JOINT[f"{side}_hip"]]
        assert np.linalg.norm(wrist - hip) < 0.22
        assert abs(at[JOINT[f"{side}_elbow"], 0]) > abs(wrist[0])


def test_repair_takes_an_arm_out_of_the_body() -> None:
    angles = base_pose(BODY, "relaxed").angles
    angles[INDEX["arm_out_L"]], angles[INDEX["elbow_L"]], angles[INDEX["arm_twist_L"]] = -12, 60, 80
    assert penetration(BODY, angles) > 0.04
    mended = repair(BODY, angles)
    assert penetration(BODY, mended) < 0.015
    changed = {ANGLES[k] for k in np.flatnonzero(np.abs(mended - angles) > 0.05)}
    assert changed
    assert all(name.endswith("_L") for name in changed)


def test_girth_makes_the_body_thicker() -> None:
    angles = base_pose(BODY, "akimbo").angles
    assert penetration(BODY, angles, girth=1.5) > penetration(BODY, angles) + 0.01


def test_styles_differ() -> None:
    rng = np.random.default_rng(3)
    kinds = {base.name: base.kind for base in LIBRARY}
    share = {
        style: np.mean([kinds[sample_pose(rng, style).name.split(" + ")[0]] in ("walk", "run") for _ in range(150)])
        for style in STYLES
    }
    assert share["street"] > 0.4 > share["fashion"]
    assert np.mean([sample_pose(rng, "street").seat for _ in range(200)]) < 0.06
