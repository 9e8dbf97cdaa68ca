"""What moves moves together, what is off changes no bit, and what happens to a pair is a matter of its bits alone."""

from __future__ import annotations

import io
import json
import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from repose.data import Store, StoreWriter
from repose.data import augment as augment_module
from repose.data.augment import OUTLIER, AugmentConfig, augment
from repose.data.loader import Loader, PairSampler, load_pairs
from repose.models import RECIPES, recipe_from_dict
from repose.models import recipe as by_name
from repose.person import JOINTS, MIRROR, Pair, Person
from repose.recipes import RecipeError, override, to_dict
from repose.render.stream import Stream
from repose.represent.canvas import Canvas, from_uint8, to_uint8
from tests.render.jobs import FakeStart

HEIGHT, WIDTH = 48, 32
WRIST, SHOULDER = JOINTS.index("right_wrist"), JOINTS.index("right_shoulder")

EVERYTHING = AugmentConfig(
    jitter=0.02, outlier=0.1, swap=0.3, drop=0.1, drop_limb=0.3, drop_face=0.3, ghost=0.5,
    scale=0.2, shift=0.1, rotate=10, moved=0.7, moved_apart=0.5,
    brightness=0.2, contrast=0.2, gamma=0.3, saturation=0.3, temperature=0.1, light_apart=0.3,
    lowres=0.5, blur=0.5, noise=0.5, jpeg=0.5,
)  # fmt: skip


def bits(count: int, seed: int = 0) -> np.ndarray:
    return np.random.Philox(key=seed).random_raw(count)


def marked(count: int, seed: int = 0) -> Person:
    """A blob with labels around one joint, the wrist, away from the border; u and v tell place, depth the column."""
    random = torch.Generator().manual_seed(seed)
    x = torch.rand(count, generator=random) * 12 + (WIDTH - 12) / 2
    y = torch.rand(count, generator=random) * 20 + (HEIGHT - 20) / 2
    keypoints = torch.zeros(count, 18, 3)
    keypoints[:, WRIST] = torch.stack([x, y, torch.ones(count)], 1)
    columns = torch.arange(WIDTH).float().expand(count, HEIGHT, WIDTH)
    rows = torch.arange(HEIGHT).float()[:, None].expand(count, HEIGHT, WIDTH)
    square = (columns - x[:, None, None]).square() + (rows - y[:, None, None]).square()
    on = square < 6**2
    return Person(
        image=2 * torch.exp(-square / (2 * 2.0**2))[:, None].repeat(1, 3, 1, 1) - 1,
        keypoints=keypoints,
        parsing=on.long() * 14,
        iuv=on[:, None] * torch.stack([torch.full_like(rows, 3.0), (columns + 0.5) / WIDTH, (rows + 0.5) / HEIGHT], 1),
        mask=on[:, None].float(),
        depth=on[:, None] * (1 + columns[:, None]),
    )


def middle(weight: torch.Tensor) -> torch.Tensor:
    """Centre of mass of (B, H, W): x and y, (B, 2)."""
    columns, rows = torch.arange(WIDTH).float(), torch.arange(HEIGHT).float()
    total = weight.sum((1, 2))
    return torch.stack([(weight.sum(1) * columns).sum(1) / total, (weight.sum(2) * rows).sum(1) / total], 1)


def standing(count: int, size: tuple[int, int] = (200, 120)) -> Person:
    """The same person, all 18 joints inside, in every picture."""
    one = torch.tensor(
        [
            (60, 25), (60, 45), (45, 45), (40, 75), (38, 100), (75, 45), (80, 75), (82, 100), (50, 100), (48, 140),
            (47, 180), (70, 100), (72, 140), (73, 180), (57, 22), (63, 22), (53, 25), (67, 25),
        ],
        dtype=torch.float32,
    )  # fmt: skip
    return Person(keypoints=torch.cat([one, torch.ones(18, 1)], 1).repeat(count, 1, 1), size=size)


TALL = 180 - 22  # of `standing`: the longer side of the joints' box


def estimated(count: int, who: Person | None = None, **config: float) -> torch.Tensor:
    """Joints (2 B, 18, 3) of both people of B pairs."""
    who = who or standing(count)
    out = augment(Pair(who, who), AugmentConfig(**config), bits(count))  # type: ignore[arg-type]
    assert out.source.keypoints is not None
    assert out.target.keypoints is not None
    return torch.cat([out.source.keypoints, out.target.keypoints])


def noisy(count: int, seed: int = 0) -> Pair:
    """People with every field, pictures of noise."""
    random = torch.Generator().manual_seed(seed)

    def one() -> Person:
        return replace(
            marked(count, seed),
            image=torch.rand(count, 3, HEIGHT, WIDTH, generator=random) * 1.6 - 0.8,
            keypoints=torch.cat([torch.rand(count, 18, 2, generator=random) * 30, torch.ones(count, 18, 1)], 2),
        )

    return Pair(one(), one())


def assert_same(one: Pair, other: Pair) -> None:
    for mine, yours in ((one.source, other.source), (one.target, other.target)):
        for field in fields(Person):
            a, b = getattr(mine, field.name), getattr(yours, field.name)
            assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b, field.name


# -- what moves moves together ----------------------------------------------------------------------------------------


def test_joints_labels_and_picture_move_together() -> None:
    pair = Pair(marked(24), marked(24, seed=1))
    out = augment(pair, AugmentConfig(scale=0.2, shift=0.1, rotate=20, moved_apart=0.5), bits(24))
    for before, after in ((pair.source, out.source), (pair.target, out.target)):
        assert after.image is not None
        assert after.keypoints is not None
        assert after.mask is not None
        assert after.parsing is not None
        assert after.iuv is not None
        assert after.depth is not None
        assert before.keypoints is not None
        was, joint = before.keypoints[:, WRIST, :2], after.keypoints[:, WRIST, :2]
        moved = (joint - was).norm(dim=1)
        assert moved.max() > 2
        assert (middle((after.image[:, 0] + 1) / 2) - joint).norm(dim=1).max() < 0.1
        assert (middle(after.mask[:, 0]) - joint).norm(dim=1).max() < 0.3
        assert (middle((after.parsing == 14).float()) - joint).norm(dim=1).max() < 0.6
        assert set(after.parsing.unique().tolist()) == {0, 14}, "labels are never mixed"
        assert after.parsing.dtype == torch.int64
        x, y = (joint + 0.5).floor().long().unbind(1)
        part, u, v = after.iuv[torch.arange(24), :, y, x].unbind(1)
        assert (part == 3).all()
        assert set(after.iuv[:, 0].unique().tolist()) == {0.0, 3.0}
        place = torch.stack([u * WIDTH - 0.5, v * HEIGHT - 0.5], 1)  # the pixel shows the surface that it showed
        assert (place - was).norm(dim=1).max() < 1.5
        assert (after.depth[torch.arange(24), 0, y, x] - (1 + was[:, 0])).abs().max() < 1.5
        assert (after.keypoints[:, torch.arange(18) != WRIST] == 0).all(), "missing joints stay missing"
        others = (after.image[:, 0] + 1) / 2 > 0.1
        assert (others & ~(after.mask[:, 0] > 0.01)).sum() == 0


def test_the_movement_is_the_one_that_was_asked_for() -> None:
    corners = torch.zeros(200, 18, 3)
    corners[:, 0] = torch.tensor([40.0, 80.0, 1.0])
    corners[:, 1] = torch.tensor([79.0, 119.0, 1.0])
    corners[:, list(range(2, 18))] = torch.tensor([59.5, 99.5, 0.5])  # the middle of 200x120; also the ankles are there
    who = Person(keypoints=corners, size=(200, 120))
    pair = Pair(who, who)
    for config, low, high in (
        (AugmentConfig(scale=0.25), 0.8, 1.25),
        (AugmentConfig(rotate=30), 1.0, 1.0),
        (AugmentConfig(shift=0.1), 1.0, 1.0),
    ):
        k = augment(pair, config, bits(200)).source.keypoints
        assert k is not None
        across = k[:, 1, :2] - k[:, 0, :2]
        scale, angle = across.norm(dim=1) / 39 / 2**0.5, torch.atan2(across[:, 1], across[:, 0]) - torch.pi / 4
        centre = k[:, 5, :2] - torch.tensor([59.5, 99.5])
        assert low - 1e-4 <= scale.min() < low + 0.02
        assert high - 0.02 < scale.max() <= high + 1e-4
        assert abs(float(angle.abs().max()) - np.radians(config.rotate)) < 0.02
        assert (centre.abs().amax(0) <= config.shift * torch.tensor([120, 200]) + 1e-3).all()
        assert (centre.abs().amax(0) >= 0.95 * config.shift * torch.tensor([120, 200])).all()
        assert (k[..., 2] == corners[..., 2]).all()


def test_what_leaves_the_picture_is_missing() -> None:
    out = estimated(200, shift=0.4)
    gone = out[..., 2] == 0
    assert 0.02 < gone.float().mean() < 0.5
    assert (out[gone] == 0).all()
    assert (out[..., 0] < 119.5).all()
    assert (out[..., 1] < 199.5).all()


def test_both_alike_or_each_alone() -> None:
    who = marked(50)
    alike = augment(Pair(who, who), AugmentConfig(scale=0.2, shift=0.1, rotate=9), bits(50))
    assert_same(alike, alike.swap())
    alone = augment(Pair(who, who), AugmentConfig(shift=0.1, moved_apart=1), bits(50))
    assert alone.source.keypoints is not None
    assert alone.target.keypoints is not None
    a, b = (p.keypoints[:, WRIST, 0] - who.keypoints[:, WRIST, 0] for p in (alone.source, alone.target))  # type: ignore[index]
    assert abs(float(torch.corrcoef(torch.stack([a, b]))[0, 1])) < 0.4
    half = augment(Pair(who, who), AugmentConfig(shift=0.1, moved=0.5), bits(50))
    still = (half.source.image == who.image).flatten(1).all(1)  # type: ignore[union-attr]
    assert 15 <= int(still.sum()) <= 35
    assert (half.target.image == who.image).flatten(1).all(1).equal(still)  # type: ignore[union-attr]


def test_somebody_cut_off_by_the_border_stays_cut_off() -> None:
    mask = torch.zeros(200, 1, HEIGHT, WIDTH)
    mask[:, :, 20:, 10:20] = 1  # reaches the bottom
    mask[100:, :, :, 10:20] = 1  # and the top
    who = Person(mask=mask, image=mask.repeat(1, 3, 1, 1) * 2 - 1)
    out = augment(Pair(who, who), AugmentConfig(scale=0.3, shift=0.2), bits(200)).source
    assert out.mask is not None
    assert (out.mask[:, 0, -1] > 0.5).any(1).all()
    assert (out.mask[100:, 0, 0] > 0.5).any(1).all()
    free = (out.mask[:100, 0].amax(2) > 0.5).float().argmax(1)  # the first row of those who only reach the bottom
    assert free.min() < 16
    assert free.max() > 24
    # without a mask a missing ankle says the same
    short = standing(200)
    assert short.keypoints is not None
    short.keypoints[:, JOINTS.index("left_ankle")] = 0
    lowest = estimated(200, short, shift=0.1)[:, JOINTS.index("left_knee"), 1]
    assert lowest.min() >= 140 - 1e-3
    assert lowest.max() > 155


# -- joints -----------------------------------------------------------------------------------------------------------


def test_jitter_is_a_share_of_the_height() -> None:
    before, after = standing(1).keypoints, estimated(1000, jitter=0.02)
    assert before is not None
    spread = (after - before)[..., :2].std((0, 2)) / TALL
    for joint, name in enumerate(JOINTS):
        wanted = 0.02 * (1.6 if "hip" in name else 0.6 if name.endswith(("nose", "eye", "ear")) else 1)
        assert spread[joint] == pytest.approx(wanted, rel=0.08), name
    assert (after[..., 2] == 1).all()
    assert abs(float((after - before)[..., :2].mean()) / TALL) < 0.001


def test_outliers_are_few_and_far() -> None:
    before, after = standing(1).keypoints, estimated(1000, outlier=0.1)
    assert before is not None
    off = (after - before)[..., :2].norm(dim=-1)[after[..., 2] > 0] / TALL
    assert (off > 1e-6).float().mean() == pytest.approx(0.1, abs=0.02)
    assert off[off > 1e-6].square().mean().sqrt() == pytest.approx(OUTLIER * 2**0.5, rel=0.15)


def test_left_and_right_are_exchanged_together() -> None:
    before, after = standing(1).keypoints, estimated(1000, swap=0.3)
    assert before is not None
    moved = (after != before).any(-1)  # (2000, 18)
    assert moved.any(1).float().mean() == pytest.approx(0.3, abs=0.04)
    assert moved[:, list(MIRROR)].equal(moved), "in pairs"
    assert torch.where(moved[..., None], after[:, list(MIRROR)], before.expand_as(after)).allclose(
        before.expand_as(after)
    )
    patterns = {tuple(np.flatnonzero(row)) for row in moved.numpy()}
    assert patterns == {(), (4, 7), (3, 4, 6, 7), (2, 3, 4, 5, 6, 7), (10, 13), (9, 10, 12, 13), (8, 9, 10, 11, 12, 13)}


def test_joints_are_dropped_as_often_as_asked() -> None:
    who = standing(1000)
    assert who.keypoints is not None
    who.keypoints[:500, WRIST, 2] = 0.5
    after = estimated(1000, who, drop=0.05).unflatten(0, (2, 1000))
    gone = (after[..., 2] == 0).float().mean(0)  # (1000, 18)
    assert (after[after[..., 2] == 0] == 0).all()
    assert gone[500:, WRIST].mean() == pytest.approx(0.1, abs=0.03)
    assert gone[:500, WRIST].mean() == pytest.approx(0.3, abs=0.05)
    assert gone[:, SHOULDER].mean() == pytest.approx(0.025, abs=0.015)
    limb = (estimated(1000, drop_limb=0.4)[..., 2] == 0).numpy()
    assert {tuple(np.flatnonzero(row)) for row in limb} == {(), (3, 4), (6, 7), (9, 10), (12, 13)}
    assert limb.any(1).mean() == pytest.approx(0.4, abs=0.05)
    face = (estimated(1000, drop_face=0.4)[..., 2] == 0).numpy()
    assert {tuple(np.flatnonzero(row)) for row in face} == {(), (0, 14, 15), (0, 14, 15, 16, 17)}
    assert face.any(1).mean() == pytest.approx(0.4, abs=0.05)


def test_ghosts_stand_at_the_lower_border_under_their_limb() -> None:
    who = standing(1000, size=(160, 120))  # both ankles are below the picture
    assert who.keypoints is not None
    ankles = [JOINTS.index("right_ankle"), JOINTS.index("left_ankle")]
    who.keypoints[:, ankles] = 0
    who.keypoints[:, JOINTS.index("left_ear")] = 0  # nothing makes an ear of nothing
    after = estimated(1000, who, ghost=0.3)
    ghosts = after[:, ankles]
    seen = ghosts[..., 2] > 0
    assert seen.float().mean() == pytest.approx(0.3, abs=0.04)
    assert (ghosts[seen][:, 1] > 160 * 0.96 - 1).all()
    assert (ghosts[seen][:, 1] < 159.5).all()
    assert (ghosts[:, 0][seen[:, 0], 0] - 48).abs().mean() < 0.1 * TALL
    assert (ghosts[~seen] == 0).all()
    untouched = [joint for joint in range(18) if joint not in ankles]
    assert after[:, untouched].equal(who.keypoints[:, untouched].repeat(2, 1, 1))
    high = replace(who, size=(400, 120))  # the knees are in the upper half: no border cuts the ankles off
    assert (estimated(1000, high, ghost=1)[:, ankles] == 0).all()


def test_nobody_there_stays_nobody() -> None:
    empty = Person(keypoints=torch.zeros(50, 18, 3), size=(64, 48))
    after = estimated(50, empty, jitter=0.1, outlier=1, swap=1, drop=0.5, ghost=1, scale=0.2, shift=0.2, rotate=20)
    assert (after == 0).all()


# -- light and camera -------------------------------------------------------------------------------------------------


def lit(image: torch.Tensor, **config: float) -> torch.Tensor:
    """The same picture as both of 100 pairs, in other light: on [0, 1], (2, 100, 3, H, W)."""
    who = Person(image=(image * 2 - 1).repeat(100, 1, 1, 1))
    out = augment(Pair(who, who), AugmentConfig(**config), bits(100))  # type: ignore[arg-type]
    assert out.source.image is not None
    assert out.target.image is not None
    return (torch.stack([out.source.image, out.target.image]) + 1) / 2


def test_light_is_what_it_is_called() -> None:
    image = torch.rand(3, 8, 6, generator=torch.Generator().manual_seed(0)) * 0.3 + 0.35
    luma = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    ratio = lit(image, brightness=0.2) / image
    assert (ratio.amax((2, 3, 4)) - ratio.amin((2, 3, 4))).max() < 1e-4
    assert 1 / 1.2 - 1e-4 <= ratio.min() < 0.86
    assert 1.18 < ratio.max() <= 1.2 + 1e-4
    spread = (lit(image, contrast=0.2) - 0.5) / (image - 0.5)
    assert (spread.amax((2, 3, 4)) - spread.amin((2, 3, 4))).max() < 1e-2
    power = lit(image, gamma=0.5).log() / image.log()
    assert (power.amax((2, 3, 4)) - power.amin((2, 3, 4))).max() < 1e-3
    assert power.std() > 0.1
    coloured = lit(image, saturation=0.5)
    assert ((coloured - image) * luma).sum(2).abs().max() < 1e-5, "saturation keeps the brightness"
    assert (coloured - image).abs().max() > 0.02
    warm = lit(image, temperature=0.1) / image
    assert (warm[:, :, 1] - 1).abs().max() < 1e-5
    assert (warm[:, :, 0] * warm[:, :, 2] - 1).abs().max() < 1e-4
    assert warm[:, :, 0].std() > 0.03


def test_source_and_target_share_their_light() -> None:
    image = torch.rand(3, 8, 6, generator=torch.Generator().manual_seed(0))
    light = {"brightness": 0.2, "contrast": 0.2, "gamma": 0.2, "saturation": 0.2, "temperature": 0.1}
    source, target = lit(image, **light)
    assert source.equal(target)
    assert (source[0] - source[1]).abs().max() > 0.01, "pairs differ"
    source, target = lit(image, **light, light_apart=0.2)
    assert 1e-3 < (source - target).abs().mean() < 0.5 * (source - image).abs().mean()
    white = lit(torch.ones(3, 4, 4), **light)
    assert white.max() <= 1
    assert white.min() > 0.5


@pytest.mark.parametrize("fault", ["lowres", "blur", "noise", "jpeg"])
def test_faults_are_of_the_source_alone_and_as_frequent_as_asked(fault: str) -> None:
    pair = noisy(60)
    out = augment(pair, AugmentConfig(**{fault: 0.5}), bits(60))  # type: ignore[arg-type]
    assert out.source.image is not None
    assert pair.source.image is not None
    changed = (out.source.image != pair.source.image).flatten(1).any(1)
    assert 20 <= int(changed.sum()) <= 40
    assert out.source.image.abs().max() <= 1
    assert_same(Pair(replace(out.source, image=pair.source.image), out.target), pair)


def test_faults_do_what_they_are_called() -> None:
    flat = Person(image=torch.full((40, 3, 32, 24), 0.2))
    board = ((torch.arange(32)[:, None] + torch.arange(24)) % 2 * 1.6 - 0.8).expand(40, 3, 32, 24)

    def spoilt(who: Person, **config: Any) -> torch.Tensor:
        image = augment(Pair(who, who), AugmentConfig(**config), bits(40)).source.image
        assert image is not None
        return image

    for fault in ({"lowres": 1.0, "lowres_least": 0.3}, {"blur": 1.0, "blur_most": 0.05}):
        assert (spoilt(flat, **fault) - 0.2).abs().max() < 1e-4, "nothing to lose, to the very border"
    assert spoilt(Person(image=board.clone()), lowres=1.0, lowres_least=0.3).abs().mean() < 0.5
    assert spoilt(Person(image=board.clone()), blur=1.0, blur_most=0.05).abs().mean() < 0.5
    grain = (spoilt(flat, noise=1.0, noise_most=0.1) - 0.2) / 2  # white being 1
    assert grain.mean().abs() < 0.005
    assert grain.std((1, 2, 3)).max() == pytest.approx(0.1, rel=0.1)
    assert grain.std((1, 2, 3)).min() < 0.01
    tails = (grain / grain.std((1, 2, 3), keepdim=True)).abs()
    assert (tails > 1.96).float().mean() == pytest.approx(0.05, abs=0.01), "normal"
    picture = noisy(40).source.image
    assert picture is not None
    file = io.BytesIO()
    PIL.Image.fromarray(to_uint8(picture[7])).save(file, "JPEG", quality=60)
    wanted = from_uint8(np.array(PIL.Image.open(file)))
    assert spoilt(Person(image=picture), jpeg=1.0, jpeg_quality=(60, 60))[7].equal(wanted)


# -- bits -------------------------------------------------------------------------------------------------------------


def test_off_gives_the_very_same_pair() -> None:
    pair = noisy(3)
    assert augment(pair, AugmentConfig(), bits(3)) is pair
    assert AugmentConfig().off
    assert not EVERYTHING.off
    for name in RECIPES:
        assert isinstance(by_name(name).data.augment, AugmentConfig)
    assert AugmentConfig(moved=0.0, scale=0.3).off


def test_a_pair_depends_on_its_own_bits_alone() -> None:
    pair, numbers = noisy(12), bits(12)
    kept = Pair(*(replace(p, image=p.image.clone(), keypoints=p.keypoints.clone()) for p in (pair.source, pair.target)))  # type: ignore[union-attr]
    whole = augment(pair, EVERYTHING, numbers)
    assert_same(pair, kept)
    assert_same(augment(pair, EVERYTHING, numbers), whole)
    assert_same(augment(pair[3:8], EVERYTHING, numbers[3:8]), whole[3:8])
    other = augment(pair, EVERYTHING, bits(12, seed=1))
    assert not torch.equal(other.source.image, whole.source.image)  # type: ignore[arg-type]
    assert not torch.equal(other.target.keypoints, whole.target.keypoints)  # type: ignore[arg-type]


def test_one_kind_of_change_does_not_disturb_another() -> None:
    pair, numbers = noisy(8), bits(8)
    joints = AugmentConfig(jitter=0.02, drop=0.1)
    alone = augment(pair, joints, numbers)
    with_others = augment(pair, replace(joints, brightness=0.3, jpeg=1.0), numbers)
    assert alone.source.keypoints is not None
    assert alone.source.keypoints.equal(with_others.source.keypoints)  # type: ignore[arg-type]


def test_what_cannot_be_augmented_is_named() -> None:
    pair = noisy(3)
    with pytest.raises(ValueError, match=r"bits \(B,\), got 3 pairs and bits \(2,\)"):
        augment(pair, EVERYTHING, bits(2))
    with pytest.raises(ValueError, match="got a pair without a batch"):
        augment(pair[0], EVERYTHING, bits(1))
    lost = Person(keypoints=torch.zeros(2, 18, 3))
    with pytest.raises(ValueError, match="have no canvas"):
        augment(Pair(lost, lost), EVERYTHING, bits(2))


# -- recipes ----------------------------------------------------------------------------------------------------------


def test_a_recipe_keeps_it() -> None:
    made = override(by_name("patn-s"), ["data.augment.jpeg=0.3", "data.augment.jpeg_quality=[40,90]"])
    assert made.data.augment == AugmentConfig(jpeg=0.3, jpeg_quality=(40, 90))
    assert recipe_from_dict(json.loads(json.dumps(to_dict(made)))) == made
    old = to_dict(by_name("patn-s"))
    del old["data"]["augment"]  # as runs of earlier versions have written it
    assert recipe_from_dict(old).data.augment.off


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("jpeg=1.5", "^data.augment.jpeg: 0 to 1 is wanted, got 1.5"),
        ("drop=-0.1", "^data.augment.drop: 0 to 1"),
        ("scale=3", "^data.augment.scale: 0 to 2"),
        ("jitter=NaN", "^data.augment.jitter: 0 to 0.2"),
        ("shift=0.6", "^data.augment.shift: 0 to 0.5"),
        ("rotate=200", "^data.augment.rotate: 0 to 180"),
        ("lowres_least=0", "^data.augment.lowres_least: 0.05 to 1"),
        ("jpeg_quality=[90,40]", "^data.augment.jpeg_quality: least and most"),
        ("jpeg_quality=[40]", "^data.augment.jpeg_quality: a list of 2 whole numbers is wanted"),
        ("occlude=1.1", "^data.augment.occlude: 0 to 1 is wanted, got 1.1"),
        ("occlude_most=0", "^data.augment.occlude_most: 0.01 to 1"),
        ("jpg=1", "^data.augment.jpg: .*did you mean 'jpeg'"),
    ],
)
def test_a_wrong_strength_is_named(word: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        override(by_name("patn-s"), [f"data.augment.{word}"])


def test_a_wrong_strength_in_a_file_is_named() -> None:
    data = to_dict(by_name("patn-s"))
    data["data"]["augment"]["blur"] = 2.0
    with pytest.raises(RecipeError, match=r"^recipe\.data\.augment\.blur: 0 to 1 is wanted, got 2\.0"):
        recipe_from_dict(data)


# -- the loader -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("augment") / "store"
    random = np.random.default_rng(0)
    with StoreWriter(folder, 32, 16, "made") as writer:
        for person in range(6):
            for view in range(3):
                image = random.integers(0, 200, (32, 16, 3), dtype=np.uint8)
                keypoints = np.c_[random.uniform(0, 15, 18), random.uniform(0, 31, 18), np.ones(18)]
                mask = np.zeros((32, 16), np.uint8)
                mask[8:24, 4:12] = 255
                writer.add(f"{person}_{view}", str(person), image, keypoints, mask=mask)
    return Store.open(folder)


FIELDS = ("image", "keypoints", "mask")


@pytest.mark.parametrize("ahead", [0, 3])
def test_a_resumed_loader_goes_on_with_the_same_changes(store: Store, ahead: int) -> None:
    sampler = PairSampler(store, "train", 4, seed=0)
    how: dict[str, Any] = {"flip": "mirror", "both_directions": True, "change": EVERYTHING}
    with Loader(store, sampler, FIELDS, ahead=0, **how) as loader:
        whole = [next(loader)[1] for _ in range(5)]
    with Loader(store, sampler, FIELDS, start=3, ahead=ahead, **how) as loader:
        for wanted in whole[3:]:
            assert_same(next(loader)[1], wanted)
    with Loader(store, sampler, FIELDS, "mirror", both_directions=True) as loader:
        plain = next(loader)[1]
    assert len(plain) == len(whole[0]) == 8
    assert not torch.equal(plain.source.image, whole[0].source.image)  # type: ignore[arg-type]


def test_two_processes_share_the_changes_of_one(store: Store) -> None:
    def first(rank: int, world: int) -> Pair:
        sampler = PairSampler(store, "train", 8, seed=0, rank=rank, world=world)
        with Loader(store, sampler, FIELDS, "mirror", ahead=0, both_directions=True, change=EVERYTHING) as loader:
            return next(loader)[1]

    whole, halves = first(0, 1), [first(rank, 2) for rank in range(2)]
    for direction in range(2):
        for rank in range(2):
            start = direction * 8 + rank * 4
            assert_same(halves[rank][direction * 4 : direction * 4 + 4], whole[start : start + 4])


def test_bits_are_pure_functions_of_seed_and_step(store: Store) -> None:
    sampler = PairSampler(store, "train", 4, seed=7)
    assert sampler.bits_at(123).tolist() == PairSampler(store, "train", 4, seed=7).bits_at(123).tolist()
    both = sampler.bits_at(123, both_directions=True)
    assert both.shape == (8,)
    assert both[:4].tolist() == sampler.bits_at(123).tolist()
    assert len({*both.tolist(), *sampler.bits_at(124).tolist()}) == 12
    # of Philox4x64-10 with key 7, third stream: newer versions of NumPy must give the same
    assert (
        sampler.bits_at(123).tolist()
        == np.random.Philox(key=7, counter=(2 << 128) | (123 << 64)).random_raw(4).tolist()
    )


def test_no_direction_wants_a_spoilt_picture(store: Store) -> None:
    sampler = PairSampler(store, "train", 4, seed=0)
    rows = sampler.batch_at(0)
    faults = AugmentConfig(noise=1.0, jpeg=1.0)
    numbers = sampler.bits_at(0, both_directions=True)
    pair = load_pairs(store, rows, FIELDS, both_directions=True, change=faults, bits=numbers)
    clean = load_pairs(store, rows, FIELDS, both_directions=True)
    assert pair.target.image is not None
    assert pair.target.image.equal(clean.target.image)  # type: ignore[arg-type]
    assert (pair.source.image != clean.source.image).flatten(1).any(1).all()  # type: ignore[union-attr, attr-defined]
    with pytest.raises(ValueError, match=r"bits=sampler.bits_at\(step\)"):
        load_pairs(store, rows, FIELDS, change=faults)


def test_the_white_around_a_canvas_stays_white(store: Store) -> None:
    place = Canvas("made", 32, 24, (0, 4, 32, 16))
    sampler = PairSampler(store, "train", 4, seed=0)
    with Loader(store, sampler, FIELDS, ahead=0, canvas=place, change=EVERYTHING) as loader:
        pair = next(loader)[1]
    for person in (pair.source, pair.target):
        assert person.image is not None
        assert person.size == (32, 24)
        assert (person.image[..., :4] == 1).all()
        assert (person.image[..., -4:] == 1).all()
        assert (person.image[..., 4:20] < 1).any()


def test_endless_people_are_changed_too() -> None:
    start = FakeStart(32, 16)
    with Stream(32, 16, "street", pictures=3, people=10, start_worker=start, niceness=0) as stream:
        sampler = PairSampler(stream, "train", 8, seed=0)
        with Loader(stream, sampler, stream.fields, "mirror", change=EVERYTHING) as loader:
            for _ in range(3):
                pair = next(loader)[1]
                assert len(pair) == 8
                assert pair.source.image is not None
                assert pair.source.image.flatten(2).std(2).max() > 0.005, "the fake pictures are flat, these are not"


def test_turned_colours_of_both_pictures_alike() -> None:
    turned = augment_module._turned_colours(torch.tensor([0.0, 2 * math.pi / 3]))
    assert torch.allclose(turned[0], torch.eye(3), atol=1e-6)
    assert torch.allclose(turned[1] @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6)  # red to green
    grey = torch.full((3,), 0.3)
    assert torch.allclose(turned @ grey, grey.expand(2, 3), atol=1e-6)

    image = (torch.rand(1, 3, 8, 6, generator=torch.Generator().manual_seed(0)) - 0.5).repeat(32, 1, 1, 1)
    keypoints = torch.ones(32, 18, 3)
    pair = Pair(Person(image=image, keypoints=keypoints), Person(image=image.clone(), keypoints=keypoints))
    bits = np.random.Philox(key=3).random_raw(32)
    out = augment(pair, AugmentConfig(hue=180), bits)
    assert out.source.image is not None
    assert out.target.image is not None
    assert torch.equal(out.source.image, out.target.image)
    off = (out.source.image - image).abs().amax((1, 2, 3))
    assert 8 <= int((off > 0.05).sum()) <= 24  # about half of them
    assert torch.allclose(out.source.image.mean(1), image.mean(1), atol=0.2)
