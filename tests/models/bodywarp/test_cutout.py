"""The new figure alone: its border is the photograph's own, at the photograph's own size; and a mask of the source."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

pytest.importorskip("numba")

from repose.models.base import Generator, Output
from repose.models.bodywarp.network import BodyWarp, BodyWarpConfig, _enlarged_ways
from repose.nn.blocks import resized_rows
from repose.person import Person
from repose.represent.flow import at_rest
from tests.contract import checks

HEIGHT, WIDTH = 64, 48


@pytest.fixture(scope="module")
def network() -> BodyWarp:
    torch.manual_seed(0)
    return BodyWarp(BodyWarpConfig(width=8, depth=1, heads=2, height=HEIGHT)).eval().requires_grad_(False)


def source(seed: int = 1) -> Person:
    return checks.person(1, seed, HEIGHT, WIDTH)


def noise(channels: int, times: int, seed: int = 0) -> Tensor:
    return torch.rand(1, channels, HEIGHT * times, WIDTH * times, generator=torch.Generator().manual_seed(seed))


def disc(times: int, radius: float, x: float = 24, y: float = 32) -> Tensor:
    """(1, 1, 64 k, 48 k), 1 in a circle given in pixels of the network."""
    rows, columns = torch.meshgrid(torch.arange(HEIGHT * times), torch.arange(WIDTH * times), indexing="ij")
    away = ((columns + 0.5) / times - x).square() + ((rows + 0.5) / times - y).square()
    return (away < radius**2).float()[None, None]


def output(outline: Tensor, shares: tuple[float, float, float] = (1, 0, 0), still: float = 0.0) -> Output:
    """A network's output in which nothing moves, with this outline (1, 1, 64, 48), in blue where it is painted."""
    rest = at_rest(outline)
    blue = torch.tensor([-1.0, -1.0, 1.0]).view(1, 3, 1, 1).expand(1, 3, HEIGHT, WIDTH)
    extra = {
        "core": torch.zeros(1, 3, HEIGHT, WIDTH),
        "painted": blue,
        "shares": torch.tensor(shares).view(1, 3, 1, 1).expand(1, 3, HEIGHT, WIDTH),
        "still": torch.full_like(outline, still),
        "outline": outline,
        "flow": rest.expand(1, 2, HEIGHT, WIDTH),
        "mirrored": rest.expand(1, 2, HEIGHT, WIDTH),
    }
    return Output(extra["core"], extra)


def between(alpha: Tensor) -> int:
    """How many pixels of a border are neither inside nor outside."""
    return int(((alpha > 0.1) & (alpha < 0.9)).sum())


@pytest.mark.parametrize("times", [1, 3])
def test_in_their_own_pose_the_photograph_and_its_matte_come_back(network: BodyWarp, times: int) -> None:
    person = source()
    photograph, matte = noise(3, times) * 2 - 1, noise(1, times, 1)
    cutout = network.cutout(network(person, person), photograph, matte)
    torch.testing.assert_close(cutout.figure, photograph, rtol=0, atol=1e-5)
    torch.testing.assert_close(cutout.alpha, matte, rtol=0, atol=1e-5)


@pytest.mark.parametrize("times", [1, 3])
def test_shapes_and_ranges(network: BodyWarp, times: int) -> None:
    photograph, matte = noise(3, times) * 2 - 1, noise(1, times, 1)
    cutout = network.cutout(network(source(), source(2)), photograph, matte)
    assert cutout.figure.shape == (1, 3, HEIGHT * times, WIDTH * times)
    assert cutout.alpha.shape == (1, 1, HEIGHT * times, WIDTH * times)
    assert cutout.figure.abs().max() <= 1
    assert 0 <= cutout.alpha.min() < cutout.alpha.max() <= 1 + 1e-6
    assert cutout.figure.isfinite().all()
    other = network.cutout(network(source(), source(3)), photograph, matte)
    assert (other.figure - cutout.figure).abs().max() > 0.1


@pytest.mark.parametrize("mirrored", [True, False])
def test_networks_without_a_mirrored_candidate(mirrored: bool) -> None:
    torch.manual_seed(0)
    network = BodyWarp(BodyWarpConfig(width=8, depth=1, heads=2, height=HEIGHT, mirrored=mirrored)).eval()
    with torch.no_grad():
        cutout = network.cutout(network(source(), source(2)), noise(3, 2) * 2 - 1, noise(1, 2, 1))
    assert cutout.figure.abs().max() <= 1
    assert cutout.alpha.shape == (1, 1, 2 * HEIGHT, 2 * WIDTH)


def test_a_carried_border_is_as_sharp_as_the_photographs(network: BodyWarp) -> None:
    """At four times the size: the network's outline is 4 pixels blurred and more, the matte is not."""
    soft = F.avg_pool2d(disc(1, 14), 3, 1, 1)
    own = F.interpolate(soft, scale_factor=4.0, mode="bilinear")
    sharp = disc(4, 14)
    cutout = network.cutout(output(soft), noise(3, 4) * 2 - 1, sharp)
    assert between(sharp) == 0
    assert between(cutout.alpha) < 0.3 * between(own)
    wrong = (cutout.alpha - sharp).abs().sum() / sharp.sum()
    assert wrong < 0.3 * (own - sharp).abs().sum() / sharp.sum()


@pytest.mark.parametrize("radius", [13, 14])
def test_the_mattes_border_wins_within_a_pixel(network: BodyWarp, radius: float) -> None:
    soft = F.avg_pool2d(disc(1, 14), 3, 1, 1)
    sharp = disc(4, radius)
    alpha = network.cutout(output(soft), noise(3, 4), sharp).alpha
    assert ((alpha > 0.5) != (sharp > 0.5)).sum() < 0.03 * sharp.sum()


@pytest.mark.parametrize("radius", [5, 23])
def test_a_matte_far_from_the_outline_is_not_believed(network: BodyWarp, radius: float) -> None:
    """A figure that the network shows keeps its inside, and nothing appears where it shows none."""
    soft = F.avg_pool2d(disc(1, 14), 3, 1, 1)
    alpha = network.cutout(output(soft), noise(3, 4), disc(4, radius)).alpha
    assert (alpha[disc(4, 11) == 1] > 0.99).all()
    assert (alpha[disc(4, 17) == 0] < 0.01).all()


@pytest.mark.parametrize("times", [1, 3])
def test_what_is_painted_has_the_networks_outline(network: BodyWarp, times: int) -> None:
    """Where it is sure; its slope is not wider than it was at the network's size."""
    soft = F.avg_pool2d(disc(1, 14), 3, 1, 1)
    photograph = noise(3, times) * 2 - 1
    cutout = network.cutout(output(soft, (0, 0, 1)), photograph, torch.zeros(1, 1, HEIGHT * times, WIDTH * times))
    blue = torch.tensor([-1.0, -1.0, 1.0]).view(1, 3, 1, 1).expand_as(photograph)
    torch.testing.assert_close(cutout.figure, blue, rtol=0, atol=1e-5)
    enlarged = F.interpolate(soft, scale_factor=float(times), mode="bilinear")
    sure = 1 / (1 + math.exp(-1.5))
    assert ((cutout.alpha > 0.5) == (enlarged > sure)).float().mean() > 0.999
    if times > 1:
        assert between(cutout.alpha) < 0.7 * between(F.interpolate(soft, scale_factor=float(times), mode="bilinear"))


def test_colours_are_those_of_the_photograph_that_is_given(network: BodyWarp) -> None:
    photograph = noise(3, 3) * 2 - 1
    cutout = network.cutout(output(disc(1, 14)), photograph, disc(3, 14))
    torch.testing.assert_close(cutout.figure, photograph, rtol=0, atol=1e-4)
    half = network.cutout(output(disc(1, 14), still=0.5), photograph, disc(3, 14))
    torch.testing.assert_close(half.figure, photograph, rtol=0, atol=1e-4)


def test_other_generators_cannot_tell() -> None:
    class Plain(Generator):
        def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
            return ()

        def synthesise(self, *inputs: Tensor) -> Output:
            return output(disc(1, 14))

    assert Plain().cutout(output(disc(1, 14)), noise(3, 1), noise(1, 1)) is None


# -- a mask of the source -------------------------------------------------------------------------------------------


def test_a_mask_helps_where_it_is_prepared_and_nowhere_else(network: BodyWarp) -> None:
    """Training calls `forward` alone: what a person's mask is must not matter there."""
    assert network.needs.helps == ("mask",)
    assert "mask" not in network.needs.source
    person, target = source(), source(2)
    assert person.mask is not None
    bare = person.only("image", "keypoints")
    wanted = network(bare, target)
    assert torch.equal(network(person, target).image, wanted.image), "forward does not read it"
    assert torch.equal(network(bare, target, network.prepare(bare)).image, wanted.image)
    masks = [disc(1, 14), 1 - disc(1, 14)]
    pictures = [network(bare, target, network.prepare(replace(bare, mask=mask))).image for mask in masks]
    for picture in pictures:
        assert (picture - wanted.image).abs().max() > 1e-2
    assert (pictures[0] - pictures[1]).abs().max() > 1e-2


def test_a_mask_that_is_sure_decides(network: BodyWarp) -> None:
    """Whatever the network's own logits, at most 6 of them at 0.6; where the mask is 0.5 they decide."""
    person = source()
    mask = disc(1, 14)
    own = network.prepare(person.only("image", "keypoints"))[0]
    with_mask = network.prepare(replace(person, mask=mask))[0]
    assert torch.equal(with_mask > 0, mask > 0.5)
    undecided = network.prepare(replace(person, mask=torch.full_like(mask, 0.5)))[0]
    torch.testing.assert_close(undecided, 0.6 * own.clamp(-6, 6), rtol=0, atol=1e-5)


def test_masks_of_other_sizes(network: BodyWarp) -> None:
    """A picture of twice the working size, and its mask, are reduced alike."""
    person = checks.person(1, 1, 2 * HEIGHT, 2 * WIDTH)
    prepared = network.prepare(replace(person, mask=disc(2, 14)))
    assert prepared[0].shape == (1, 1, HEIGHT, WIDTH)
    inside, outside = disc(1, 13), disc(1, 15) == 0
    assert (prepared[0][inside == 1] > 0).all()
    assert (prepared[0][outside] < 0).all()


def test_the_surroundings_are_without_what_the_mask_shows(network: BodyWarp) -> None:
    person = source()
    green = torch.tensor([-0.8, 0.8, -0.8]).view(1, 3, 1, 1).expand(1, 3, HEIGHT, WIDTH)
    mask = disc(1, 14)
    image = green * (1 - mask) + mask * torch.tensor([0.9, -0.9, -0.9]).view(1, 3, 1, 1)
    behind = network.prepare(replace(person, image=image, mask=mask))[5]
    assert (behind - green).abs().mean() < 0.1
    assert (behind[0, 0] < 0).all(), "nothing red"


def test_an_enlarged_flow_has_no_third_place_between_two_limbs() -> None:
    """Two limbs that come from 0.1 and 0.8: half-way lies what is neither, and bilinear enlarging shows it."""
    ways = torch.full((1, 2, 12, 10), 0.1)
    ways += torch.linspace(0, 0.02, 10)  # a limb stretches a little
    border = torch.arange(10)[None] > torch.arange(12)[:, None] - 1
    ways[:, :, border] += 0.7
    size = (96, 80)
    enlarged = torch.cat([_enlarged_ways(ways, size, slice(top, top + 32)) for top in (0, 32, 64)], 2)
    bilinear = resized_rows(ways, size, 0, 96)
    between = (enlarged > 0.15) & (enlarged < 0.75)
    assert not between.any()
    assert ((bilinear > 0.15) & (bilinear < 0.75)).float().mean() > 0.03
    # it lies where bilinear enlarging is half-way, so a slanting border has no steps of 8 pixels
    assert ((enlarged > 0.45) == (bilinear > 0.46)).float().mean() > 0.98
    cells = border.float().expand_as(ways)
    mixed = resized_rows(F.max_pool2d(cells, 3, 1, 1) + F.max_pool2d(-cells, 3, 1, 1), size, 0, 96)
    inside = mixed == 0
    assert inside.float().mean() > 0.3
    torch.testing.assert_close(enlarged[inside], bilinear[inside], rtol=0, atol=1e-5)


def test_a_smooth_flow_is_enlarged_bilinearly() -> None:
    ways = torch.linspace(-0.3, 0.3, 120).reshape(1, 1, 12, 10).expand(1, 2, 12, 10) * 0.3
    assert torch.equal(_enlarged_ways(ways, (48, 40), slice(8, 40)), resized_rows(ways, (48, 40), 8, 40))
    assert torch.equal(_enlarged_ways(ways, (12, 10), slice(2, 9)), ways[:, :, 2:9])


# -- the compiled pass ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("everywhere", [True, False])
def test_the_compiled_pass_is_what_the_tensors_give(network: BodyWarp, times: int, everywhere: bool) -> None:
    """Where `everywhere` is not asked for, colours are compared within a pixel of the figure."""
    made = network(source(), source(2))
    jump = made.extra["flow"].clone()
    jump[..., 24:] += 0.3  # two limbs side by side
    made = Output(made.image, {**made.extra, "flow": jump, "outline": F.avg_pool2d(disc(1, 14), 3, 1, 1)})
    photograph, matte = noise(3, times) * 2 - 1, F.avg_pool2d(disc(times, 12, 20), 3, 1, 1)
    with torch.no_grad():  # with gradients the tensors compute it
        got = network.cutout(made, photograph, matte, everywhere)
    strips = [slice(top, top + 32) for top in range(0, HEIGHT * times, 32)]
    parts = [network._cut(made.extra, torch.cat([photograph, matte], 1), strip) for strip in strips]
    figure, alpha = (torch.cat([part[k] for part in parts], 2) for k in (0, 1))
    assert 0.02 < (alpha > 0.5).float().mean() < 0.6
    assert (got.alpha - alpha).abs().max() < 1e-3
    near = torch.ones_like(alpha) if everywhere else F.max_pool2d((alpha > 1e-3).float(), 3, 1, 1)
    off = ((got.figure - figure).abs() * near).amax(1)
    # half-way between two limbs rounding chooses one of them
    assert (off > (1e-3 if everywhere else 4e-3)).float().mean() < 2e-3
    if not everywhere and times == 3:
        assert (got.figure == 0).all(1).float().mean() > 0.2, "what is far from the figure is left out"
