"""HPN's objective against its equations written out by hand: L2 then L1, whole picture and windows, missing joints."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.losses.perceptual import Perceptual
from repose.models.base import Output, Phase, Progress, total
from repose.models.hpn.objective import HPNObjective, HPNObjectiveConfig, stage
from repose.person import Pair, Person
from repose.represent.descriptors import corners, descriptors

HEIGHT, WIDTH = 64, 48
PIXELS = HPNObjectiveConfig(
    shares=(1.0, 1.0, 1.0), descriptors=(18, 31, 44), weight_pixels=1.0, weight_perceptual=0.0, perceptual="none"
)


class Features(nn.Module):
    """A hand-made network of two layers."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"relu1_2": images, "relu2_2": 3 * F.avg_pool2d(images, 2)}


def pair(missing: tuple[int, ...] = (), seed: int = 0, batch: int = 2) -> Pair:
    random = torch.Generator().manual_seed(seed)
    points = torch.rand(batch, 18, 2, generator=random) * torch.tensor([WIDTH - 1.0, HEIGHT - 1.0])
    keypoints = torch.cat([points, torch.ones(batch, 18, 1)], -1)
    keypoints[0, list(missing)] = 0
    image = torch.rand(batch, 3, HEIGHT, WIDTH, generator=random) * 2 - 1
    return Pair(Person(image=image.flip(0), keypoints=keypoints), Person(image=image, keypoints=keypoints))


def generated(smaller: int = 1, batch: int = 2) -> Output:
    random = torch.Generator().manual_seed(7)
    native = (torch.rand(batch, 3, HEIGHT // smaller, WIDTH // smaller, generator=random) * 2 - 1).requires_grad_()
    return Output(F.interpolate(native, (HEIGHT, WIDTH)), {"native": native})


def phase(objective: HPNObjective, images: int, of: int = 120) -> Phase:
    (found,) = objective.phases(Progress(images, of))
    return found


def test_stages_are_a_function_of_progress() -> None:
    def halves(images: int) -> tuple[int, bool]:
        return stage(Progress(images, 120), (1.0, 1.0, 1.0))

    assert [halves(images) for images in (0, 19, 20, 39)] == [(0, False), (0, False), (0, True), (0, True)]
    assert [halves(images) for images in (40, 59, 60, 79)] == [(1, False), (1, False), (1, True), (1, True)]
    assert [halves(images) for images in (80, 99, 100, 120)] == [(2, False), (2, False), (2, True), (2, True)]
    assert [stage(Progress(n, 100), (3.0, 1.0))[0] for n in (0, 74, 75, 100)] == [0, 0, 1, 1]
    assert [stage(Progress(n, 100), (1.0,)) for n in (0, 49, 50, 100)] == [(0, False), (0, False), (0, True), (0, True)]
    assert stage(Progress(0, 0), (1.0, 1.0)) == (0, False)


def windows(image: Tensor, keypoints: Tensor, smaller: int, count: int, b: int) -> list[Tensor]:
    """The windows of one person, cut by slices, those of missing descriptors left out."""
    height, width = image.shape[-2:]
    joints = keypoints.clone()
    joints[..., :2] = (joints[..., :2] + 0.5) / smaller - 0.5
    centres, present = descriptors(joints, height, width, count)
    side = height // 8
    corner = corners(centres, height, width, side)
    return [
        image[b, :, y : y + side, x : x + side]
        for (x, y), there in zip(corner[b].tolist(), present[b].tolist(), strict=True)
        if there
    ]


def test_a_phase_for_each_half_level() -> None:
    objective = HPNObjective(PIXELS)
    names = [phase(objective, images).name for images in (0, 19, 20, 39, 40, 59, 60, 80, 99, 100, 120)]
    assert names == [
        "level0-l2", "level0-l2", "level0-l1", "level0-l1", "level1-l2", "level1-l2", "level1-l1", "level2-l2",
        "level2-l2", "level2-l1", "level2-l1",
    ]  # fmt: skip
    assert all(phase(objective, images).trains == ("generator",) for images in range(120))
    stages = [phase(objective, images).stage for images in (0, 39, 40, 79, 80, 120)]
    assert stages == ["level0", "level0", "level1", "level1", "level2", "level2"]
    assert len(objective.networks) == 0


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("late", [False, True])
def test_equation_4(level: int, late: bool) -> None:
    """Features of the whole picture and, added up over windows, of each of them; a missing joint leaves its out."""
    config = HPNObjectiveConfig(shares=(1.0, 1.0, 1.0), descriptors=(18, 31, 44), weight_local=0.5)
    objective = HPNObjective(config)
    objective.perceptual = Perceptual("vgg19", features=Features())
    smaller, data = 2 ** (2 - level), pair(missing=(4, 8, 14))
    output = generated(smaller)
    terms = objective.losses(phase(objective, 40 * level + 20 * late), data, output)
    assert set(terms) == {"perceptual", "local perceptual"}

    def distance(ours: Tensor, theirs: Tensor) -> float:
        """C of the two layers; VGG is fed [0, 1]."""
        apart = [(ours - theirs) / 2, 3 * F.avg_pool2d((ours - theirs) / 2, 2)]
        return sum(float((x.abs() if late else x.square()).mean()) for x in apart)

    assert data.target.image is not None
    assert data.target.keypoints is not None
    target = F.avg_pool2d(data.target.image, smaller)
    native = output.extra["native"].detach()
    assert terms["perceptual"].value.item() == pytest.approx(distance(native, target), rel=1e-4)
    added = 0.0
    count = (18, 31, 44)[level]
    for b in range(2):
        cut = [windows(image, data.target.keypoints, smaller, count, b) for image in (native, target)]
        assert len(cut[0]) == count if b else len(cut[0]) < count
        added += sum(distance(ours, theirs) for ours, theirs in zip(*cut, strict=True)) / 2  # mean over the batch
    term = terms["local perceptual"]
    assert term.weight * term.value.item() == pytest.approx(0.5 * added, rel=1e-4)
    total(terms).backward()  # type: ignore[no-untyped-call]
    assert output.extra["native"].grad is not None


def test_l2_in_the_first_half_of_a_level_and_l1_in_the_second() -> None:
    objective = HPNObjective(PIXELS)
    data, output = pair(), generated(4)
    early, late = (objective.losses(phase(objective, images), data, output) for images in (19, 20))
    assert set(early) == {"l2", "local l2"}
    assert set(late) == {"l1", "local l1"}
    assert data.target.image is not None
    apart = output.extra["native"] - F.avg_pool2d(data.target.image, 4)
    torch.testing.assert_close(early["l2"].value, apart.square().mean())
    torch.testing.assert_close(late["l1"].value, apart.abs().mean())


def test_without_joints_or_descriptors_only_the_whole_picture_counts() -> None:
    objective = HPNObjective(PIXELS)
    data = pair(batch=1, missing=tuple(range(18)))
    assert set(objective.losses(phase(objective, 0), data, generated(4, batch=1))) == {"l2"}
    plain = HPNObjective(HPNObjectiveConfig(**{**vars(PIXELS), "descriptors": ()}))
    assert set(plain.losses(phase(plain, 0), pair(), generated(4))) == {"l2"}


def test_one_level_from_the_start() -> None:
    """Baseline and LD: L2 in the first half of the run, at full size."""
    whole = HPNObjective(HPNObjectiveConfig(**{**vars(PIXELS), "shares": (1.0,), "descriptors": (44,)}))
    assert [phase(whole, images).name for images in (0, 59, 60, 119)] == ["level0-l2"] * 2 + ["level0-l1"] * 2
    assert set(whole.losses(phase(whole, 0), pair(), generated())) == {"l2", "local l2"}


def test_errors() -> None:
    objective = HPNObjective(PIXELS)
    with pytest.raises(ValueError, match=r"'level0-l2' wants a picture 16 high, the generator gives 32"):
        objective.losses(phase(objective, 0), pair(), generated(2))
    with pytest.raises(ValueError, match="no phase 'joint'"):
        objective.losses(Phase("joint", ("generator",)), pair(), generated())
    with pytest.raises(ValueError, match="one count for each of the 3 shares"):
        HPNObjectiveConfig(shares=(1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="nothing to learn from"):
        HPNObjectiveConfig(perceptual="none")
    for shares in ((), (1.0, 0.0)):
        with pytest.raises(ValueError, match="numbers above 0"):
            HPNObjectiveConfig(shares=shares, descriptors=())
