"""Fabrics: tiles that repeat, keep their colours and show what they are named after."""

from __future__ import annotations

import numpy as np
import pytest

from repose.render.wear import fabrics, prints
from repose.render.wear.fabrics import FABRIC_BANK, MATERIALS, Floats

PALETTE = fabrics.colors([[40, 60, 120], [236, 234, 228], [170, 40, 50], [210, 170, 90]])


def _tile(pattern: str, seed: int = 0, material: str = "cotton") -> fabrics.Fabric:
    return fabrics.weave_fabric(np.random.default_rng(seed), pattern, PALETTE, material)


def _edge_over_inside(channels: Floats, axis: int) -> float:
    """Mean step over the seam of a tile, relative to the strongest step between two rows inside it."""
    steps = np.abs(np.diff(channels, axis=axis, append=channels.take([0], axis))).mean((1 - axis, 2))
    return float(steps[-1] / (np.sort(steps[:-1])[-8:].mean() + 1e-6))


@pytest.mark.parametrize("pattern", ["plain", *FABRIC_BANK])
def test_every_pattern_is_a_seamless_tile(pattern: str) -> None:
    for seed in range(2):
        fabric = _tile(pattern, seed)
        assert fabric.tile.shape == (256, 256, 4)
        assert fabric.tile.dtype == np.uint8
        assert 0.1 <= fabric.repeat <= 0.6
        assert fabric.trim.shape == (3,)
        assert fabric.trim.dtype == np.float32
        for axis in (0, 1):
            assert _edge_over_inside(fabric.tile[..., :3].astype(np.float32), axis) < 2.0, (seed, axis)


@pytest.mark.parametrize("pattern", ["plain", *FABRIC_BANK])
def test_a_tile_has_relief_and_is_not_one_flat_colour(pattern: str) -> None:
    tile = _tile(pattern).tile.astype(np.float32)
    assert tile[..., 3].std() > 3
    assert tile[..., :3].std((0, 1)).max() > 0.5
    assert abs(tile[..., 3].mean() - 128) < 40


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    for pattern in ("floral", "photograph", "plain"):
        assert np.array_equal(_tile(pattern, 3).tile, _tile(pattern, 3).tile)
        assert not np.array_equal(_tile(pattern, 3).tile, _tile(pattern, 4).tile)


def test_stripes_run_round_the_body_and_bars_down_it() -> None:
    for seed in range(6):
        round_it = _tile("stripes", seed).tile[..., :3].astype(np.float32)
        down = _tile("bars", seed).tile[..., :3].astype(np.float32)
        assert round_it.mean(1).std(0).max() > 5 * round_it.mean(0).std(0).max()
        assert down.mean(0).std(0).max() > 5 * down.mean(1).std(0).max()


def test_a_plain_fabric_keeps_its_colour() -> None:
    for material in MATERIALS:
        fabric = fabrics.plain_fabric(np.random.default_rng(1), PALETTE[2], material)
        mean = fabric.tile[..., :3].reshape(-1, 3).mean(0) / 255
        assert np.abs(mean - PALETTE[2]).max() < 0.04
        assert (fabric.gloss, fabric.fold) == (MATERIALS[material].gloss, MATERIALS[material].fold)


def test_a_flat_fabric_has_one_colour_no_relief_and_no_print() -> None:
    rng = np.random.default_rng(0)
    printed = fabrics.sample_fabric(rng, "tshirt", PALETTE, "tartan", "cotton", printed=True)
    assert printed.front is not None or printed.back is not None
    flat = fabrics.flat_fabric(printed)
    assert len(np.unique(flat.tile.reshape(-1, 4), axis=0)) == 1
    assert flat.tile[0, 0, 3] == 128
    assert flat.front is None
    assert flat.back is None
    assert np.abs(flat.tile[0, 0, :3] - printed.tile[..., :3].reshape(-1, 3).mean(0)).max() < 4


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError):
        _tile("plaid")
    with pytest.raises(KeyError):
        _tile("plain", material="paper")
    with pytest.raises(KeyError):
        fabrics.weave("paper")


def test_prints_lie_on_the_trunk_and_front_and_back_differ() -> None:
    seen = {"front": 0, "back": 0, "both": 0}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        kind = ("tshirt", "hoodie", "jersey")[seed % 3]
        front, back = prints.sample_prints(rng, kind, prints.ink_on(PALETTE))
        for decal in (front, back):
            if decal is None:
                continue
            assert decal.image.shape == (256, 256, 4)
            assert decal.image.dtype == np.uint8
            assert (decal.image[..., 3] > 128).mean() > 0.01, "a print without ink"
            x, z = decal.centre
            w, h = decal.size
            assert -0.19 < x - w / 2 < x + w / 2 < 0.19
            assert 0.1 < z - h / 2 < z + h / 2 < 0.66
        seen["both" if front and back else "front" if front else "back"] += 1
        if front and back:
            assert not np.array_equal(front.image, back.image)
    assert min(seen.values()) > 0
    assert seen["front"] > seen["back"]


def test_main_ink_can_be_read_on_its_ground() -> None:
    for ground in np.linspace(0.02, 0.98, 9, dtype=np.float32):
        palette = np.full((4, 3), ground, np.float32)
        ink = prints.ink_on(palette)[0]
        assert abs(fabrics.luminance(ink) - float(ground)) > 0.3


def test_clear_pixels_of_a_print_carry_its_ink() -> None:
    """Else a shrunk print would have a dark rim."""
    front, back = prints.sample_prints(np.random.default_rng(2), "jersey", prints.ink_on(PALETTE))
    assert front is not None
    assert back is not None
    clear = back.image[back.image[..., 3] == 0][:, :3]
    assert clear.mean() > 180  # white ink on navy
