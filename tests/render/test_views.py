"""Cameras: heads in the frame, the horizon where it belongs, catalogue and street as they should be."""

from __future__ import annotations

import numpy as np
import pytest

from repose.body.model import Floats, load_body
from repose.body.rig import rotations
from repose.render.place.views import Shot, _view, sample_shot
from repose.render.pose.poses import base_pose, sample_pose

BODY = load_body()
SHAPE = BODY.shape(np.zeros_like(BODY.coefficients[0]))


def points(style: str, count: int, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    angles = np.stack([sample_pose(rng, style).angles for _ in range(count)])
    return BODY.points(SHAPE, BODY.transforms(BODY.pivots, rotations(BODY, angles)))


def standing() -> Floats:
    angles = base_pose(BODY, "relaxed").angles[None]
    return BODY.points(SHAPE, BODY.transforms(BODY.pivots, rotations(BODY, angles)))[0]


@pytest.mark.parametrize(("style", "size"), [("fashion", (256, 176)), ("mixed", (256, 256)), ("fashion", (1024, 704)),
                                              ("mixed", (1024, 1024)), ("mixed", (128, 64))])  # fmt: skip
def test_the_head_is_in_the_frame(style: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    for at in points(style, 80):
        shot = sample_shot(rng, at, *size, style)
        flat = shot.project(at)[[0, 14, 15, 16, 17, 18]]  # nose, eyes, ears, top of the head
        assert (flat[:, :2] >= 0).all(), shot
        assert (flat[:, 0] <= size[1] - 1).all(), shot
        assert (flat[:, 1] <= size[0] - 1).all(), shot
        assert 1.6 <= shot.distance <= 12
        assert shot.project(at)[:, 2].max() < shot.distance - 0.2  # nobody reaches into the lens


def test_a_level_camera_has_its_horizon_at_its_own_height() -> None:
    for around in (0.0, 73.0, 200.0):
        for roll in (0.0, 8.0):
            view = _view(around, 0.0, roll, np.array([0.1, 0.0, 0.3], np.float32))
            shot = Shot(view, 4.0, 80.0, (87.5, 120.0), 256, 176)
            assert shot.horizon == pytest.approx(120.0, abs=1e-3)


@pytest.mark.parametrize("pitch", [-15.0, 5.0, 25.0])
def test_the_horizon_is_where_far_ground_is(pitch: float) -> None:
    shot = Shot(_view(40.0, pitch, 6.0, np.zeros(3, np.float32)), 4.0, 80.0, (60.0, 120.0), 256, 176)
    assert shot.pitch_deg == pytest.approx(pitch, abs=1e-3)
    assert shot.roll_deg == pytest.approx(6.0 * np.cos(np.deg2rad(pitch)), abs=1.0)
    # Points ever further away at the camera's height, over the middle column.
    away = -shot.view[2, :3] * [1, 1, 0]
    far = (shot.camera + 1e6 * away / np.linalg.norm(away) + np.linspace(-3e5, 3e5, 4001)[:, None] * [
        np.cos(np.deg2rad(40)), np.sin(np.deg2rad(40)), 0]).astype(np.float64)  # fmt: skip
    flat = shot.project(far)
    nearest = np.abs(flat[:, 0] - 87.5).argmin()
    assert shot.horizon == pytest.approx(float(flat[nearest, 1]), abs=0.6)


def test_azimuth_is_the_direction_of_the_camera() -> None:
    for around in (0.0, 90.0, 225.0):
        shot = Shot(_view(around, 10.0, 3.0, np.zeros(3, np.float32)), 4.0, 80.0, (0.0, 0.0), 256, 176)
        assert (shot.azimuth_deg - around + 180) % 360 - 180 == pytest.approx(0, abs=1e-3)
    left = Shot(_view(90.0, 0.0, 0.0, np.zeros(3, np.float32)), 4.0, 80.0, (0.0, 0.0), 256, 176)
    assert left.camera == pytest.approx([4, 0, 0], abs=1e-5)  # at the person's left


def test_feet_and_metre_belong_to_the_ground() -> None:
    rng = np.random.default_rng(2)
    at = standing()
    for style in ("street", "mixed"):
        shot = sample_shot(rng, at, 256, 256, style)
        ankles = shot.project(at[[10, 13]])
        assert abs(shot.feet[0] - ankles[:, 0].mean()) < 0.1 * shot.metre
        assert ankles[:, 1].mean() < shot.feet[1] < ankles[:, 1].mean() + 0.3 * shot.metre
        assert shot.metre == pytest.approx(shot.scale, rel=0.35)


def test_street_looks_down_on_whole_people() -> None:
    rng = np.random.default_rng(3)
    tall = []
    for at in points("street", 80):
        shot = sample_shot(rng, at, 128, 64, "street")
        assert shot.crop == "full"
        assert 5 <= shot.pitch_deg <= 25.01
        assert 6 <= shot.distance <= 16
        flat = shot.project(at)[:18]
        tall.append(np.ptp(flat[:, 1]) / 128)
        assert ((flat[:, :2] > [-6, -8]) & (flat[:, :2] < [70, 136])).mean() > 0.8
    assert 0.6 < np.median(tall) < 0.95


def test_catalogue_proportions() -> None:
    rng, at = np.random.default_rng(4), standing()
    shots = [sample_shot(rng, at, 256, 176, "fashion") for _ in range(400)]
    crops = [s.crop for s in shots]
    assert 0.35 < crops.count("full") / 400 < 0.55
    assert 0.01 < crops.count("portrait") / 400 < 0.10
    front = np.mean([min(s.azimuth_deg, 360 - s.azimuth_deg) < 40 for s in shots])
    assert 0.45 < front < 0.75
    assert all(20 < s.millimetres < 190 for s in shots)
    feet = [s.feet[1] < 256 for s in shots if s.crop == "full"]
    assert np.mean(feet) > 0.9


def test_same_generator_same_shot() -> None:
    a, b = (sample_shot(np.random.default_rng(5), standing(), 256, 176, "mixed") for _ in range(2))
    assert np.array_equal(a.view, b.view)
    assert (a.distance, a.scale, a.centre, a.feet) == (b.distance, b.scale, b.centre, b.feet)
