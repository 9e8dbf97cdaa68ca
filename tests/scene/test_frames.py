"""A pose as 8-bit pixels: up to one grey level what `Scene.compose` gives, for every background and crop."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.images import on_white
from repose.person import Person
from repose.pipeline import to_pixels
from repose.represent.canvas import Canvas, as_float, canvas
from repose.represent.framing import place
from repose.scene import Scene
from repose.scene.fill import fill_box
from repose.scene.frames import _taps
from tests.represent.test_retarget import stick
from tests.scene.people import painted, photograph


def shown(times: int, scale: float = 1.6) -> tuple[Scene, dict[str, object]]:
    """A scene in another pose, and what `compose` takes, with a picture of noise."""
    target = stick()
    target[[3, 4, 6, 7], 0] += torch.tensor([-9.0, -18.0, 9.0, 18.0])
    scene, pose, picture, mask = painted(photograph(scale=scale), target, canvas("fashion"))
    size = [times * side for side in picture.shape[-2:]]
    noise = torch.rand(3, *size, generator=torch.Generator().manual_seed(3)) * 2.4 - 1.2
    alpha = F.interpolate(mask[None], size, mode="bilinear", align_corners=False)[0].clamp(0, 1)
    still = F.interpolate(torch.rand(1, 1, 8, 6, generator=torch.Generator().manual_seed(4)), (256, 176))[0]
    return scene, {"picture": noise, "pose": pose, "shown": mask, "still": still, "alpha": alpha}


def off_by(scene: Scene, words: dict[str, object]) -> int:
    wanted = to_pixels(scene.compose(**words))  # type: ignore[arg-type]
    got = scene.frame(**words)  # type: ignore[arg-type]
    assert got.dtype == np.uint8
    assert got.shape == wanted.shape
    return int(np.abs(wanted.astype(int) - got).max())


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("still", [True, False])
def test_a_frame_is_the_composed_photograph(times: int, cut: bool, still: bool) -> None:
    """The crop is smaller than the picture at 4 times the canvas, and larger at once."""
    scene, words = shown(times)
    if not cut:
        words["alpha"] = None
    if not still:
        words["still"] = None
    before = scene.compose(**words)  # type: ignore[arg-type]
    assert off_by(scene, words) <= 1
    assert off_by(scene, words) <= 1, "what is kept is not changed by a frame"
    assert torch.equal(scene.compose(**words), before)  # type: ignore[arg-type]


@pytest.mark.parametrize("background", ["white", "transparent", "generated", "picture"])
@pytest.mark.parametrize("cut", [True, False])
def test_every_background(background: str, cut: bool) -> None:
    scene, words = shown(2)
    assert scene.person.image is not None
    words["background"] = torch.linspace(-1, 1, 640).expand(3, 480, 640) if background == "picture" else background
    if not cut:
        words["alpha"] = None
    assert off_by(scene, words) <= 1


def test_another_picture_behind_is_another_background() -> None:
    scene, words = shown(2)
    for value in (-0.5, 0.5):
        words["background"] = torch.full((3, 480, 640), value)
        corner = scene.frame(**words)[0, 0]  # type: ignore[arg-type]
        assert corner.tolist() == [round((value + 1) * 127.5)] * 3
    words["background"] = torch.zeros(3, 4, 4)
    with pytest.raises(ValueError, match="the photograph"):
        scene.frame(**words)  # type: ignore[arg-type]


def test_nothing_moves() -> None:
    scene, words = shown(2)
    words["pose"] = scene.pose(scene.person)
    words["still"] = torch.ones(1, 256, 176)
    assert scene.person.image is not None
    assert np.array_equal(scene.frame(**words), to_pixels(scene.person.image))  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "length"), [(528, 514), (176, 500), (64, 64), (300, 100)])
def test_taps_are_those_of_pytorch(size: int, length: int) -> None:
    row = torch.rand(1, 1, 1, size, generator=torch.Generator().manual_seed(1))
    for kind, words in (
        ("mean", {"mode": "bilinear", "antialias": True}),
        ("linear", {"mode": "bilinear"}),
        ("cubic", {"mode": "bicubic"}),
    ):
        if kind != "mean" and length < size:
            continue
        taps, weights = _taps(size, length, kind)
        wanted = F.interpolate(row.expand(1, 1, 4, size), (4, length), align_corners=False, **words)  # type: ignore[arg-type]
        got = (row[0, 0, 0].numpy()[taps] * weights).sum(0)
        np.testing.assert_allclose(got, wanted[0, 0, 0].numpy(), atol=1e-4)


def test_joints_in_the_photograph_stay_where_they_are() -> None:
    scene = Scene(photograph(), canvas("fashion"))
    joints: Tensor = scene.pose(Person(keypoints=stick(), size=(128, 64))).keypoints
    moved = joints + torch.tensor([30.0, -7.0, 0.0]) * (joints[:, 2:] > 0)
    pose = scene.pose_at(moved)
    assert torch.equal(pose.keypoints, moved)
    assert not torch.equal(scene.pose(Person(keypoints=moved)).keypoints, moved), "they are stood where the person is"
    wide = scene.pose_at(moved, (0, 0, 480, 330))
    assert wide.placement.box == (0, 0, 480, 330)
    with pytest.raises(ValueError, match=r"\(18, 3\)"):
        scene.pose_at(moved[:4])


def test_a_large_picture_is_converted_in_strips_and_a_large_hole_comes_in_half_precision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bit for bit what whole arrays give, in a fraction of their memory."""
    random = torch.Generator().manual_seed(0)
    picture = torch.rand(4, 600, 20, generator=random) * 2 - 1
    pixels = to_pixels(picture)
    wanted = ((picture + 1) / 2 * 255).clamp(0, 255).round().to(torch.uint8).movedim(0, -1).numpy()
    assert np.array_equal(pixels, wanted)
    share = pixels[..., 3:].astype(np.float32) / 255
    assert np.array_equal(on_white(pixels), np.rint(pixels[..., :3] * share + 255 * (1 - share)).astype(np.uint8))
    image = torch.rand(3, 600, 40, generator=random) * 2 - 1
    hole = torch.zeros(1, 600, 40)
    hole[:, 20:580, 12:30] = 1
    whole, half = fill_box(image, hole), fill_box(image, hole, half_from=1000)
    assert whole is not None
    assert half is not None
    assert half[0] == whole[0]
    assert whole[1].dtype == torch.float32
    assert torch.equal(half[1], whole[1].half())
    monkeypatch.setattr(sys.modules["repose.scene.fill"], "_STRIP", 10_000)
    at_once = fill_box(image, hole)
    assert at_once is not None
    assert torch.equal(at_once[1], whole[1])


def test_a_photograph_of_levels_gives_what_floats_give() -> None:
    """A large photograph is held as uint8, and the parts that are read become floats."""
    scene, words = shown(2)
    person = scene.person
    assert person.image is not None
    pixels = torch.from_numpy(to_pixels(person.image)).movedim(-1, 0)
    floats, levels = (Scene(replace(person, image=image), scene.canvas) for image in (as_float(pixels), pixels))
    assert levels.person.image is pixels, "no copy is made"
    assert torch.equal(levels.source.image, floats.source.image)  # type: ignore[arg-type]
    assert torch.equal(levels.enlarged(2), floats.enlarged(2))
    assert torch.equal(levels.matte, floats.matte)
    assert (levels.background - floats.background).abs().max() < 1.01 / 255, "what is filled is rounded to levels"
    for background in ("keep", "white", "transparent", "generated"):
        words["background"] = background
        own, other = (one.frame(**words).astype(int) for one in (levels, floats))  # type: ignore[arg-type]
        assert np.abs(own - other).max() <= 1
        assert off_by(levels, words) <= 1
    assert np.array_equal(levels.frame(**words), levels.frame(**words)), "the photograph is not changed"  # type: ignore[arg-type]
    assert torch.equal(pixels, torch.from_numpy(to_pixels(person.image)).movedim(-1, 0))


def test_a_large_crop_of_levels_is_scaled_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beyond the photograph, where its border is repeated."""
    levels = torch.randint(0, 256, (3, 90, 60), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    mask = torch.rand(1, 90, 60, generator=torch.Generator().manual_seed(1))
    small = Canvas("small", 32, 22, (0, 0, 32, 22))
    for large in (10**9, 100):
        monkeypatch.setattr("repose.represent.framing._LARGE", large)
        wanted, _ = place(Person(image=as_float(levels), mask=mask.half().float()), (-7, -9, 96, 66), small)
        got, _ = place(Person(image=levels, mask=mask.half()), (-7, -9, 96, 66), small)
        assert torch.equal(got.image, wanted.image)  # type: ignore[arg-type]
        assert torch.equal(got.mask, wanted.mask)  # type: ignore[arg-type]
