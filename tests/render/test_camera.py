"""What the camera does to pictures, and what it leaves alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from repose.render.place.camera import develop
from repose.render.place.surroundings import Camera, Surroundings, sample_surroundings


def scene_with(**faults: float | tuple[int, int]) -> Surroundings:
    """A surroundings whose camera has only these faults."""
    return dataclasses.replace(sample_surroundings(np.random.default_rng(0), "plain"), camera=Camera(**faults))  # type: ignore[arg-type]


def picture(height: int = 128, width: int = 64) -> np.ndarray:
    """Half dark, half light, with a smooth ramp down."""
    out = np.full((height, width, 3), 0.25, np.float32)
    out[:, width // 2 :] = 0.7
    return out + np.linspace(0, 0.1, height, dtype=np.float32)[:, None, None]


def test_plain_changes_nothing_but_the_type() -> None:
    surroundings = sample_surroundings(np.random.default_rng(1), "street")
    out = develop(picture(), surroundings, np.random.default_rng(2), "plain")
    assert out.dtype == np.uint8
    np.testing.assert_allclose(out, picture() * 255, atol=0.51)


@pytest.mark.parametrize("style", ["street", "fashion", "mixed"])
def test_same_seed_same_picture(style: str) -> None:
    surroundings = sample_surroundings(np.random.default_rng(3), style)
    one, two, other = (develop(picture(256, 176), surroundings, np.random.default_rng(s), style) for s in (4, 4, 5))
    assert one.shape == (256, 176, 3)
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    assert 60 < one.mean() < 190


def test_a_camera_without_faults_is_exact() -> None:
    out = develop(picture(), scene_with(), np.random.default_rng(0))
    np.testing.assert_allclose(out, picture() * 255, atol=0.51)


def test_sharpening_makes_halos_and_blur_softens() -> None:
    plain, halo, soft = (
        develop(picture(), scene_with(**faults), np.random.default_rng(0)).astype(int)[64, :, 1]
        for faults in ({}, {"halo": 1.5}, {"blur": 0.015})
    )
    assert halo.max() > plain.max() + 10
    assert halo.min() < plain.min() - 10
    assert np.abs(np.diff(soft)).max() < np.abs(np.diff(plain)).max() / 2


def test_noise_is_stronger_in_the_dark() -> None:
    flat = np.full((128, 128, 3), 0.1, np.float32)
    dark, light = (
        develop(flat + lift, scene_with(noise=0.02, chroma=0.5), np.random.default_rng(0)).std((0, 1)).mean()
        for lift in (0, np.float32(0.7))
    )
    assert dark > 1.3 * light > 1


def test_jpeg_leaves_blocks() -> None:
    rng = np.random.default_rng(0)
    busy = rng.random((128, 64, 3), dtype=np.float32)
    out = develop(busy, scene_with(quality=(30, 30)), np.random.default_rng(0))
    assert np.abs(out - busy * 255).mean() > 5


def test_vignette_darkens_the_corners_alone() -> None:
    flat = np.full((128, 64, 3), 0.6, np.float32)
    out = develop(flat, scene_with(vignette=0.2), np.random.default_rng(0)).astype(int)
    assert out[0, 0, 0] < out[64, 32, 0] - 15
    assert out[64, 32, 0] == pytest.approx(153, abs=2)


def test_motion_blur_does_not_wrap_round() -> None:
    out = develop(picture(256, 128) * 0.5, scene_with(shake=1.0), np.random.default_rng(7))
    assert out[128, 0, 0] < 60
