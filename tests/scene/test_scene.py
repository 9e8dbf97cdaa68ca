"""A photograph understood once and posed many times: what stays, what is filled, what is done once."""

import functools
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import repose.scene.scene
from repose.person import Person
from repose.pipeline import untrained
from repose.represent.canvas import canvas
from repose.represent.figure import figure_mask
from repose.scene import BACKGROUNDS, Background, Scene, find_background
from repose.scene.figure import known_mask
from repose.scene.fill import Patch, fill, fill_box
from tests.represent.test_retarget import stick
from tests.scene.people import grass, painted, photograph, portrait, redness

TODAY = Path(__file__).parent / "whole_photographs.npz"
"""Block means of pictures of the build before scenes, by the name of the case."""


def test_what_a_scene_refuses() -> None:
    person = photograph()
    for wrong in (person.batch(), person.only("image"), person.only("keypoints")):
        with pytest.raises(ValueError, match="one unbatched person"):
            Scene(wrong, canvas("market"))
    with pytest.raises(ValueError, match="none of the person's joints is located"):
        Scene(replace(person, keypoints=torch.zeros(18, 3)), canvas("market"))
    with pytest.raises(ValueError, match="the target needs keypoints"):
        Scene(person, canvas("market")).pose(stick()[None])
    with pytest.raises(ValueError, match="the target needs keypoints"):
        Scene(person, canvas("market")).pose(Person(image=torch.zeros(3, 20, 20)))


def test_a_trunk_is_enough(recwarn: pytest.WarningsRecorder) -> None:
    person = photograph()
    assert person.keypoints is not None
    person.keypoints[[9, 10, 12, 13, 11]] = 0
    Scene(person, canvas("fashion")).pose(stick())
    assert not recwarn.list


def test_every_field_of_the_person_is_cropped_with_the_picture() -> None:
    person = photograph()
    assert person.mask is not None
    full = replace(
        person,
        parsing=(person.mask[0] > 0.5).long() * 5,
        iuv=torch.cat([(person.mask > 0.5).float() * 2, person.mask, person.mask]),
        depth=person.mask * 3,
    )
    source = Scene(full, canvas("fashion-square")).source
    assert source.mask is not None
    assert source.parsing is not None
    assert source.iuv is not None
    assert source.depth is not None
    body = source.mask[0] > 0.5
    assert 0.1 < body.float().mean() < 0.5
    for field in (source.parsing == 5, source.iuv[0] == 2, source.depth[0] > 1.5):
        assert (field == body).float().mean() > 0.99
    assert redness(source.image)[body].float().mean() > 0.95  # type: ignore[arg-type]


# -- once -----------------------------------------------------------------------------------------------------------


def test_the_old_figure_is_found_and_filled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[Tensor] = []
    asked: list[Person] = []

    def counted(image: Tensor, hole: Tensor, half_from: int) -> Patch | None:
        filled.append(hole)
        return fill_box(image, hole, half_from)

    monkeypatch.setattr(repose.scene.scene, "fill_box", counted)
    person = photograph().only("image", "keypoints")
    scene, pose, picture, shown = painted(person, stick(arms=40), canvas("fashion"), shown=asked.append)
    scene.compose(picture, pose, shown, "white")
    scene.compose(picture, pose, shown, "generated")
    assert (len(filled), len(asked)) == (0, 0), "only when it is needed"
    first = scene.compose(picture, pose, shown)
    other = scene.compose(-picture, scene.pose(stick(arms=100)), shown)
    assert torch.equal(scene.compose(picture, pose, shown), first), "a picture leaves no trace in the next"
    assert not torch.equal(first, other)
    assert (len(filled), len(asked)) == (1, 1)
    assert asked[0] is scene.source
    assert torch.equal(filled[0], scene.matte)
    assert torch.equal(scene.background, fill(person.image, scene.matte))  # type: ignore[arg-type]
    assert (len(filled), len(asked)) == (1, 1)


def test_without_a_models_mask_the_model_is_not_asked() -> None:
    def never(_: Person) -> None:
        raise AssertionError

    person = photograph()
    bare, masked = (
        Scene(person.only("image", "keypoints"), canvas("fashion"), shown=never),
        Scene(person, canvas("fashion"), shown=never),
    )
    pose = bare.pose(stick())
    bare.compose(torch.zeros(3, 256, 176), pose)
    masked.compose(torch.zeros(3, 256, 176), pose, torch.zeros(1, 256, 176))
    assert masked.matte.max() == 1


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_a_photograph_comes_back_as_it_did_when_it_was_looked_at(masked: bool, background: Background) -> None:
    person = photograph(240, 320, 0.8, 160, 220, arms=80)
    if not masked:
        person = person.only("image", "keypoints")
    whole = untrained("carry-s", "cpu").whole(person, Person(keypoints=stick(arms=40)), background)
    blocks = torch.nn.functional.avg_pool2d(whole, 16).numpy()
    with np.load(TODAY) as cases:
        wanted = cases[f"{background}-{'masked' if masked else 'bare'}"]
    assert np.abs(blocks - wanted).max() < 2e-3
    assert np.abs(wanted[:3] - torch.nn.functional.avg_pool2d(person.image, 16).numpy()).max() > 0.2  # type: ignore[arg-type]


# -- composing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_the_photograph_stays_and_the_old_figure_goes(told: bool, masked: bool) -> None:
    person = photograph(arms=75)
    if not masked:
        person = person.only("image", "keypoints")
    scene, pose, picture, shown = painted(person, stick(arms=15), canvas("fashion"))
    whole = scene.compose(picture, pose, shown if told else None)
    assert person.image is not None
    assert person.keypoints is not None
    assert whole.shape == person.image.shape
    old, new = figure_mask(person.keypoints, 480, 640), figure_mask(pose.keypoints, 480, 640)
    beside = (figure_mask(person.keypoints, 480, 640, 2.6) == 0) & (figure_mask(pose.keypoints, 480, 640, 2.6) == 0)
    assert torch.equal(whole[beside.expand(3, -1, -1)], person.image[beside.expand(3, -1, -1)]), "not a box in sight"
    gone = ((old == 1) & (figure_mask(pose.keypoints, 480, 640, 1.6) == 0))[0]
    assert gone.sum() > 1000
    assert redness(whole)[gone].float().mean() < 0.02
    left = whole[:, gone]
    assert float(left[1].mean()) == pytest.approx(float(grass(480, 640)[1][gone].mean()), abs=0.08)
    assert float(left[1].std()) > 0.05, "grass, not a smear"
    assert redness(whole)[new[0] == 1].float().mean() > 0.95
    rim = ((figure_mask(pose.keypoints, 480, 640, 1.5) > 0) & (new == 0) & ~gone)[0]
    assert (whole[:, rim].abs().amax(0) < 0.1).float().mean() < 0.35, "little of the model's grey comes along"


def test_the_same_pose_gives_the_same_photograph() -> None:
    person = photograph()
    assert person.image is not None
    assert person.mask is not None
    scene = Scene(person, canvas("fashion"))
    pose = scene.pose(person)
    whole = scene.compose(scene.enlarged(pose.times), pose, scene.source.mask)
    assert (whole - person.image).abs().mean() < 0.01
    assert redness(whole)[person.mask[0] == 1].float().mean() > 0.97


def test_backgrounds() -> None:
    person = photograph()
    scene, pose, picture, shown = painted(person, stick(arms=40), canvas("fashion"))
    white = scene.compose(picture, pose, shown, "white")
    outside = figure_mask(pose.keypoints, 480, 640, 1.6)[0] == 0
    assert (white[:, outside] == 1).all()
    generated = scene.compose(picture, pose, shown, "generated")
    assert person.image is not None
    top, left, height, width = pose.placement.box
    inside = generated[:, top + height // 2, left + width // 4 : left + 3 * width // 4]
    assert (inside.abs() < 0.05).all(0).float().mean() > 0.15, "the model's grey"
    assert torch.equal(generated[:, :, : left - 1], person.image[:, :, : left - 1])
    step = (generated - person.image)[:, :, left].abs().amax(0)
    assert step[outside[:, left]].max() < 0.2, "blended at the border"
    with pytest.raises(ValueError, match="did you mean 'white'"):
        scene.compose(picture, pose, shown, "whit")  # type: ignore[arg-type]
    names: list[Background] = ["keep", "generated", "white"]
    assert [find_background(name) for name in names] == names


def test_somebody_else_in_the_crop_stays() -> None:
    person = photograph()
    scene, pose, picture, shown = painted(person, stick(arms=100), canvas("fashion-square"))
    everywhere = scene.compose(picture, pose, torch.ones_like(shown))
    far = figure_mask(pose.keypoints, 480, 640, 2.6)[0] == 0
    far &= figure_mask(person.keypoints, 480, 640, 2.6)[0] == 0  # type: ignore[arg-type]
    assert person.image is not None
    assert torch.equal(everywhere[:, far], person.image[:, far])


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_the_range_of_a_photograph_is_kept(background: Background, masked: bool) -> None:
    person = photograph()
    if not masked:
        person = person.only("image", "keypoints")
    old: list[Tensor] = []
    scene, pose, _, shown = painted(person, stick(arms=80), canvas("fashion-small"), shown=lambda _: old[0])
    hard = (shown > 0.5).float()
    old.append(hard)
    bright = torch.where(
        torch.rand(scene.enlarged(pose.times).shape, generator=torch.Generator().manual_seed(1)) > 0.5, 1.0, -1.0
    )
    whole = scene.compose(bright, pose, hard, background)
    assert whole.abs().max() <= 1
    black = scene.compose(-torch.ones_like(bright), pose, hard, background)
    assert black.abs().max() <= 1
    assert person.image is not None
    if background == "keep":
        beside = (figure_mask(person.keypoints, 480, 640, 2.6) == 0) & (figure_mask(pose.keypoints, 480, 640, 2.6) == 0)  # type: ignore[arg-type]
        assert torch.equal(black[beside.expand(3, -1, -1)], person.image[beside.expand(3, -1, -1)])


@pytest.mark.parametrize("kind", ["empty", "another's", "without arms"])
def test_a_mask_that_misses_the_person_leaves_no_second_one(kind: str) -> None:
    person = photograph(arms=75)
    assert person.mask is not None
    assert person.keypoints is not None
    mask = torch.zeros_like(person.mask)
    if kind == "another's":
        mask[:, 100:300, 20:60] = 1
    if kind == "without arms":
        left, right = (int(person.keypoints[joint, 0]) for joint in (2, 5))
        mask[:, :, left:right] = person.mask[:, :, left:right]
    given = replace(person, mask=mask)
    assert (known_mask(given) is None) == (kind != "without arms")
    assert torch.equal(known_mask(person), person.mask)  # type: ignore[arg-type]
    scene, pose, picture, shown = painted(given, stick(arms=15) * torch.tensor([1, 0.8, 1]), canvas("fashion"))
    whole = scene.compose(picture, pose, shown)
    bones = figure_mask(person.keypoints, 480, 640, 0.75) == 1
    gone = (bones & (figure_mask(pose.keypoints, 480, 640, 1.6) == 0))[0]
    assert gone.sum() > 500
    assert redness(whole)[gone].float().mean() < 0.02


def test_a_portrait_is_put_back() -> None:
    person = portrait().only("image", "keypoints")
    with pytest.warns(UserWarning, match="less than a trunk"):
        scene, pose, picture, shown = painted(person, stick(arms=40), canvas("fashion"))
    for background in BACKGROUNDS:
        whole = scene.compose(picture, pose, shown, background)
        assert whole.shape == (4 if background == "transparent" else 3, 480, 640)
        assert torch.isfinite(whole).all()
        assert whole.abs().max() <= 1
        assert redness(whole[:3])[figure_mask(pose.keypoints, 480, 640, 0.8)[0] == 1].float().mean() > 0.9


@pytest.mark.parametrize("size", [(16, 16), (128, 64)])
def test_somebody_who_fills_everything(size: tuple[int, int]) -> None:
    height, width = size
    points = stick()
    low, high = points[:, :2].amin(0), points[:, :2].amax(0)
    keypoints = points.clone()
    keypoints[:, :2] = (points[:, :2] - low) / (high - low) * torch.tensor([width - 1.0, height - 1.0])
    person = Person(image=grass(height, width), keypoints=keypoints)
    for full in (person, replace(person, mask=torch.ones(1, height, width))):
        old: list[Tensor] = []
        scene, pose, picture, shown = painted(
            full, stick(arms=90), canvas("market"), shown=functools.partial(lambda kept, _: kept[0], old)
        )
        old.append(shown)
        for background in BACKGROUNDS:
            for told in (shown, None):
                whole = scene.compose(picture, pose, told, background)
                assert whole.shape == (4 if background == "transparent" else 3, height, width)
                assert torch.isfinite(whole).all()
                assert whole.abs().max() <= 1


def test_what_is_done_grows_with_the_person_not_with_the_photograph() -> None:
    small, large = (photograph(height, width, 0.3, 320, 440) for height, width in ((480, 640), (1400, 2000)))
    seconds = []
    for person in (small, large):
        scene, pose, picture, shown = painted(person.only("image", "keypoints"), stick(arms=60), canvas("market"))
        taken = []
        for _ in range(3):
            started = time.process_time()
            figure_mask(pose.keypoints, *pose.placement.size, loose=2.5)
            scene.compose(picture, pose, shown, "generated")
            scene.compose(picture, pose, shown, "white")
            scene.compose(picture, pose, shown, "keep")  # the fastest of three: filled before
            taken.append(time.process_time() - started)
        seconds.append(min(taken))
    assert seconds[1] < 6 * seconds[0] + 0.3, "nine times the pixels"


def test_a_part_of_the_photograph_is_worked_on_as_the_whole_would_be() -> None:
    """Far from the borders, a wider photograph changes nothing near the figures."""
    person = photograph(1000, 1200, 1.0, 600, 600)
    inner = person.crop(100, 120, 800, 960)
    results = []
    for given in (person, inner):
        scene, pose, picture, shown = painted(given, stick(arms=60), canvas("fashion"))
        results.append([scene.compose(picture, pose, shown, background) for background in BACKGROUNDS])
    for whole, part in zip(*results, strict=True):
        assert (whole[:, 100:900, 120:1080] - part).abs().mean() < 2e-3


def test_what_the_model_sees_of_the_old_figure_goes_too() -> None:
    person = photograph().only("image", "keypoints")
    bag = torch.zeros(1, 256, 176)
    bag[:, 120:140, 10:30] = 1
    scene, pose, picture, shown = painted(person, stick(arms=100), canvas("fashion"), shown=lambda _: bag)
    with_bag, without = (
        scene.compose(picture, pose, shown),
        Scene(person, canvas("fashion")).compose(picture, pose, shown),
    )
    changed = (with_bag != without).any(0)
    assert changed.sum() > 200
