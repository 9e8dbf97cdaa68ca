"""The network of body warp: what it keeps of a source, and its own means, largest values and fillings."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

pytest.importorskip("numba")

from repose.models import MODELS
from repose.models.bodywarp.network import BodyWarp, BodyWarpConfig, _filled, _halved
from repose.nn.blocks import widest
from repose.person import Person
from repose.pipeline import Model
from tests.contract import checks


@pytest.fixture(scope="module")
def network() -> BodyWarp:
    torch.manual_seed(0)
    return BodyWarp(BodyWarpConfig(width=8, depth=1, heads=2, height=64)).eval().requires_grad_(False)


@pytest.mark.parametrize("height", [64, 128])
def test_what_is_prepared_changes_no_picture(network: BodyWarp, height: int) -> None:
    source = checks.person(2, 1, height, height * 3 // 4).only("image", "keypoints")
    prepared = network.prepare(source)
    assert [tuple(value.shape[1:]) for value in prepared] == [
        (1, 64, 48), (2, 64, 48), (8, 16, 12), (16, 8, 6), (24, 4, 3), (3, 64, 48),
    ]  # fmt: skip
    for seed in (2, 3):
        target = checks.person(2, seed, height, height * 3 // 4)
        wanted, got = network(source, target), network(source, target, prepared)
        torch.testing.assert_close(got.image, wanted.image, rtol=0, atol=1e-6)
        for name, value in wanted.extra.items():
            torch.testing.assert_close(got.extra[name], value, rtol=0, atol=1e-6)
    other = network(source, target, tuple(value.flip(0) for value in prepared))
    assert (other.image - wanted.image).abs().max() > 1e-3, "they are read"


def test_a_scene_understands_its_photograph_once(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = checks.tiny_recipe(MODELS["bodywarp"])
    model = Model("tiny", checks.build("bodywarp").eval(), recipe)  # type: ignore[arg-type]
    person = checks.person(1, 1, 96, 80)[0].only("image", "keypoints", "mask")
    poses = [Person(keypoints=checks.person(1, seed, 96, 80)[0].keypoints) for seed in (2, 3)]
    wanted = [model.whole(person, pose) for pose in poses]
    seen = []
    understand = BodyWarp._understand
    monkeypatch.setattr(BodyWarp, "_understand", lambda *args: seen.append(args) or understand(*args))
    scene = model.scene(person)
    for pose, picture in zip(poses, wanted, strict=True):
        torch.testing.assert_close(model.pose(scene, pose), picture, rtol=0, atol=1e-6)
    assert len(seen) == 1
    other = Model("other", checks.build("bodywarp").eval(), recipe)  # type: ignore[arg-type]
    other.pose(scene, poses[0])
    assert len(seen) == 2, "another network asks again"


def test_means_and_largest_values() -> None:
    x = torch.rand(2, 3, 18, 10)
    torch.testing.assert_close(_halved(x), F.avg_pool2d(x, 2))
    assert torch.equal(widest(x, 2), F.max_pool2d(x, 5, 1, 2))


@pytest.mark.parametrize("size", [(37, 23), (64, 44)])
def test_the_unknown_is_filled_from_around(size: tuple[int, int]) -> None:
    """Against the same pyramid by pools that leave out what lies beyond the border."""
    torch.manual_seed(1)
    image, known = torch.rand(1, 3, *size) * 2 - 1, (torch.rand(1, 1, *size) > 0.9).float()
    known[..., : size[1] // 2] = 0
    levels, colour, weight = [], image * known, known
    while True:
        levels.append((colour, weight))
        if min(weight.shape[-2:]) < 3:
            break
        colour, weight = (F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) for x in (colour, weight))
        share = (4 * weight).clamp_max(1) / weight.clamp_min(1e-6)
        colour, weight = colour * share, weight * share
    colour, weight = levels.pop()
    filled = colour + (1 - weight) * colour.sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True).clamp_min(1e-6)
    for colour, weight in reversed(levels):
        filled = F.interpolate(filled, scale_factor=2, mode="bilinear")[..., : weight.shape[-2], : weight.shape[-1]]
        filled = colour + (1 - weight) * filled
    torch.testing.assert_close(_filled(image, known), filled)
