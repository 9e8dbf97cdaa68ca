"""Places and studios: the same from the same seed, one place from many sides, light that stays in it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from repose.render.place import props
from repose.render.place.backdrop import Ground, background
from repose.render.place.surroundings import sample_surroundings

STYLES = ("street", "fashion", "plain", "mixed")


def ground(azimuth: float = 0.0, height: int = 128) -> Ground:
    """A street camera, above and in front of the person."""
    metre = 0.55 * height
    return Ground(0.96 * height - 2.2 * metre, (0.25 * height, 0.96 * height), metre, azimuth, 8.0)


def place_scene(seed: int = 0):
    """A surroundings of the street with one place for all pictures."""
    for number in range(seed * 50, seed * 50 + 50):
        surroundings = sample_surroundings(np.random.default_rng(number), "street")
        if surroundings.same_place:
            return surroundings
    raise AssertionError("no surroundings keeps to one place")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("height", "width"), [(128, 64), (256, 176)])
def test_background_is_a_picture_and_repeats(style: str, height: int, width: int) -> None:
    pictures = []
    for _ in range(2):
        surroundings = sample_surroundings(np.random.default_rng(5), style)
        pictures.append(background(surroundings, np.random.default_rng(6), height, width, ground(40, height)))
    assert pictures[0].shape == (height, width, 3)
    assert pictures[0].dtype == np.float32
    assert pictures[0].min() >= 0
    assert pictures[0].max() <= 1
    np.testing.assert_array_equal(pictures[0], pictures[1])


def test_earlier_pictures_do_not_change_later_ones() -> None:
    surroundings, fresh = place_scene(), place_scene()
    background(surroundings, np.random.default_rng(1), 256, 176, ground(10, 256))
    later = background(surroundings, np.random.default_rng(2), 128, 64, ground(50))
    np.testing.assert_array_equal(later, background(fresh, np.random.default_rng(2), 128, 64, ground(50)))


def test_azimuth_turns_the_place() -> None:
    surroundings = place_scene(1)
    one, same, other = (background(surroundings, np.random.default_rng(3), 128, 64, ground(a)) for a in (0, 360, 90))
    assert np.abs(one - same).mean() < 0.02  # a whole turn comes back
    assert np.abs(one - other).mean() > 0.03


def test_plain_is_flat() -> None:
    picture = background(
        sample_surroundings(np.random.default_rng(0), "plain"), np.random.default_rng(1), 128, 64, ground()
    )
    assert picture.std() < 1e-6


def test_fashion_is_mostly_a_light_studio() -> None:
    scenes = [sample_surroundings(np.random.default_rng(i), "fashion") for i in range(200)]
    studios = [surroundings.studio for surroundings in scenes if surroundings.studio is not None]
    assert 0.65 < len(studios) / 200 < 0.85
    assert np.median([np.mean(studio.color) for studio in studios]) > 0.85


def test_street_has_detail_and_little_colour() -> None:
    deviations, saturations, levels = [], [], []
    for seed in range(12):
        surroundings = sample_surroundings(np.random.default_rng(seed), "street")
        picture = background(surroundings, np.random.default_rng(seed), 128, 64, ground(31.0 * seed))
        deviations.append(picture.std())
        saturations.append((picture.max(-1) - picture.min(-1)).mean())
        levels.append(picture.mean())
    assert 0.06 < np.median(deviations) < 0.25
    assert np.median(saturations) < 0.1
    assert 0.3 < np.mean(levels) < 0.6


@pytest.mark.parametrize("horizon", [-4000.0, -50.0, 60.0, 500.0])
@pytest.mark.parametrize("feet", [(32.0, 120.0), (-40.0, 700.0), (30.0, 20.0)])
def test_horizon_and_feet_may_lie_anywhere(horizon: float, feet: tuple[float, float]) -> None:
    for style in ("street", "fashion"):
        surroundings = sample_surroundings(np.random.default_rng(9), style)
        picture = background(surroundings, np.random.default_rng(1), 128, 64, Ground(horizon, feet, 70.0, 123.0))
        assert np.isfinite(picture).all()


def test_lamps_stay_in_the_place() -> None:
    surroundings = place_scene(2)
    before, after = (surroundings.lighting(np.random.default_rng(0), azimuth) for azimuth in (0.0, 90.0))
    for (old, color), (new, again) in zip(before.lamps, after.lamps, strict=True):
        assert math.isclose(float(np.linalg.norm(old)), 1.0, rel_tol=1e-5)
        np.testing.assert_allclose(
            new, (-old[1], old[0], old[2]), atol=1e-5
        )  # the camera turned right, so the lamp left
        np.testing.assert_array_equal(color, again)


@pytest.mark.parametrize("style", STYLES)
def test_a_white_shirt_is_neither_black_nor_burnt(style: str) -> None:
    levels = []
    for seed in range(60):
        light = sample_surroundings(np.random.default_rng(seed), style).lighting(np.random.default_rng(seed), 0)
        normal = np.array([0.0, -1.0, 0.0])
        level = (light.sky + light.bounce) / 2
        for direction, color in light.lamps:
            level = level + color * max(0.0, float(direction @ normal))
        levels.append(level.mean() * light.exposure)
    assert 0.6 < np.median(levels) < 1.3
    assert min(levels) > 0.3


@pytest.mark.parametrize("kind", props.GROUNDS)
def test_ground_tiles_repeat_without_a_seam(kind: str) -> None:
    tile = props.ground_tile(kind, 1, 256)[..., 0].astype(float)
    seam = np.abs(tile[0] - tile[-1]).mean()
    inside = np.abs(np.diff(tile, axis=0)).mean(1)
    assert seam <= inside.max() * 1.2 + 1


@pytest.mark.parametrize("kind", props.SPRITES)
def test_sprites_are_premultiplied_and_have_an_outline(kind: str) -> None:
    pixels = np.asarray(props.sprite(kind, 2))
    alpha = pixels[..., 3]
    assert (pixels[..., :3] <= alpha[..., None]).all()
    assert (alpha > 200).mean() > 0.05


def test_disc_blur_keeps_flat_and_spreads_a_point_over_a_disc() -> None:
    flat = np.full((20, 15, 3), 0.4, np.float32)
    np.testing.assert_allclose(props.disc_blur(flat, np.full(20, 4, np.float32)), flat, atol=1e-5)
    point = np.zeros((31, 31, 3), np.float32)
    point[15, 15] = 1
    out = props.disc_blur(point, np.full(31, 5, np.float32))[..., 0]
    assert abs(out.sum() - 1) < 0.02
    assert out[15, 19] == pytest.approx(out[15, 15], rel=0.05)  # level inside, unlike a Gaussian
    assert out[15, 23] == 0
    assert out[22, 22] == 0
